//! Client authentication (RFC 8446 §4.3.2): the verifier of client certificates of a policy.

use std::sync::Arc;

use edge_contract::{QuarantineCode, TlsPolicy};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::site_fault::SiteFault;

/// Whether a client certificate is required.
pub(crate) fn is_required(policy: &TlsPolicy) -> bool {
    !policy.client_roots.is_empty()
}

/// The verifier of client certificates, or one that requests none.
pub(crate) fn verifier(policy: &TlsPolicy) -> Result<Arc<dyn ClientCertVerifier>, SiteFault> {
    if !is_required(policy) {
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

fn unreadable(index: &str, message: &str) -> SiteFault {
    SiteFault {
        code: QuarantineCode::TlsPolicyUnusable,
        path: format!("tls.client_roots{index}"),
        message: message.to_owned(),
    }
}
