//! A tls-alpn-01 challenge (RFC 8737), ready for its handshake.

use edge_contract::{Part, Parts, TlsAlpnChallenge};
use edge_tls::{CertificateSource, ChallengeTls, SiteFault};

/// What an ACME server is shown that validates one name.
pub struct ChallengeRuntime {
    /// The site that the challenge is for.
    pub site: String,
    /// The certificate, with all that a handshake needs.
    pub tls: ChallengeTls,
}

impl ChallengeRuntime {
    /// Make a challenge ready; a fault names the place as seen from it.
    pub(crate) fn build(challenge: &TlsAlpnChallenge, parts: &Parts) -> Result<Self, SiteFault> {
        let hash = challenge.certificate;
        let certificate = Part::certificate(parts, &hash)
            .map_err(|missing| SiteFault::missing(&missing, "certificate"))?;
        let key = Part::private_key(parts, &certificate.key)
            .map_err(|missing| SiteFault::missing(&missing, "certificate.key"))?;
        let source = CertificateSource {
            hash,
            certificate,
            key,
        };
        Ok(Self {
            site: challenge.site.clone(),
            tls: ChallengeTls::build(source)?,
        })
    }
}
