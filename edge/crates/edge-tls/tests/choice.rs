//! The choice for a hello: the reason of each refusal, and the certificate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test reports"
)]

mod common;

use common::{Plan, TestCertificate, ecdsa, make, rsa, run_client, site};
use edge_contract::{CipherSuite, Group, HandshakeFailure, QuarantineCode, TlsVersion};
use edge_tls::{Alert, ClientHello, Refusal, SiteTls};

/// What a modern client offers.
fn hello() -> ClientHello {
    ClientHello {
        legacy_version: 0x0303,
        versions: Some(vec![0x0304, 0x0303]),
        suites: vec![0x1301, 0xc02b, 0xc02f],
        groups: vec![4588, 29, 23],
        key_shares: Some(vec![4588, 29]),
        signature_schemes: vec![0x0403, 0x0804, 0x0401],
        alpn: Some(vec![b"h2".to_vec()]),
        server_name: Some("a.test".to_owned()),
        binder_lengths: Vec::new(),
    }
}

/// What a client of TLS 1.2 offers.
fn old_hello() -> ClientHello {
    ClientHello {
        versions: None,
        key_shares: None,
        suites: vec![0xc02b, 0xc02f],
        ..hello()
    }
}

fn refusal(site: &SiteTls, hello: &ClientHello) -> Refusal {
    site.choose(hello, hello.server_name.as_deref())
        .err()
        .expect("a refusal")
}

fn refused(site: &SiteTls, hello: &ClientHello) -> (HandshakeFailure, u8) {
    let refusal = refusal(site, hello);
    (refusal.reason, refusal.alert.unwrap().0)
}

#[test]
fn a_client_that_offers_enough_is_accepted() {
    assert!(site().choose(&hello(), Some("a.test")).is_ok());
    assert!(site().choose(&old_hello(), Some("a.test")).is_ok());
}

#[test]
fn parameters_that_are_not_shared_have_their_reason_and_alert() {
    let cases = [
        (
            ClientHello {
                versions: Some(vec![0x0302]),
                ..hello()
            },
            HandshakeFailure::NoSharedVersion,
            70,
        ),
        (
            ClientHello {
                legacy_version: 0x0302,
                ..old_hello()
            },
            HandshakeFailure::NoSharedVersion,
            70,
        ),
        (
            ClientHello {
                suites: vec![0xc02b, 0xc02f],
                ..hello()
            },
            HandshakeFailure::NoSharedSuite,
            40,
        ),
        (
            ClientHello {
                suites: vec![0x1301, 0x002f],
                ..old_hello()
            },
            HandshakeFailure::NoSharedSuite,
            40,
        ),
        (
            ClientHello {
                groups: vec![25],
                ..hello()
            },
            HandshakeFailure::NoSharedGroup,
            40,
        ),
        (
            ClientHello {
                groups: vec![4588],
                ..old_hello()
            },
            HandshakeFailure::NoSharedGroup,
            40,
        ),
        (
            ClientHello {
                signature_schemes: vec![0x0804],
                ..hello()
            },
            HandshakeFailure::NoSharedSignatureScheme,
            40,
        ),
        (
            ClientHello {
                signature_schemes: vec![],
                ..old_hello()
            },
            HandshakeFailure::NoSharedSignatureScheme,
            40,
        ),
        (
            ClientHello {
                alpn: Some(vec![b"spdy/3".to_vec()]),
                ..hello()
            },
            HandshakeFailure::NoSharedAlpn,
            120,
        ),
    ];
    let site = site();
    for (hello, reason, alert) in cases {
        assert_eq!((reason, alert), refused(&site, &hello), "{hello:?}");
    }
}

#[test]
fn a_refusal_lists_what_the_client_offers() {
    let old = ClientHello {
        versions: Some(vec![0x1a1a, 0x0302, 0x0301]),
        ..hello()
    };
    assert_eq!(
        "the client offers TLS 1.1, TLS 1.0",
        refusal(&site(), &old).detail
    );
    let odd = ClientHello {
        alpn: Some(vec![b"x\x00y".to_vec()]),
        ..hello()
    };
    assert_eq!(r"the client offers x\x00y", refusal(&site(), &odd).detail);
}

#[test]
fn a_client_without_alpn_is_accepted() {
    assert!(
        site()
            .choose(
                &ClientHello {
                    alpn: None,
                    ..hello()
                },
                None
            )
            .is_ok()
    );
}

