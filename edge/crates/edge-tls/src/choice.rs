//! Choosing the parameters of a handshake from a hello, before rustls sees it, or the reason to refuse it.

use std::sync::Arc;

use edge_contract::{CipherSuite, Group, HandshakeFailure, TlsVersion};
use rustls::{ServerConfig, SignatureScheme};

use crate::alert::{Alert, Violation};
use crate::certificates::CertificateNames;
use crate::hello::ClientHello;
use crate::iana;
use crate::refusal::Refusal;
use crate::site::{ReadyCertificate, SiteTls};

/// The configuration for a handshake.
#[derive(Clone)]
pub struct Choice {
    pub(crate) config: Arc<ServerConfig>,
    /// Whether a `HelloRetryRequest` is needed, since the client sent no key share of the chosen group.
    pub(crate) needs_retry: bool,
    names: CertificateNames,
}

impl Choice {
    /// The names of the certificate that is sent to the client.
    ///
    /// A resumed session sends none. The certificate of the original handshake was chosen for the same name
    /// (RFC 6066 §3), the same site and the same certificates.
    #[must_use]
    pub fn certificate_names(&self) -> &CertificateNames {
        &self.names
    }
}

/// `TLS_FALLBACK_SCSV`, sent by clients that retry with an older version (RFC 7507).
const FALLBACK: u16 = 0x5600;

impl SiteTls {
    /// Choose version, certificate and group for a hello; `name` is its server name, or the local address.
    pub fn choose(&self, hello: &ClientHello, name: Option<&str>) -> Result<Choice, Refusal> {
        let version = self.choose_version(hello)?;
        self.check_fallback(hello, version)?;
        if version == TlsVersion::Tls13 {
            check_extensions(hello).map_err(|Violation { alert, detail }| {
                Refusal::with_alert(HandshakeFailure::HelloMalformed, alert, detail)
            })?;
        }
        self.check_suites(hello, version)?;
        let group = self.choose_group(hello, version)?;
        let certificate = self.choose_certificate(hello, version, name)?;
        self.check_alpn(hello)?;
        let config = self
            .choose_hash(hello, version, group)
            .and_then(|hash_length| self.config_with_hash(hash_length, group, certificate))
            .unwrap_or_else(|| Arc::clone(&certificate.by_group[group]));
        let share = iana::group_number(self.groups[group]);
        Ok(Choice {
            config,
            needs_retry: version == TlsVersion::Tls13 && !hello.has_share(share),
            names: certificate.loaded.names.clone(),
        })
    }

    fn choose_version(&self, hello: &ClientHello) -> Result<TlsVersion, Refusal> {
        // The newest version, regardless of the policy's order (RFC 8446 §4.2.1).
        let shared = |version: &&TlsVersion| hello.offers_version(iana::version_number(**version));
        self.versions
            .iter()
            .filter(shared)
            .max()
            .copied()
            .ok_or_else(|| {
                let detail = format!("the client offers {}", offered_versions(hello));
                Refusal::with_alert(
                    HandshakeFailure::NoSharedVersion,
                    Alert::PROTOCOL_VERSION,
                    detail,
                )
            })
    }

    /// RFC 7507 §3: refuse a client that fell back although a newer version is shared.
    fn check_fallback(&self, hello: &ClientHello, version: TlsVersion) -> Result<(), Refusal> {
        match self.versions.iter().max() {
            Some(newest) if *newest > version && hello.suites.contains(&FALLBACK) => {
                let (newest, version) = (newest.as_str(), version.as_str());
                let detail =
                    format!("the client fell back to TLS {version}, and the site has {newest}");
                Err(Refusal::with_alert(
                    HandshakeFailure::NoSharedVersion,
                    Alert::INAPPROPRIATE_FALLBACK,
                    detail,
                ))
            }
            _ => Ok(()),
        }
    }

    fn shared_suites(
        &self,
        hello: &ClientHello,
        version: TlsVersion,
    ) -> impl Iterator<Item = CipherSuite> {
        let shared = move |suite: &CipherSuite| {
            iana::suite_version(*suite) == version
                && hello.suites.contains(&iana::suite_number(*suite))
        };
        self.suites.iter().copied().filter(shared)
    }

    fn check_suites(&self, hello: &ClientHello, version: TlsVersion) -> Result<(), Refusal> {
        match self.shared_suites(hello, version).next() {
            Some(_) => Ok(()),
            None => Err(failure(
                HandshakeFailure::NoSharedSuite,
                version,
                &offered("suites", &hello.suites),
            )),
        }
    }

    /// The index of the group in the policy.
    fn choose_group(&self, hello: &ClientHello, version: TlsVersion) -> Result<usize, Refusal> {
        let shared: Vec<usize> = (0..self.groups.len())
            .filter(|index| is_shared(self.groups[*index], hello, version))
            .collect();
        let Some(first) = shared.first() else {
            return Err(failure(
                HandshakeFailure::NoSharedGroup,
                version,
                &offered("groups", &hello.groups),
            ));
        };
        // A hybrid group is preferred even if it needs a HelloRetryRequest. Among classical groups, one with
        // a key share is preferred, which saves the round trip.
        let ready = |index: &&usize| hello.has_share(iana::group_number(self.groups[**index]));
        if version == TlsVersion::Tls12 || iana::is_hybrid(self.groups[*first]) {
            return Ok(*first);
        }
        Ok(*shared.iter().find(ready).unwrap_or(first))
    }

