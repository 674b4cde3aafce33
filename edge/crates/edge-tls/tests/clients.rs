//! Client certificates: which are accepted, which are refused, and that sessions are not resumed.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Client, Plan, accept, client, ecdsa, old_client, run_client};
use edge_contract::{HandshakeFailure, QuarantineCode};
use edge_tls::{HandshakeFacts, Refusal, SiteTls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A CA, and a client certificate that it has signed.
struct Authority {
    der: Vec<u8>,
    client: Arc<CertifiedKey>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
    let signed = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let client = CertifiedKey::from_der(
        vec![signed.der().clone()],
        key,
        &aws_lc_rs::default_provider(),
    );
    Authority {
        der,
        client: Arc::new(client.unwrap()),
    }
}

fn site(authority: &Authority) -> SiteTls {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"])]);
    plan.policy.client_roots = Some(vec![authority.der.clone()]);
    plan.build().ok().unwrap()
}

fn with_client_certificate(
    mut config: ClientConfig,
    authority: Option<&Authority>,
) -> Arc<ClientConfig> {
    if let Some(authority) = authority {
        let resolver: Arc<dyn ResolvesClientCert> =
            Arc::new(SingleCertAndKey::from(Arc::clone(&authority.client)));
        config.client_auth_cert_resolver = resolver;
    }
    Arc::new(config)
}

/// The result of a handshake with such a client. If it is accepted, its data is echoed.
async fn attempt(site: &SiteTls, config: &Arc<ClientConfig>) -> Result<HandshakeFacts, Refusal> {
    let config = Arc::clone(config);
    let (socket, client) =
        run_client(move |port| Client::connect(&config, "a.test", port).exchange(b"words"));
    let serving = async {
        let (mut stream, facts) = accept(&socket, site).await?;
        let mut words = [0; 5];
        stream.read_exact(&mut words).await.unwrap();
        stream.write_all(&words).await.unwrap();
        stream.shutdown().await.unwrap();
        Ok(facts)
    };
    let outcome = tokio::time::timeout(TIMEOUT, serving).await.unwrap();
    let echo = client.join().unwrap();
    assert_eq!(outcome.is_ok(), echo.is_ok_and(|words| words == b"words"));
    outcome
}

#[tokio::test]
async fn a_client_with_a_certificate_of_the_authority_is_accepted_and_never_resumes() {
    let authority = authority();
    let site = site(&authority);
    assert!(site.requires_client_certificate());
    for config in [client(Ok(())), old_client(Ok(()))] {
        let config = with_client_certificate(config, Some(&authority));
        for _ in 0..2 {
            let facts = attempt(&site, &config).await.unwrap();
            let sent = authority.client.cert[0].to_vec();
            assert_eq!(
                (Some(sent), false),
                (facts.client_certificate, facts.resumed)
            );
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let site = site(&authority());
    for config in [client(Ok(())), old_client(Ok(()))] {
        let config = with_client_certificate(config, None);
        let refusal = attempt(&site, &config).await.unwrap_err();
        assert_eq!(HandshakeFailure::ClientCertificateMissing, refusal.reason);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let site = site(&authority());
    for config in [client(Ok(())), old_client(Ok(()))] {
        let config = with_client_certificate(config, Some(&authority()));
        let refusal = attempt(&site, &config).await.unwrap_err();
        assert_eq!(HandshakeFailure::ClientCertificateInvalid, refusal.reason);
    }
}

/// Where no authority is known yet, everybody is asked and nobody comes in.
#[tokio::test]
async fn without_an_authority_no_client_comes_in() {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"])]);
    plan.policy.client_roots = Some(Vec::new());
    let site = plan.build().ok().unwrap();
    assert!(site.requires_client_certificate());
    let shown = authority();
    for config in [client(Ok(())), old_client(Ok(()))] {
        let refusal = attempt(
            &site,
            &with_client_certificate(config.clone(), Some(&shown)),
        )
        .await;
        assert_eq!(
            HandshakeFailure::ClientCertificateInvalid,
            refusal.unwrap_err().reason
        );
        let refusal = attempt(&site, &with_client_certificate(config, None)).await;
        assert_eq!(
            HandshakeFailure::ClientCertificateMissing,
            refusal.unwrap_err().reason
        );
    }
}

#[test]
fn an_unreadable_authority_has_its_path() {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"])]);
    plan.policy.client_roots = Some(vec![authority().der, vec![1]]);
    let fault = plan.build().err().unwrap();
    assert_eq!(
        (QuarantineCode::TlsPolicyUnusable, "tls.client_roots[1]"),
        (fault.code, fault.path.as_str())
    );
}