#[test]
fn an_rsa_certificate_needs_a_scheme_that_its_version_allows() {
    let site = Plan::new(&[&rsa(&["a.test"])]).build().ok().unwrap();
    let only_pkcs1 = |hello| ClientHello {
        signature_schemes: vec![0x0401],
        ..hello
    };
    assert!(site.choose(&only_pkcs1(old_hello()), None).is_ok());
    assert_eq!(
        (HandshakeFailure::NoSharedSignatureScheme, 40),
        refused(&site, &only_pkcs1(hello()))
    );
}

#[test]
fn in_tls_1_2_the_suite_must_match_the_key() {
    let site = Plan::new(&[&rsa(&["a.test"])]).build().ok().unwrap();
    let hello = ClientHello {
        suites: vec![0xc02b],
        ..old_hello()
    };
    assert_eq!(
        (HandshakeFailure::NoSharedSuite, 40),
        refused(&site, &hello)
    );
}

fn fault(plan: &Plan) -> (QuarantineCode, String) {
    let fault = plan.build().err().expect("a fault");
    (fault.code, fault.path)
}

fn with_certificate(made: &TestCertificate) -> Plan {
    Plan::new(&[&ecdsa(&["a.test"]), made])
}

#[test]
fn faults_of_certificates_have_code_and_path() {
    let (good, other) = (ecdsa(&["a.test"]), ecdsa(&["a.test"]));
    let path = |end: &str| format!("certificates[1].{end}");

    let mismatched = TestCertificate {
        key: other.key.clone(),
        ..good.clone()
    };
    assert_eq!(
        (QuarantineCode::KeyMismatch, path("key")),
        fault(&with_certificate(&mismatched))
    );

    let mut no_key = good.clone();
    no_key.key.pkcs8 = b"no key".to_vec();
    assert_eq!(
        (QuarantineCode::KeyUnreadable, path("key")),
        fault(&with_certificate(&no_key))
    );

    let mut no_leaf = good.clone();
    no_leaf.certificate.chain = vec![b"no certificate".to_vec()];
    assert_eq!(
        (QuarantineCode::CertificateUnreadable, path("chain[0]")),
        fault(&with_certificate(&no_leaf))
    );

    let mut bad_intermediate = good;
    bad_intermediate
        .certificate
        .chain
        .push(b"no certificate".to_vec());
    assert_eq!(
        (QuarantineCode::CertificateUnreadable, path("chain[1]")),
        fault(&with_certificate(&bad_intermediate))
    );
}

#[test]
fn a_chain_may_have_any_extensions() {
    // certificatePolicies, policyConstraints, inhibitAnyPolicy and an unknown one, all critical.
    for oid in [
        &[2, 5, 29, 32][..],
        &[2, 5, 29, 36],
        &[2, 5, 29, 54],
        &[1, 2, 3, 4],
    ] {
        let mut extension = rcgen::CustomExtension::from_oid_content(oid, vec![0x30, 0]);
        extension.set_criticality(true);
        let made = common::make_with(&["a.test"], &rcgen::PKCS_ECDSA_P256_SHA256, vec![extension]);
        assert!(Plan::new(&[&made]).build().is_ok());
    }
}

#[test]
fn a_policy_under_which_nothing_can_be_negotiated_is_unusable() {
    let unusable = (QuarantineCode::TlsPolicyUnusable, "tls".to_owned());
    let mut plan = Plan::new(&[&rsa(&["a.test"])]);
    plan.policy.suites = vec![
        CipherSuite::Tls13Aes128GcmSha256,
        CipherSuite::EcdheEcdsaAes128GcmSha256,
    ];
    assert_eq!(unusable, fault(&plan));
    let mut plan = Plan::new(&[&ecdsa(&["a.test"])]);
    plan.policy.groups = vec![Group::X25519Mlkem768];
    assert_eq!(unusable, fault(&plan));
    plan.policy.versions = vec![TlsVersion::Tls13];
    assert!(plan.build().is_ok());
}

#[test]
fn a_choice_has_the_names_of_its_certificate() {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"]), &ecdsa(&["*.b.test"])]);
    plan.names = vec!["a.test".to_owned(), "x.b.test".to_owned()];
    let site = plan.build().ok().unwrap();
    let covered = |name: &str| {
        let choice = site.choose(&hello(), Some(name)).ok().unwrap();
        ["a.test", "x.b.test", "b.test", "y.x.b.test"]
            .map(|host| choice.certificate_names().cover(host))
    };
    assert_eq!([true, false, false, false], covered("a.test"));
    assert_eq!([false, true, false, false], covered("x.b.test"));
}

