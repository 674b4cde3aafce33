//! A site's finished TLS configuration: policy, certificates and ticket keys made one, once.

use std::collections::HashMap;
use std::sync::Arc;

use edge_snapshot::{
    Alpn, CipherSuite, Group, Hash, QuarantineCode, TicketKey, TlsPolicy, TlsVersion,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::certificates::{CertificateSource, LoadedCertificate};
use crate::clients;
use crate::iana;
use crate::ticket::TicketRing;

/// What a site's TLS is made of.
pub struct SiteSource<'a> {
    /// The site's id; tickets are bound to it.
    pub id: &'a str,
    /// The names that the site answers to.
    pub names: &'a [String],
    /// The policy's name in the contract.
    pub policy_hash: Hash,
    /// The policy.
    pub policy: &'a TlsPolicy,
    /// The certificates, in order of preference.
    pub certificates: Vec<CertificateSource<'a>>,
    /// Newest first.
    pub ticket_keys: Vec<&'a TicketKey>,
}

/// Why a site's TLS cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFault {
    /// The stable code.
    pub code: QuarantineCode,
    /// The place, as seen from the site.
    pub path: String,
    /// The cause in words.
    pub message: String,
}

/// A site's TLS, ready for handshakes.
pub struct SiteTls {
    pub(crate) versions: Vec<TlsVersion>,
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) groups: Vec<Group>,
    pub(crate) alpn: Vec<Alpn>,
    pub(crate) certificates: Vec<ReadyCertificate>,
    /// The certificates that cover a name, by number, where that is not simply all of them.
    by_name: HashMap<String, Vec<usize>>,
    all: Vec<usize>,
    policy_hash: Hash,
    asks_clients: bool,
}

/// A certificate with a configuration for each group of the policy.
pub(crate) struct ReadyCertificate {
    pub(crate) loaded: LoadedCertificate,
    // rustls lets the client's order of groups decide. A configuration with one group each makes
    // the decision ours.
    pub(crate) by_group: Vec<Arc<ServerConfig>>,
}

impl SiteTls {
    /// Make a site's TLS of its parts.
    pub fn build(source: &SiteSource<'_>) -> Result<Self, SiteFault> {
        let loaded = load_certificates(&source.certificates)?;
        check_policy(source.policy, &loaded)?;
        let by_name = covering(source.names, &loaded);
        let factory = Factory::new(source)?;
        let certificates = loaded
            .into_iter()
            .map(|certificate| factory.ready(certificate))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            versions: source.policy.versions.clone(),
            suites: source.policy.suites.clone(),
            groups: source.policy.groups.clone(),
            alpn: source.policy.alpn.clone(),
            all: (0..certificates.len()).collect(),
            certificates,
            by_name,
            policy_hash: source.policy_hash,
            asks_clients: clients::are_asked(source.policy),
        })
    }

    /// The name of its policy in the contract.
    #[must_use]
    pub fn policy_hash(&self) -> Hash {
        self.policy_hash
    }

    /// Whether clients must show a certificate.
    #[must_use]
    pub fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    /// The certificates to choose from for a name of the site; all of them for any other name.
    pub(crate) fn candidates(&self, name: Option<&str>) -> impl Iterator<Item = &ReadyCertificate> {
        let numbers = name
            .and_then(|name| self.numbers(name))
            .unwrap_or(&self.all);
        numbers.iter().map(|number| &self.certificates[*number])
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
            message: "there is no certificate".to_owned(),
        });
    }
    let load =
        |(index, source)| LoadedCertificate::load(source).map_err(|fault| fault.under(index));
    sources.iter().enumerate().map(load).collect()
}

impl SiteFault {
    fn under(mut self, certificate: usize) -> Self {
        self.path = format!("certificates[{certificate}].{}", self.path);
        self
    }

    fn policy(message: &str) -> Self {
        let code = QuarantineCode::TlsPolicyUnusable;
        Self {
            code,
            path: "tls".to_owned(),
            message: message.to_owned(),
        }
    }
}

/// Refuse a policy under which one of its versions could never be negotiated.
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
                "no cipher suite fits TLS {} and a certificate's key",
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
        return Err(SiteFault::policy("no key exchange group fits TLS 1.2"));
    }
    Ok(())
}

/// For each name the certificates that cover it; nothing when that is always all of them.
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

/// What the configurations of one site have in common.
struct Factory<'a> {
    policy: &'a TlsPolicy,
    providers: Vec<Arc<CryptoProvider>>,
    client_verifier: Arc<dyn ClientCertVerifier>,
    tickets: Option<Arc<TicketRing>>,
}

impl<'a> Factory<'a> {
    fn new(source: &SiteSource<'a>) -> Result<Self, SiteFault> {
        let suites: Vec<_> = source
            .policy
            .suites
            .iter()
            .map(|suite| iana::suite(*suite))
            .collect();
        let provider = |group: &Group| {
            let base = aws_lc_rs::default_provider();
            let kx_groups = vec![iana::group(*group)];
            Arc::new(CryptoProvider {
                cipher_suites: suites.clone(),
                kx_groups,
                ..base
            })
        };
        Ok(Self {
            policy: source.policy,
            providers: source.policy.groups.iter().map(provider).collect(),
            client_verifier: clients::verifier(source.policy)?,
            tickets: ticket_ring(source)?,
        })
    }

    fn ready(&self, loaded: LoadedCertificate) -> Result<ReadyCertificate, SiteFault> {
        let by_group = self
            .providers
            .iter()
            .map(|provider| self.config(provider, &loaded.certified));
        Ok(ReadyCertificate {
            by_group: by_group.collect::<Result<_, _>>()?,
            loaded,
        })
    }

    fn config(
        &self,
        provider: &Arc<CryptoProvider>,
        certified: &Arc<CertifiedKey>,
    ) -> Result<Arc<ServerConfig>, SiteFault> {
        let versions: Vec<_> = self
            .policy
            .versions
            .iter()
            .map(|version| iana::protocol(*version))
            .collect();
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(&versions)
            .map_err(|error| SiteFault::policy(&error.to_string()))?
            .with_client_cert_verifier(Arc::clone(&self.client_verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(certified))));
        self.settle(&mut config);
        Ok(Arc::new(config))
    }

    /// Everything that is not rustls' default, and what must stay its default.
    fn settle(&self, config: &mut ServerConfig) {
        config.ignore_client_order = true; // The policy's order is one of preference.
        config.alpn_protocols = self
            .policy
            .alpn
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        if let Some(tickets) = &self.tickets {
            config.ticketer = Arc::clone(tickets) as _;
            config.send_tls13_tickets = 1;
        }
    }
}

fn ticket_ring(source: &SiteSource<'_>) -> Result<Option<Arc<TicketRing>>, SiteFault> {
    // A resumed session shows no certificate, and an old one may be good no longer.
    let asks_clients = clients::are_asked(source.policy);
    if !source.policy.tickets || source.ticket_keys.is_empty() || asks_clients {
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
