//! A site's TLS configuration, built from its policy, certificates and ticket keys.

use std::collections::HashMap;
use std::sync::Arc;

use edge_contract::{CipherSuite, Group, Hash, QuarantineCode, TicketKey, TlsPolicy, TlsVersion};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use crate::certificates::{CertificateSource, LoadedCertificate};
use crate::client_auth;
use crate::iana;
use crate::site_fault::SiteFault;
use crate::ticket::TicketRing;

/// The most rejected early data that is skipped, in bytes of ciphertext without record headers: 2^14
/// bytes of plaintext, the usual limit of servers, in records of one byte each.
const MAX_EARLY_DATA: u32 = (1 << 14) * (1 + 1 + 16);

/// The parts of a site's TLS configuration.
pub struct SiteSource<'a> {
    /// The site's id, to which tickets are bound.
    pub id: &'a str,
    /// The site's names.
    pub names: &'a [String],
    /// The hash of the policy's part.
    pub policy_hash: Hash,
    /// The policy.
    pub policy: &'a TlsPolicy,
    /// The certificates, in order of preference.
    pub certificates: Vec<CertificateSource<'a>>,
    /// The ticket keys, newest first.
    pub ticket_keys: Vec<&'a TicketKey>,
}

/// A site's TLS configuration.
pub struct SiteTls {
    pub(crate) versions: Vec<TlsVersion>,
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) groups: Vec<Group>,
    pub(crate) alpn: Vec<&'static str>,
    pub(crate) certificates: Vec<ReadyCertificate>,
    /// The indices of the certificates that cover a name, if they are not all of them.
    by_name: HashMap<String, Vec<usize>>,
    all: Vec<usize>,
    policy_hash: Hash,
    requires_client_certificate: bool,
    factory: ConfigFactory,
}

/// A certificate with a configuration for each group of the policy.
pub(crate) struct ReadyCertificate {
    pub(crate) loaded: LoadedCertificate,
    // rustls uses the client's order of groups. With a configuration for each group, the policy's order is used.
    pub(crate) by_group: Vec<Arc<ServerConfig>>,
}

impl SiteTls {
    /// Build a site's TLS configuration.
    pub fn build(source: &SiteSource<'_>) -> Result<Self, SiteFault> {
        let alpn = source.policy.alpn.iter().map(|name| name.as_str());
        Self::speaking(source, alpn.collect())
    }

    /// The same with protocols that may not be in a policy.
    pub(crate) fn speaking(
        source: &SiteSource<'_>,
        alpn: Vec<&'static str>,
    ) -> Result<Self, SiteFault> {
        let loaded = load_certificates(&source.certificates)?;
        check_policy(source.policy, &loaded)?;
        let by_name = covering(source.names, &loaded);
        let factory = ConfigFactory::new(source, &alpn)?;
        let certificates = loaded
            .into_iter()
            .map(|certificate| factory.configurations(certificate, &source.policy.groups))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            versions: source.policy.versions.clone(),
            suites: source.policy.suites.clone(),
            groups: source.policy.groups.clone(),
            alpn,
            all: (0..certificates.len()).collect(),
            certificates,
            by_name,
            policy_hash: source.policy_hash,
            requires_client_certificate: client_auth::is_required(source.policy),
            factory,
        })
    }

    /// The hash of the policy's part.
    #[must_use]
    pub fn policy_hash(&self) -> Hash {
        self.policy_hash
    }

    /// Whether a client certificate is required.
    #[must_use]
    pub fn requires_client_certificate(&self) -> bool {
        self.requires_client_certificate
    }

    /// The certificates that cover a name; all of them if none does.
    pub(crate) fn candidates(&self, name: Option<&str>) -> impl Iterator<Item = &ReadyCertificate> {
        let numbers = name
            .and_then(|name| self.numbers(name))
            .unwrap_or(&self.all);
        numbers.iter().map(|number| &self.certificates[*number])
    }

    /// The configuration of a group, with the suites of one hash first.
    pub(crate) fn config_with_hash(
        &self,
        hash_length: usize,
        group: usize,
        certificate: &ReadyCertificate,
    ) -> Option<Arc<ServerConfig>> {
        let mut suites = self.factory.suites.clone();
        suites.sort_by_key(|suite| iana::hash_length(*suite) != Some(hash_length));
        let certified = &certificate.loaded.certified;
        self.factory
            .config(suites, self.groups[group], certified)
            .ok()
    }

    fn numbers(&self, name: &str) -> Option<&Vec<usize>> {
        if self.by_name.is_empty() {
            return None;
        }
        let wildcard = || {
            name.split_once('.')
                .and_then(|(_, parent)| self.by_name.get(&format!("*.{parent}")))
        };
        self.by_name.get(name).or_else(wildcard)
    }
}