/// The index of the certificate that is sent to a client with this server name.
fn shown(
    plan: &Plan,
    name: &'static str,
    schemes: Option<&'static rcgen::SignatureAlgorithm>,
) -> usize {
    let site = plan.build().ok().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let leaf = runtime.block_on(async {
        let (socket, client) = run_client(move |port| {
            let mut provider = rustls::crypto::aws_lc_rs::default_provider();
            if schemes.is_some() {
                provider.signature_verification_algorithms.mapping =
                    &provider.signature_verification_algorithms.mapping[RSA_SCHEMES];
            }
            let config = std::sync::Arc::new(common::client_of(provider, Ok(())));
            let mut client = common::Client::connect(&config, name, port);
            client.tls.complete_io(&mut client.tcp).unwrap();
            client.tls.peer_certificates().unwrap()[0].to_vec()
        });
        let accepted = common::accept(&socket, &site).await;
        assert!(accepted.is_ok(), "{:?}", accepted.err());
        tokio::task::spawn_blocking(move || client.join().unwrap())
            .await
            .unwrap()
    });
    plan.certificates
        .iter()
        .position(|made| made.certificate.chain[0] == leaf)
        .unwrap()
}

/// The indices of the schemes for RSA keys in the table of rustls.
const RSA_SCHEMES: std::ops::RangeFrom<usize> = 3..;

#[test]
fn the_certificate_covers_the_server_name() {
    let plan = Plan::new(&[
        &ecdsa(&["a.test"]),
        &ecdsa(&["*.b.test"]),
        &ecdsa(&["c.test", "d.test"]),
    ]);
    let shown = |name| shown(&plan, name, None);
    assert_eq!(
        [0, 1, 2, 2],
        [
            shown("a.test"),
            shown("x.b.test"),
            shown("c.test"),
            shown("d.test")
        ]
    );
}

#[test]
fn the_first_certificate_whose_key_the_client_can_verify_is_chosen() {
    let mut plan = Plan::new(&[&ecdsa(&["a.test"]), &rsa(&["a.test"])]);
    assert_eq!(0, shown(&plan, "a.test", None));
    assert_eq!(1, shown(&plan, "a.test", Some(&rcgen::PKCS_RSA_SHA256)));
    plan.certificates.reverse();
    assert_eq!(0, shown(&plan, "a.test", None));
}

#[test]
fn keys_of_every_kind_can_be_served() {
    for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        assert_eq!(
            0,
            shown(&Plan::new(&[&make(&["a.test"], algorithm)]), "a.test", None)
        );
    }
}

#[test]
fn alerts_have_their_names() {
    assert_eq!(
        "no_application_protocol",
        Alert::NO_APPLICATION_PROTOCOL.name()
    );
}

/// RFC 7507 §3.
#[test]
fn a_fallback_below_the_newest_version_of_the_site_is_refused() {
    let fallback = ClientHello {
        suites: vec![0xc02b, 0x5600],
        ..old_hello()
    };
    let refused = refusal(&site(), &fallback);
    let expected = (
        HandshakeFailure::NoSharedVersion,
        Some(Alert::INAPPROPRIATE_FALLBACK),
    );
    assert_eq!(expected, (refused.reason, refused.alert));
    assert_eq!(
        "the client fell back to TLS 1.2, and the site has 1.3",
        refused.detail
    );

    let newest = ClientHello {
        suites: vec![0x1301, 0x5600],
        ..hello()
    };
    assert!(site().choose(&newest, Some("a.test")).is_ok());
    let certificate = ecdsa(&["a.test"]);
    let mut plan = Plan::new(&[&certificate]);
    plan.policy.versions = vec![TlsVersion::Tls12];
    let old_site = plan.build().expect("a site");
    assert!(old_site.choose(&fallback, Some("a.test")).is_ok());
}

/// RFC 8446 §9.2.
#[test]
fn missing_extensions_of_tls_1_3_are_reported() {
    let cases = [
        (
            ClientHello {
                key_shares: None,
                ..hello()
            },
            "key_share",
        ),
        (
            ClientHello {
                groups: Vec::new(),
                ..hello()
            },
            "supported_groups",
        ),
        (
            ClientHello {
                groups: Vec::new(),
                key_shares: None,
                ..hello()
            },
            "supported_groups",
        ),
        (
            ClientHello {
                groups: Vec::new(),
                binder_lengths: vec![32],
                ..hello()
            },
            "supported_groups",
        ),
        (
            ClientHello {
                signature_schemes: Vec::new(),
                ..hello()
            },
            "signature_algorithms",
        ),
    ];
    for (hello, name) in cases {
        let refusal = refusal(&site(), &hello);
        let expected = (
            HandshakeFailure::HelloMalformed,
            Some(Alert::MISSING_EXTENSION),
        );
        assert_eq!(expected, (refusal.reason, refusal.alert));
        assert_eq!(format!("{name} is missing"), refusal.detail);
    }
}
