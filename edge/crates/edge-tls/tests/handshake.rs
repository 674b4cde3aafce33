//! Handshakes with the client of rustls: facts, groups, resumption, and the reasons of failures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test reports"
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::{Client, Plan, accept, client, client_of, ecdsa, old_client, run_client, site};
use edge_contract::{Alpn, CipherSuite, Group, HandshakeFailure, TlsVersion};
use edge_tls::{HandshakeFacts, Refusal, SiteTls, TlsStream};
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::{CertificateError, ClientConfig, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Serve one connection: send the received bytes back in reverse, and close it.
async fn serve(
    socket: &tokio::net::TcpListener,
    site: &SiteTls,
) -> Result<HandshakeFacts, Refusal> {
    let (mut stream, facts) = accept(socket, site).await?;
    respond(&mut stream).await;
    Ok(facts)
}

async fn respond(stream: &mut TlsStream) {
    let mut words = [0; 64];
    let count = stream.read(&mut words).await.unwrap();
    words[..count].reverse();
    stream.write_all(&words[..count]).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// One exchange of a client with that configuration.
async fn exchange(site: &SiteTls, config: &Arc<ClientConfig>) -> HandshakeFacts {
    let config = Arc::clone(config);
    let (socket, client) = run_client(move |port| {
        Client::connect(&config, "a.test", port)
            .exchange(b"stressed")
            .unwrap()
    });
    let facts = tokio::time::timeout(TIMEOUT, serve(&socket, site))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(b"desserts".as_slice(), client.join().unwrap());
    facts
}

fn with_groups(groups: Vec<&'static dyn rustls::crypto::SupportedKxGroup>) -> Arc<ClientConfig> {
    let provider = rustls::crypto::CryptoProvider {
        kx_groups: groups,
        ..aws_lc_rs::default_provider()
    };
    Arc::new(client_of(provider, Ok(())))
}

#[tokio::test]
async fn the_facts_are_those_of_the_handshake() {
    let mut config = client(Ok(()));
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let facts = exchange(&site(), &Arc::new(config)).await;
    let expected = HandshakeFacts {
        version: TlsVersion::Tls13,
        suite: CipherSuite::Tls13Aes128GcmSha256,
        group: Some(Group::X25519Mlkem768),
        resumed: false,
        alpn: Some(Alpn::H2),
        client_certificate: None,
        duration: facts.duration,
    };
    assert_eq!(expected, facts);
    assert!(facts.duration > Duration::ZERO);
}

#[tokio::test]
async fn tls_1_2_is_supported() {
    let facts = exchange(&site(), &Arc::new(old_client(Ok(())))).await;
    assert_eq!(
        (TlsVersion::Tls12, false, None),
        (facts.version, facts.resumed, facts.alpn)
    );
    assert_eq!(CipherSuite::EcdheEcdsaAes128GcmSha256, facts.suite);
    assert_eq!(Some(Group::X25519), facts.group);
}

#[tokio::test]
async fn a_retry_is_requested_for_a_hybrid_group_but_not_for_a_classical_one() {
    let site = site();
    // rustls sends a share of its first group only.
    let late_hybrid = with_groups(vec![kx_group::SECP256R1, kx_group::X25519MLKEM768]);
    assert_eq!(
        Some(Group::X25519Mlkem768),
        exchange(&site, &late_hybrid).await.group
    );
    let classical = with_groups(vec![kx_group::SECP256R1, kx_group::X25519]);
    assert_eq!(
        Some(Group::Secp256r1),
        exchange(&site, &classical).await.group
    );
}

#[tokio::test]
async fn sessions_are_resumed_in_both_versions() {
    let site = site();
    for config in [client(Ok(())), old_client(Ok(()))] {
        let config = Arc::new(config);
        assert!(!exchange(&site, &config).await.resumed);
        let second = exchange(&site, &config).await;
        assert!(second.resumed, "{second:?}");
        assert_eq!(second.version == TlsVersion::Tls13, second.group.is_some());
    }
}

#[tokio::test]
async fn the_same_site_built_elsewhere_resumes() {
    let plan = Plan::new(&[&ecdsa(&["a.test"])]);
    let mut later = plan.clone();
    later.ticket_secrets.insert(0, [2; 32]);
    let config = Arc::new(client(Ok(())));
    assert!(!exchange(&plan.build().ok().unwrap(), &config).await.resumed);
    assert!(
        exchange(&later.build().ok().unwrap(), &config)
            .await
            .resumed
    );
}

#[tokio::test]
async fn another_site_policy_certificate_or_secret_does_not_resume() {
    let plan = Plan::new(&[&ecdsa(&["a.test"])]);
    let mut other_policy = plan.clone();
    other_policy.policy.alpn = vec![Alpn::Http11];
    let others = [
        Plan {
            id: "other.test",
            ..plan.clone()
        },
        other_policy,
        Plan::new(&[&ecdsa(&["a.test"])]),
        Plan {
            ticket_secrets: vec![[9; 32]],
            ..plan.clone()
        },
        Plan {
            ticket_secrets: vec![],
            ..plan.clone()
        },
    ];
    for other in others {
        let config = Arc::new(client(Ok(())));
        exchange(&plan.build().ok().unwrap(), &config).await;
        assert!(
            !exchange(&other.build().ok().unwrap(), &config)
                .await
                .resumed
        );
    }
}

#[tokio::test]
async fn without_tickets_no_session_is_resumed() {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"])]);
    plan.policy.tickets = false;
    let site = plan.build().ok().unwrap();
    for config in [client(Ok(())), old_client(Ok(()))] {
        let config = Arc::new(config);
        exchange(&site, &config).await;
        assert!(!exchange(&site, &config).await.resumed);
    }
}

/// The refusal of a client that acts in this way.
async fn refusal(act: impl FnOnce(u16) + Send + 'static) -> Refusal {
    let site = site();
    let (socket, acting) = run_client(act);
    let refusal = tokio::time::timeout(TIMEOUT, serve(&socket, &site))
        .await
        .unwrap()
        .unwrap_err();
    acting.join().unwrap();
    refusal
}

#[tokio::test]
async fn a_client_that_rejects_the_certificate_is_reported_with_its_alert() {
    let cases = [
        (CertificateError::UnknownIssuer, "unknown_ca"),
        (CertificateError::Expired, "certificate_expired"),
        (CertificateError::Revoked, "certificate_revoked"),
        (CertificateError::NotValidForName, "bad_certificate"),
        (
            CertificateError::ApplicationVerificationFailure,
            "access_denied",
        ),
    ];
    for (error, alert) in cases {
        for old in [false, true] {
            let verdict = Err(Error::InvalidCertificate(error.clone()));
            let refusal = refusal(move |port| {
                let config = if old {
                    old_client(verdict)
                } else {
                    client(verdict)
                };
                Client::connect(&Arc::new(config), "a.test", port)
                    .exchange(b"hello")
                    .unwrap_err();
            })
            .await;
            let expected = match alert {
                "access_denied" => HandshakeFailure::ProtocolViolation,
                _ => HandshakeFailure::ClientRejectedCertificate,
            };
            let detail = format!("the client sent the alert {alert}");
            let found = (refusal.reason, refusal.detail.as_str(), refusal.alert);
            assert_eq!((expected, detail.as_str(), None), found);
        }
    }
}

#[tokio::test]
async fn a_client_that_closes_the_connection_is_reported_with_the_stage() {
    let half = refusal(|port| {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.write_all(&[22, 3, 1, 0, 200, 1]).unwrap();
    });
    assert_eq!("closed before the server's first flight", half.await.detail);
    let late = refusal(|port| {
        let mut client = Client::connect(&Arc::new(client(Ok(()))), "a.test", port);
        client.tls.write_tls(&mut client.tcp).unwrap();
        client.tcp.read_exact(&mut [0; 5]).unwrap();
        client.tcp.shutdown(std::net::Shutdown::Write).unwrap();
        client.tcp.read_to_end(&mut Vec::new()).unwrap();
    });
    let late = late.await;
    assert_eq!(
        (
            HandshakeFailure::ClientClosed,
            "closed after the server's first flight"
        ),
        (late.reason, late.detail.as_str())
    );
}

#[tokio::test]
async fn noise_after_the_hello_is_a_violation_with_an_alert() {
    let refusal = refusal(|port| {
        let mut client = Client::connect(&Arc::new(client(Ok(()))), "a.test", port);
        client.tls.write_tls(&mut client.tcp).unwrap();
        client.tcp.write_all(&[23, 3, 3, 0, 20]).unwrap();
        client.tcp.write_all(&[0; 20]).unwrap();
        let mut all = Vec::new();
        client.tcp.read_to_end(&mut all).unwrap();
        assert!(!all.is_empty());
    })
    .await;
    assert_eq!(HandshakeFailure::ProtocolViolation, refusal.reason);
}

#[tokio::test]
async fn a_hello_that_only_rustls_refuses_is_malformed() {
    let refusal = refusal(|port| {
        // An empty client_certificate_type, which only rustls parses.
        let mut client = Client::connect(&Arc::new(client(Ok(()))), "a.test", port);
        let mut bytes = Vec::new();
        client.tls.write_tls(&mut bytes).unwrap();
        client
            .tcp
            .write_all(&with_extension(&bytes, &[0, 19, 0, 0]))
            .unwrap();
        let mut response = Vec::new();
        client.tcp.read_to_end(&mut response).unwrap();
        assert_eq!(21, response[0], "an alert");
    })
    .await;
    assert_eq!(
        HandshakeFailure::HelloMalformed,
        refusal.reason,
        "{refusal:?}"
    );
    assert!(refusal.alert.is_some());
}

/// A hello in one record with one more extension at its end.
fn with_extension(hello: &[u8], extension: &[u8]) -> Vec<u8> {
    let add = |bytes: &mut Vec<u8>, at: usize| {
        let length = u16::from_be_bytes([bytes[at], bytes[at + 1]])
            + u16::try_from(extension.len()).unwrap();
        bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
    };
    let mut bytes = hello.to_vec();
    let session = 5 + 4 + 2 + 32;
    let suites = session + 1 + usize::from(bytes[session]);
    let compressions =
        suites + 2 + usize::from(u16::from_be_bytes([bytes[suites], bytes[suites + 1]]));
    let extensions = compressions + 1 + usize::from(bytes[compressions]);
    for at in [3, 7, extensions] {
        add(&mut bytes, at);
    }
    bytes.extend_from_slice(extension);
    bytes
}
