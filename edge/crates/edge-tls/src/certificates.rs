//! Certificates that can be served: chain and key read, and proven to belong together.

use std::sync::Arc;

use edge_snapshot::{Certificate, Hash, PrivateKey, QuarantineCode};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys, SignatureAlgorithm, SignatureScheme};

use crate::site::SiteFault;

/// A certificate of the contract and its key, as a site refers to them.
#[derive(Clone, Copy)]
pub struct CertificateSource<'a> {
    /// The certificate's name in the contract.
    pub hash: Hash,
    /// The chain.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a PrivateKey,
}

/// A certificate that can be served.
pub(crate) struct LoadedCertificate {
    names: Vec<String>,
    pub(crate) certified: Arc<CertifiedKey>,
}

impl LoadedCertificate {
    /// Read a chain and its key; faults name the place inside the certificate.
    pub(crate) fn load(source: &CertificateSource<'_>) -> Result<Self, SiteFault> {
        let chain = read_chain(&source.certificate.chain)?;
        let certified = CertifiedKey::new(chain, read_key(source.key)?);
        certified.keys_match().map_err(|error| mismatch(&error))?;
        Ok(Self {
            names: source.certificate.names.clone(),
            certified: Arc::new(certified),
        })
    }

    /// Whether the certificate is valid for a site's name.
    pub(crate) fn covers(&self, name: &str) -> bool {
        let listed = |name: &str| {
            self.names
                .binary_search_by(|known| known.as_str().cmp(name))
                .is_ok()
        };
        listed(name)
            || name
                .split_once('.')
                .is_some_and(|(_, parent)| listed(&format!("*.{parent}")))
    }

    /// Whether the key can sign with a scheme that the client offers for a version.
    pub(crate) fn can_sign(&self, offered: &[SignatureScheme]) -> bool {
        self.certified.key.choose_scheme(offered).is_some()
    }

    /// Whether the key is an RSA key; the names of the suites of TLS 1.2 tell RSA from the rest.
    pub(crate) fn is_rsa(&self) -> bool {
        self.certified.key.algorithm() == SignatureAlgorithm::RSA
    }
}

fn read_chain(chain: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, SiteFault> {
    chain
        .iter()
        .enumerate()
        .map(|(index, der)| read_certificate(index, der))
        .collect()
}

fn read_certificate(index: usize, der: &[u8]) -> Result<CertificateDer<'static>, SiteFault> {
    let der = CertificateDer::from(der.to_vec());
    match ParsedCertificate::try_from(&der) {
        Ok(_) => Ok(der),
        Err(error) => Err(SiteFault {
            code: QuarantineCode::CertificateUnreadable,
            path: format!("chain[{index}]"),
            message: error.to_string(),
        }),
    }
}

fn read_key(key: &PrivateKey) -> Result<Arc<dyn SigningKey>, SiteFault> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8.as_slice()));
    any_supported_type(&der).map_err(|error| SiteFault {
        code: QuarantineCode::KeyUnreadable,
        path: "key".to_owned(),
        message: error.to_string(),
    })
}

fn mismatch(error: &Error) -> SiteFault {
    let (code, path) = match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            (QuarantineCode::KeyMismatch, "key")
        }
        _ => (QuarantineCode::CertificateUnreadable, "chain[0]"),
    };
    SiteFault {
        code,
        path: path.to_owned(),
        message: error.to_string(),
    }
}