    /// The length of the hash that the suite of a `HelloRetryRequest` must have, if it is not that of the
    /// policy's first shared suite.
    ///
    /// A client removes the sessions that are not compatible with the suite (RFC 8446 §4.1.2), and rustls
    /// fails if a client removes all of them.
    fn choose_hash(&self, hello: &ClientHello, version: TlsVersion, group: usize) -> Option<usize> {
        let group = iana::group_number(self.groups[group]);
        if hello.binder_lengths.is_empty() || hello.has_share(group) {
            return None;
        }
        let hashes = || {
            self.shared_suites(hello, version)
                .filter_map(|suite| iana::hash_length(iana::suite(suite)))
        };
        let mut fitting = hashes().filter(|length| hello.binder_lengths.contains(length));
        let fitting = fitting.next()?;
        (hashes().next() != Some(fitting)).then_some(fitting)
    }

    fn choose_certificate(
        &self,
        hello: &ClientHello,
        version: TlsVersion,
        name: Option<&str>,
    ) -> Result<&ReadyCertificate, Refusal> {
        let schemes = usable_schemes(hello, version);
        let mut signing = self
            .candidates(name)
            .filter(|ready| ready.loaded.can_sign(&schemes))
            .peekable();
        if signing.peek().is_none() {
            let detail = offered("signature schemes", &hello.signature_schemes);
            return Err(failure(
                HandshakeFailure::NoSharedSignatureScheme,
                version,
                &detail,
            ));
        }
        let fits = |ready: &&ReadyCertificate| {
            self.shared_suites(hello, version)
                .any(|suite| iana::fits_key(suite, ready.loaded.is_rsa()))
        };
        signing.find(fits).ok_or_else(|| {
            failure(
                HandshakeFailure::NoSharedSuite,
                version,
                "none of the shared suites matches a certificate's key",
            )
        })
    }

    fn check_alpn(&self, hello: &ClientHello) -> Result<(), Refusal> {
        let Some(protocols) = &hello.alpn else {
            return Ok(());
        };
        if self.alpn.iter().any(|protocol| {
            protocols
                .iter()
                .any(|offered| offered == protocol.as_bytes())
        }) {
            return Ok(());
        }
        let names: Vec<_> = protocols
            .iter()
            .map(|name| name.escape_ascii().to_string())
            .collect();
        let detail = format!("the client offers {}", listed(&names));
        Err(Refusal::with_alert(
            HandshakeFailure::NoSharedAlpn,
            Alert::NO_APPLICATION_PROTOCOL,
            detail,
        ))
    }
}

/// Check the extensions that a hello of TLS 1.3 must have (RFC 8446 §9.2).
pub(crate) fn check_extensions(hello: &ClientHello) -> Result<(), Violation> {
    let is_resuming = !hello.binder_lengths.is_empty();
    let has_groups = !hello.groups.is_empty();
    let missing = if has_groups && hello.key_shares.is_none() {
        "key_share is missing"
    } else if !has_groups && (hello.key_shares.is_some() || !is_resuming) {
        "supported_groups is missing"
    } else if hello.signature_schemes.is_empty() {
        "signature_algorithms is missing" // §4.2.3: required for the server's signature.
    } else {
        return Ok(());
    };
    Err(Alert::MISSING_EXTENSION.violation(missing))
}

fn failure(reason: HandshakeFailure, version: TlsVersion, detail: &str) -> Refusal {
    let detail = format!("TLS {}: {detail}", version.as_str());
    Refusal::with_alert(reason, Alert::HANDSHAKE_FAILURE, detail)
}

fn is_shared(group: Group, hello: &ClientHello, version: TlsVersion) -> bool {
    let usable = version == TlsVersion::Tls13 || !iana::is_hybrid(group);
    usable && hello.groups.contains(&iana::group_number(group))
}

/// The offered schemes that may be used for handshakes of a version.
fn usable_schemes(hello: &ClientHello, version: TlsVersion) -> Vec<SignatureScheme> {
    // RFC 8446 §4.2.3: PKCS #1 v1.5 and SHA-1 are for certificates only.
    let refused = |scheme: &u16| {
        version == TlsVersion::Tls13
            && matches!(*scheme, 0x0201 | 0x0203 | 0x0401 | 0x0501 | 0x0601)
    };
    hello
        .signature_schemes
        .iter()
        .filter(|scheme| !refused(scheme))
        .map(|scheme| (*scheme).into())
        .collect()
}

fn offered_versions(hello: &ClientHello) -> String {
    let newest_only = [hello.legacy_version];
    let versions = hello.versions.as_deref().unwrap_or(&newest_only);
    let known = |version: &&u16| !is_grease(**version);
    let names: Vec<_> = versions
        .iter()
        .filter(known)
        .map(|version| iana::offered_version_name(*version))
        .collect();
    listed(&names)
}

fn offered(what: &str, numbers: &[u16]) -> String {
    let known = |number: &&u16| !is_grease(**number);
    let names: Vec<_> = numbers
        .iter()
        .filter(known)
        .map(|number| format!("{number:#06x}"))
        .collect();
    format!("the client's {what} are {}", listed(&names))
}

/// Whether a number is reserved by RFC 8701 (GREASE).
fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// The names, limited in number for events.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => {
            format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN)
        }
        _ => names.join(", "),
    }
}
