//! Clients' certificates (RFC 8446 §4.3.2): who may come to a site that asks for one.

use std::sync::Arc;

use edge_contract::{QuarantineCode, TlsPolicy};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::site::SiteFault;

/// Whether clients must show a certificate.
pub(crate) fn are_asked(policy: &TlsPolicy) -> bool {
    !policy.client_roots.is_empty()
}

/// Who judges the certificate that a client must show, or lets all come where none is asked for.
pub(crate) fn verifier(policy: &TlsPolicy) -> Result<Arc<dyn ClientCertVerifier>, SiteFault> {
    if !are_asked(policy) {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    for (index, der) in policy.client_roots.iter().enumerate() {
        let added = roots.add(CertificateDer::from_slice(der));
        added.map_err(|error| unreadable(&format!("[{index}]"), &error.to_string()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
    let verifier = builder
        .build()
        .map_err(|error| unreadable("", &error.to_string()))?;
    Ok(verifier)
}

fn unreadable(place: &str, message: &str) -> SiteFault {
    SiteFault {
        code: QuarantineCode::TlsPolicyUnusable,
        path: format!("tls.client_roots{place}"),
        message: message.to_owned(),
    }
}
