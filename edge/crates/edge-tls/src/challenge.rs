//! tls-alpn-01 (RFC 8737): what an ACME server is shown that validates a name by a handshake.

use edge_contract::{CipherSuite, Group, Hash, TlsPolicy, TlsVersion};

use crate::certificates::CertificateSource;
use crate::choice::Choice;
use crate::hello::ClientHello;
use crate::refusal::Refusal;
use crate::site::{SiteSource, SiteTls};
use crate::site_fault::SiteFault;

/// The protocol of these handshakes, which carry nothing else (RFC 8737 §4).
const ACME_TLS: &str = "acme-tls/1";

/// The answer to one challenge, ready for handshakes.
pub struct ChallengeTls(SiteTls);

impl ChallengeTls {
    /// Make it of the certificate to show; a fault names the place inside the certificate.
    pub fn build(source: CertificateSource<'_>) -> Result<Self, SiteFault> {
        // Whatever the site's own policy is, ACME servers may speak any version from TLS 1.2 (§4).
        let policy = TlsPolicy {
            versions: TlsVersion::ALL.to_vec(),
            suites: CipherSuite::ALL.to_vec(),
            groups: Group::ALL.to_vec(),
            alpn: Vec::new(),
            tickets: false,
            client_roots: None,
        };
        let site = SiteSource {
            id: "",
            names: &[],
            policy_hash: Hash::of(""),
            policy: &policy,
            certificates: vec![source],
            ticket_keys: Vec::new(),
        };
        match SiteTls::speaking(&site, vec![ACME_TLS]) {
            Ok(tls) => Ok(Self(tls)),
            Err(fault) => Err(SiteFault {
                path: fault.path.replacen("certificates[0]", "certificate", 1),
                ..fault
            }),
        }
    }

    /// Choose version and group for a hello.
    pub fn choose(&self, hello: &ClientHello) -> Result<Choice, Refusal> {
        self.0.choose(hello, None)
    }
}

impl ClientHello {
    /// Whether the client validates a tls-alpn-01 challenge: it offers that protocol alone (§3).
    #[must_use]
    pub fn validates_challenge(&self) -> bool {
        matches!(self.alpn.as_deref(), Some([only]) if only == ACME_TLS.as_bytes())
    }
}
