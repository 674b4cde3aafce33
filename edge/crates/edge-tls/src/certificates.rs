//! Loading certificates: chain and key are parsed and checked to match.

use std::sync::Arc;

use edge_contract::{Certificate, Hash, PrivateKey, QuarantineCode};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::site_fault::SiteFault;
use crate::x509;

/// A certificate of the contract and its key.
#[derive(Clone, Copy)]
pub struct CertificateSource<'a> {
    /// The hash of the certificate's part.
    pub hash: Hash,
    /// The chain.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a PrivateKey,
}

/// The names that a certificate is valid for, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateNames(Arc<[String]>);

/// A certificate that can be served.
pub(crate) struct LoadedCertificate {
    pub(crate) names: CertificateNames,
    pub(crate) certified: Arc<CertifiedKey>,
}

impl CertificateNames {
    /// Whether they contain a host or a wildcard that covers it. A wildcard covers itself, too.
    #[must_use]
    pub fn cover(&self, host: &str) -> bool {
        let parent = host.split_once('.').map(|(_, parent)| parent);
        let is_wildcard_of =
            |name: &String| name.strip_prefix("*.").is_some_and(|it| Some(it) == parent);
        self.0
            .binary_search_by(|name| name.as_str().cmp(host))
            .is_ok()
            || self.0.iter().any(is_wildcard_of)
    }
}

impl LoadedCertificate {
    /// Load a chain and its key. The path of a fault starts at the certificate.
    pub(crate) fn load(source: &CertificateSource<'_>) -> Result<Self, SiteFault> {
        let chain = read_chain(&source.certificate.chain)?;
        let key = read_key(source.key)?;
        if !is_for(chain.first(), key.as_ref()) {
            return Err(fault(
                QuarantineCode::KeyMismatch,
                "key",
                "the key does not match chain[0]",
            ));
        }
        let certified = CertifiedKey::new(chain, key);
        Ok(Self {
            names: CertificateNames(source.certificate.names.clone().into()),
            certified: Arc::new(certified),
        })
    }

    /// Whether the key can sign with one of the schemes.
    pub(crate) fn can_sign(&self, offered: &[SignatureScheme]) -> bool {
        self.certified.key.choose_scheme(offered).is_some()
    }

    /// Whether the key is an RSA key, which suites of TLS 1.2 distinguish.
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
    if x509::public_key(der).is_none() {
        let path = format!("chain[{index}]");
        return Err(fault(
            QuarantineCode::CertificateUnreadable,
            &path,
            "not an X.509 certificate",
        ));
    }
    Ok(CertificateDer::from(der.to_vec()))
}

fn is_for(leaf: Option<&CertificateDer<'_>>, key: &dyn SigningKey) -> bool {
    let own = key.public_key();
    own.is_some() && own.as_deref() == leaf.and_then(|leaf| x509::public_key(leaf))
}

fn read_key(key: &PrivateKey) -> Result<Arc<dyn SigningKey>, SiteFault> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8.as_slice()));
    any_supported_type(&der)
        .map_err(|error| fault(QuarantineCode::KeyUnreadable, "key", &error.to_string()))
}

fn fault(code: QuarantineCode, path: &str, message: &str) -> SiteFault {
    SiteFault {
        code,
        path: path.to_owned(),
        message: message.to_owned(),
    }
}