fn load_certificates(
    sources: &[CertificateSource<'_>],
) -> Result<Vec<LoadedCertificate>, SiteFault> {
    if sources.is_empty() {
        return Err(SiteFault {
            code: QuarantineCode::CertificateMissing,
            path: "certificates".to_owned(),
            message: "the site has no certificate".to_owned(),
        });
    }
    let load =
        |(index, source)| LoadedCertificate::load(source).map_err(|fault| fault.under(index));
    sources.iter().enumerate().map(load).collect()
}

/// Check that each version of the policy can be negotiated.
fn check_policy(policy: &TlsPolicy, certificates: &[LoadedCertificate]) -> Result<(), SiteFault> {
    let usable = |version| {
        let suits = |suite: &CipherSuite| {
            iana::suite_version(*suite) == version
                && certificates
                    .iter()
                    .any(|certificate| iana::fits_key(*suite, certificate.is_rsa()))
        };
        policy.suites.iter().any(suits)
    };
    match policy.versions.iter().find(|version| !usable(**version)) {
        Some(version) => {
            let message = format!(
                "no cipher suite matches TLS {} and a certificate's key",
                version.as_str()
            );
            Err(SiteFault::policy(&message))
        }
        None => check_groups(policy),
    }
}

fn check_groups(policy: &TlsPolicy) -> Result<(), SiteFault> {
    // Hybrid groups exist in TLS 1.3 only.
    let classical = policy.groups.iter().any(|group| !iana::is_hybrid(*group));
    if policy.versions.contains(&TlsVersion::Tls12) && !classical {
        return Err(SiteFault::policy(
            "no key exchange group can be used in TLS 1.2",
        ));
    }
    Ok(())
}

/// For each name the indices of the certificates that cover it, if they are not all or none of them.
fn covering(names: &[String], certificates: &[LoadedCertificate]) -> HashMap<String, Vec<usize>> {
    let covers = |name: &String| -> Vec<usize> {
        (0..certificates.len())
            .filter(|number| certificates[*number].names.cover(name))
            .collect()
    };
    let by_name: HashMap<_, _> = names
        .iter()
        .map(|name| (name.clone(), covers(name)))
        .collect();
    let some = |numbers: &Vec<usize>| !numbers.is_empty() && numbers.len() < certificates.len();
    by_name
        .into_iter()
        .filter(|(_, numbers)| some(numbers))
        .collect()
}

/// The common parts of a site's configurations.
struct ConfigFactory {
    protocols: Vec<&'static SupportedProtocolVersion>,
    suites: Vec<SupportedCipherSuite>,
    alpn: Vec<Vec<u8>>,
    client_verifier: Arc<dyn ClientCertVerifier>,
    tickets: Option<Arc<TicketRing>>,
}

impl ConfigFactory {
    fn new(source: &SiteSource<'_>, alpn: &[&'static str]) -> Result<Self, SiteFault> {
        let policy = source.policy;
        let protocols = policy.versions.iter().copied().map(iana::protocol);
        let suites = policy.suites.iter().copied().map(iana::instrumented_suite);
        Ok(Self {
            protocols: protocols.collect(),
            suites: suites.collect(),
            alpn: alpn.iter().map(|name| (*name).into()).collect(),
            client_verifier: client_auth::verifier(policy)?,
            tickets: ticket_ring(source)?,
        })
    }

    fn configurations(
        &self,
        loaded: LoadedCertificate,
        groups: &[Group],
    ) -> Result<ReadyCertificate, SiteFault> {
        let config = |group: &Group| {
            self.config(self.suites.clone(), *group, &loaded.certified)
                .map_err(|error| SiteFault::policy(&error.to_string()))
        };
        Ok(ReadyCertificate {
            by_group: groups.iter().map(config).collect::<Result<_, _>>()?,
            loaded,
        })
    }

    fn config(
        &self,
        cipher_suites: Vec<SupportedCipherSuite>,
        group: Group,
        certified: &Arc<CertifiedKey>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = CryptoProvider {
            cipher_suites,
            kx_groups: vec![iana::group(group)],
            ..aws_lc_rs::default_provider()
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.protocols)?
            .with_client_cert_verifier(Arc::clone(&self.client_verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(certified))));
        self.configure(&mut config);
        Ok(Arc::new(config))
    }

    /// Set everything that is not the default of rustls.
    fn configure(&self, config: &mut ServerConfig) {
        config.ignore_client_order = true; // The policy's order is used.
        config.alpn_protocols.clone_from(&self.alpn);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        // Early data is always rejected, since no sessions are stored. This is the limit on what is
        // skipped (RFC 8446 §4.2.10).
        config.max_early_data_size = MAX_EARLY_DATA;
        if let Some(tickets) = &self.tickets {
            config.ticketer = Arc::clone(tickets) as _;
            config.send_tls13_tickets = 1;
        }
    }
}

fn ticket_ring(source: &SiteSource<'_>) -> Result<Option<Arc<TicketRing>>, SiteFault> {
    // A resumed session sends no client certificate, and that of the original one may have become invalid.
    let requires_client_certificate = client_auth::is_required(source.policy);
    if !source.policy.tickets || source.ticket_keys.is_empty() || requires_client_certificate {
        return Ok(None);
    }
    let mut certificates: Vec<Hash> = source
        .certificates
        .iter()
        .map(|source| source.hash)
        .collect();
    certificates.sort_unstable();
    let mut context = vec![
        source.id.as_bytes(),
        source.policy_hash.as_bytes().as_slice(),
    ];
    context.extend(certificates.iter().map(|hash| hash.as_bytes().as_slice()));
    let secrets: Vec<_> = source
        .ticket_keys
        .iter()
        .map(|key| key.secret.as_slice())
        .collect();
    match TicketRing::derive(&secrets, &context) {
        Ok(ring) => Ok(Some(Arc::new(ring))),
        Err(_) => Err(SiteFault::policy("the ticket keys cannot be derived")),
    }
}
