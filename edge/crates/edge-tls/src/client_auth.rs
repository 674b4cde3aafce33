//! Client authentication (RFC 8446 §4.3.2): the verifier of client certificates of a policy.

use std::sync::Arc;

use edge_contract::{QuarantineCode, TlsPolicy};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use crate::site_fault::SiteFault;

/// Whether a client certificate is required.
pub(crate) fn is_required(policy: &TlsPolicy) -> bool {
    policy.client_roots.is_some()
}

/// The verifier of client certificates, or one that requests none.
pub(crate) fn verifier(policy: &TlsPolicy) -> Result<Arc<dyn ClientCertVerifier>, SiteFault> {
    let Some(client_roots) = &policy.client_roots else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    if client_roots.is_empty() {
        return Ok(Arc::new(RefusesAll(provider)));
    }
    let mut roots = RootCertStore::empty();
    for (index, der) in client_roots.iter().enumerate() {
        let added = roots.add(CertificateDer::from_slice(der));
        added.map_err(|error| unreadable(&format!("[{index}]"), &error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
    let verifier = builder
        .build()
        .map_err(|error| unreadable("", &error.to_string()))?;
    Ok(verifier)
}

/// Requests a certificate and accepts none; rustls' own verifier cannot be made without a root.
#[derive(Debug)]
struct RefusesAll(Arc<CryptoProvider>);

impl ClientCertVerifier for RefusesAll {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Err(CertificateError::UnknownIssuer.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn unreadable(index: &str, message: &str) -> SiteFault {
    SiteFault {
        code: QuarantineCode::TlsPolicyUnusable,
        path: format!("tls.client_roots{index}"),
        message: message.to_owned(),
    }
}
