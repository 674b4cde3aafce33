//! The client's side of TLS: one suite, one group, and trust in exactly one certificate.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::fault::Fault;
use crate::tickets::Tickets;

/// What every connection offers.
#[derive(Debug)]
pub struct Offer<'text> {
    /// The only suite, by its IANA name.
    pub suite: &'text str,
    /// The only group, by its IANA name.
    pub group: &'text str,
    /// The only application protocol.
    pub alpn: &'text str,
}

/// Make the configuration of all connections.
pub fn client_config(
    offer: &Offer<'_>,
    certificate: Vec<u8>,
    tickets: Arc<Tickets>,
) -> Result<Arc<ClientConfig>, Fault> {
    let provider = Arc::new(provider(offer)?);
    let pinned = Pinned {
        certificate: certificate.into(),
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    config.alpn_protocols = vec![offer.alpn.as_bytes().to_vec()];
    config.resumption = Resumption::store(tickets);
    Ok(Arc::new(config))
}

fn provider(offer: &Offer<'_>) -> Result<CryptoProvider, Fault> {
    let mut provider = aws_lc_rs::default_provider();
    let spelled = offer.suite.replacen("TLS_", "TLS13_", 1);
    provider
        .cipher_suites
        .retain(|suite| format!("{:?}", suite.suite()) == spelled);
    provider
        .kx_groups
        .retain(|group| format!("{:?}", group.name()).eq_ignore_ascii_case(offer.group));
    if provider.cipher_suites.is_empty() || provider.kx_groups.is_empty() {
        let (suite, group) = (offer.suite, offer.group);
        return Err(Fault::new(format!(
            "suite {suite} or group {group} is unknown"
        )));
    }
    Ok(provider)
}

/// Trusts one certificate, byte for byte, and still has the server prove that it holds the key.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General(
                "the server showed another certificate".into(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 was not offered".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
