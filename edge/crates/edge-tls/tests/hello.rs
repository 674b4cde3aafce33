//! The parser of a connection's first bytes: what it accepts, what it refuses, and that splits make no
//! difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test reports"
)]

use edge_tls::Alert;
use edge_tls::ClientHello;
use edge_tls::hello::{HelloError, HelloParser, Progress, is_plain_http, parse};
use proptest::prelude::*;

const LIMIT: usize = 65536;

/// A vector with its length in `width` bytes.
fn vector(width: usize, content: &[u8]) -> Vec<u8> {
    [&content.len().to_be_bytes()[8 - width..], content].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, content)].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &vector(2, &[&[0][..], &vector(2, name)].concat()))
}

fn message(extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &[7; 32],
        &vector(1, &[9; 32]),
        &vector(2, &numbers(&[0x1301, 0xc02b])),
        &vector(1, &[0]),
        &vector(2, &extensions.concat()),
    ];
    [&[1][..], &vector(3, &body.concat())].concat()
}

fn record(fragment: &[u8]) -> Vec<u8> {
    [&[22, 3, 1][..], &vector(2, fragment)].concat()
}

fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(record).collect()
}

fn full_message() -> Vec<u8> {
    message(&[
        server_name(b"A.Example"),
        extension(10, &vector(2, &numbers(&[4588, 29]))),
        extension(13, &vector(2, &numbers(&[0x0403, 0x0804]))),
        extension(
            16,
            &vector(2, &[vector(1, b"h2"), vector(1, b"http/1.1")].concat()),
        ),
        extension(43, &vector(1, &numbers(&[0x0304, 0x0303]))),
        extension(
            51,
            &vector(2, &[&numbers(&[29])[..], &vector(2, &[5; 32])].concat()),
        ),
        extension(0x0a0a, b""),
    ])
}

fn full_hello() -> ClientHello {
    ClientHello {
        legacy_version: 0x0303,
        versions: Some(vec![0x0304, 0x0303]),
        suites: vec![0x1301, 0xc02b],
        groups: vec![4588, 29],
        key_shares: Some(vec![29]),
        signature_schemes: vec![0x0403, 0x0804],
        alpn: Some(vec![b"h2".to_vec(), b"http/1.1".to_vec()]),
        server_name: Some("a.example".to_owned()),
        binder_lengths: Vec::new(),
    }
}

fn error_of(bytes: &[u8]) -> Option<HelloError> {
    match parse(bytes, LIMIT) {
        Progress::Error(error) => Some(error),
        Progress::Incomplete | Progress::Hello(_) => None,
    }
}

fn is_malformed(message: &[u8]) -> bool {
    matches!(error_of(&record(message)), Some(HelloError::Malformed(_)))
}

#[test]
fn everything_that_the_choice_needs_is_parsed() {
    assert_eq!(
        Progress::Hello(full_hello()),
        parse(&record(&full_message()), LIMIT)
    );
}

#[test]
fn a_hello_without_extensions_offers_its_version_and_older_ones() {
    let body = [
        &[3, 2][..],
        &[7; 32],
        &[0],
        &vector(2, &numbers(&[0x002f])),
        &vector(1, &[0]),
    ]
    .concat();
    let Progress::Hello(hello) = parse(&record(&[&[1][..], &vector(3, &body)].concat()), LIMIT)
    else {
        panic!("no hello");
    };
    assert!(hello.offers_version(0x0302) && hello.offers_version(0x0301));
    assert!(!hello.offers_version(0x0303));
}

fn pre_shared_key(identities: &[&[u8]], binders: &[&[u8]]) -> Vec<u8> {
    let identity = |name: &&[u8]| [vector(2, name), vec![0; 4]].concat();
    let identities: Vec<u8> = identities.iter().flat_map(identity).collect();
    let binders: Vec<u8> = binders
        .iter()
        .flat_map(|binder| vector(1, binder))
        .collect();
    extension(41, &[vector(2, &identities), vector(2, &binders)].concat())
}

/// `psk_key_exchange_modes`, which is required to offer sessions.
fn modes() -> Vec<u8> {
    extension(45, &vector(1, &[1]))
}

#[test]
fn the_lengths_of_binders_are_parsed() {
    let offer = pre_shared_key(&[b"one", b"two"], &[&[1; 48], &[2; 32]]);
    let Progress::Hello(hello) = parse(&record(&message(&[modes(), offer])), LIMIT) else {
        panic!("no hello");
    };
    assert_eq!(vec![48, 32], hello.binder_lengths);
    for wrong in [
        pre_shared_key(&[], &[]),
        pre_shared_key(&[b"one"], &[]),
        pre_shared_key(&[b""], &[&[1; 32]]),
        pre_shared_key(&[b"one"], &[&[1; 31]]),
        extension(41, b""),
    ] {
        assert!(is_malformed(&message(&[modes(), wrong])));
    }
}

#[test]
fn the_list_of_versions_overrides_the_version_field() {
    let hello = ClientHello {
        versions: Some(vec![0x0304]),
        legacy_version: 0x0303,
        ..ClientHello::default()
    };
    assert!(hello.offers_version(0x0304) && !hello.offers_version(0x0303));
}

#[test]
fn bytes_after_the_hello_are_ignored() {
    let bytes = [
        record(&full_message()),
        vec![20, 3, 3, 0, 1, 1],
        b"anything".to_vec(),
    ]
    .concat();
    assert_eq!(Progress::Hello(full_hello()), parse(&bytes, LIMIT));
}

#[test]
fn an_address_as_server_name_is_ignored() {
    for address in [b"192.0.2.1".as_slice(), b"2001:db8::1"] {
        let Progress::Hello(hello) = parse(&record(&message(&[server_name(address)])), LIMIT)
        else {
            panic!("no hello");
        };
        assert_eq!(None, hello.server_name);
    }
}

#[test]
fn plain_http_is_detected() {
    for request in [
        "GET / HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n",
        "PROPFIND /x",
    ] {
        assert_eq!(
            Some(HelloError::PlainHttp),
            error_of(request.as_bytes()),
            "{request}"
        );
        assert!(is_plain_http(request.as_bytes()));
    }
    assert_eq!(Progress::Incomplete, parse(b"GE", LIMIT));
    assert!(!is_plain_http(b"GETS /"));
}

#[test]
fn other_protocols_are_not_tls() {
    for bytes in [
        b"SSH-2.0-OpenSSH_9".as_slice(),
        b"EHLO mail.example\r\n",
        &[0; 8],
        &[0xff; 8],
        &[24, 2, 1, 0, 2, 1, 2],
        b"get / http",
    ] {
        assert_eq!(Some(HelloError::NotTls), error_of(bytes));
    }
}

#[test]
fn a_hello_of_ssl_2_is_detected() {
    let hello = [0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10];
    assert_eq!(Some(HelloError::Ssl("SSL 2.0")), error_of(&hello));
}

/// RFC 8446 appendix D.5: refused before anything else is checked, such as a missing server name.
#[test]
fn a_hello_whose_newest_version_is_ssl_3_is_recognized() {
    let of_version = |version: u16| {
        let version = version.to_be_bytes();
        let rest = [&vector(2, &numbers(&[0x002f]))[..], &vector(1, &[0])].concat();
        let body = [&version[..], &[7; 32], &[0], &rest].concat();
        record(&[&[1][..], &vector(3, &body)].concat())
    };
    assert_eq!(
        Some(HelloError::Ssl("SSL 3.0")),
        error_of(&of_version(0x0300))
    );
    assert_eq!(None, error_of(&of_version(0x0301)));
}

/// The alert and the detail of a violation.
fn violation_of(bytes: &[u8]) -> (u8, &'static str) {
    match error_of(bytes) {
        Some(HelloError::Malformed(violation)) => (violation.alert.0, violation.detail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_without_a_hello_are_refused_with_the_alert_of_the_rfc() {
    let change = [20, 3, 3, 0, 1, 1];
    let begun = record(&full_message()[..20]);
    let finished = record(&[20, 0, 0, 1, 0]);
    let cases: [(&[u8], u8, &str); 12] = [
        (&[24, 3, 1, 0, 2, 1, 2], 10, "unknown type"),
        (&[0, 3, 3, 0, 2, 1, 2], 10, "unknown type"),
        (&[0x80, 3, 3, 0, 2, 1, 2], 10, "unknown type"),
        (&[22, 2, 0, 0, 4], 70, "major version"),
        (&[22, 3, 1, 0, 0], 10, "empty"),
        (&[22, 3, 1, 0x40, 1], 22, "16,384"),
        (&change, 10, "change_cipher_spec"),
        (&[23, 3, 3, 0, 1, 1], 10, "application data"),
        (&[21, 3, 3, 0, 9, 1, 1], 50, "alert"),
        (&finished, 10, "not a ClientHello"),
        (&[begun.as_slice(), &change].concat(), 10, "another record"),
        (
            &[begun.as_slice(), &[24, 3, 3, 0, 1]].concat(),
            10,
            "another record",
        ),
    ];
    for (bytes, alert, text) in cases {
        let (number, what) = violation_of(bytes);
        assert_eq!(alert, number, "{what}");
        assert!(what.contains(text), "{what}");
    }
}

#[test]
fn an_alert_of_the_client_is_returned() {
    let alert = [21, 3, 1, 0, 2, 2, 40];
    let begun = record(&full_message()[..20]);
    for bytes in [alert.to_vec(), [begun, alert.to_vec()].concat()] {
        assert_eq!(Some(HelloError::Alert(Alert(40))), error_of(&bytes));
        let short = &bytes[..bytes.len() - 1];
        assert_eq!(Progress::Incomplete, parse(short, LIMIT));
    }
}

/// A hello with these fields before the extensions.
fn fixed(version: [u8; 2], session_id: usize, suites: &[u8], compressions: &[u8]) -> Vec<u8> {
    let body = [
        &version[..],
        &[7; 32],
        &vector(1, &vec![9; session_id]),
        &vector(2, suites),
        &vector(1, compressions),
        &vector(2, &extension(43, &vector(1, &numbers(&[0x0304])))),
    ];
    record(&[&[1][..], &vector(3, &body.concat())].concat())
}

#[test]
fn malformed_hellos_have_alert_and_detail() {
    let share = |group: u16| [&numbers(&[group])[..], &vector(2, &[5; 32])].concat();
    let twice = extension(51, &vector(2, &[share(29), share(29)].concat()));
    let two_names = [&[0][..], &vector(2, b"a"), &[0], &vector(2, b"b")].concat();
    let of = |extensions: &[Vec<u8>]| record(&message(extensions));
    let suite = numbers(&[0x1301]);
    let cases = [
        (of(&[server_name(b"a\0.test")]), 47, "NUL"),
        (of(&[server_name("ü.test".as_bytes())]), 47, "ASCII"),
        (of(&[server_name(&[b'a'; 300])]), 47, "too long"),
        (of(&[server_name(b"a b.test")]), 47, "not a host name"),
        (
            of(&[extension(0, &vector(2, &two_names))]),
            47,
            "two host names",
        ),
        (of(&[server_name(b"")]), 50, "server_name"),
        (of(&[server_name(b"a"), server_name(b"b")]), 47, "duplicate"),
        (of(&[twice]), 47, "key share"),
        (
            of(&[
                modes(),
                pre_shared_key(&[b"x"], &[&[0; 32]]),
                server_name(b"a"),
            ]),
            47,
            "last",
        ),
        (
            of(&[pre_shared_key(&[b"x"], &[&[0; 32]])]),
            109,
            "psk_key_exchange_modes",
        ),
        (
            of(&[modes(), pre_shared_key(&[b"x"], &[&[0; 32], &[0; 32]])]),
            47,
            "binders",
        ),
        (
            of(&[modes(), pre_shared_key(&[b"x", b"y"], &[&[0; 32]])]),
            47,
            "binders",
        ),
        (
            of(&[modes(), pre_shared_key(&[b"x"], &[])]),
            50,
            "pre_shared_key",
        ),
        (
            of(&[extension(0xff01, &vector(1, &[1; 12]))]),
            40,
            "renegotiation_info",
        ),
        (
            of(&[extension(0xff01, &[9, 1, 2])]),
            50,
            "renegotiation_info",
        ),
        (of(&[extension(0xff01, &[0, 0])]), 50, "renegotiation_info"),
        (of(&[extension(0xff01, &[])]), 50, "renegotiation_info"),
        (
            of(&[extension(10, &vector(2, &[0, 29, 0]))]),
            50,
            "supported_groups",
        ),
        (fixed([3, 3], 33, &suite, &[0]), 50, "session id"),
        (fixed([3, 3], 0, &[0x13], &[0]), 50, "suites"),
        (fixed([3, 3], 0, &[], &[0]), 50, "suites"),
        (fixed([3, 3], 0, &suite, &[]), 50, "compression"),
        (fixed([3, 3], 0, &suite, &[1, 0]), 47, "compression"),
        (fixed([3, 0], 0, &suite, &[0]), 70, "SSL 3.0"),
    ];
    for (bytes, alert, text) in cases {
        let (number, what) = violation_of(&bytes);
        assert_eq!(alert, number, "{what}");
        assert!(what.contains(text), "{what}");
    }
}

#[test]
fn unusual_hellos_are_accepted() {
    let renegotiation = extension(0xff01, &vector(1, b""));
    for fine in [
        record(&message(&[server_name(b"a.test."), renegotiation])),
        record(&message(&[server_name(b"_a.TEST")])),
        fixed([3, 1], 32, &numbers(&[0x1301]), &[0]),
    ] {
        assert!(matches!(parse(&fine, LIMIT), Progress::Hello(_)));
    }
}

#[test]
fn broken_extensions_are_malformed() {
    let twice = message(&[server_name(b"a"), server_name(b"b")]);
    let two_names = [&[0][..], &vector(2, b"a"), &[0], &vector(2, b"b")].concat();
    let odd_groups = extension(10, &vector(2, &[0, 29, 0]));
    let empty_alpn = extension(16, &vector(2, &vector(1, b"")));
    let empty_versions = extension(43, &vector(1, b""));
    let loose_end = extension(13, &[&vector(2, &numbers(&[0x0403]))[..], &[0]].concat());
    assert!(is_malformed(&twice));
    for broken in [
        extension(0, &vector(2, &two_names)),
        odd_groups,
        empty_alpn,
        empty_versions,
        loose_end,
    ] {
        assert!(
            is_malformed(&message(std::slice::from_ref(&broken))),
            "{broken:?}"
        );
    }
}

#[test]
fn a_hello_above_the_limit_is_refused_by_its_length() {
    let announced = record(&[1, 0, 0xff, 0xff]);
    assert_eq!(
        Progress::Error(HelloError::TooLarge),
        parse(&announced, 4096)
    );
    let dribble = records(&full_message(), 1);
    let limit = dribble.len() / 2;
    assert_eq!(
        Progress::Error(HelloError::TooLarge),
        parse(&dribble, limit)
    );
}

/// Bytes similar to a hello: valid ones, damaged ones, and noise.
fn near_hello() -> impl Strategy<Value = Vec<u8>> {
    let whole = (1_usize..400).prop_map(|size| records(&full_message(), size));
    let damaged = (whole.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(mut bytes, position, byte)| {
            let position = position.index(bytes.len());
            bytes[position] = byte;
            bytes
        },
    );
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![whole, damaged, noise]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The result does not depend on how a hello is split into records.
    #[test]
    fn hellos_do_not_depend_on_records(size in 1_usize..600) {
        prop_assert_eq!(Progress::Hello(full_hello()), parse(&records(&full_message(), size), LIMIT));
    }

    /// The result does not depend on how bytes are split into reads.
    #[test]
    fn results_do_not_depend_on_reads(
        bytes in near_hello(),
        steps in prop::collection::vec(1_usize..40, 1..100),
        limit in 1_usize..1000,
    ) {
        let (mut parser, mut seen, mut early) = (HelloParser::new(limit), 0, Progress::Incomplete);
        for step in steps.iter().cycle() {
            seen = (seen + step).min(bytes.len());
            early = parser.read(&bytes[..seen]);
            if early != Progress::Incomplete || seen == bytes.len() {
                break;
            }
        }
        prop_assert_eq!(parse(&bytes, limit), early);
    }

    /// Every prefix of a hello is incomplete.
    #[test]
    fn a_prefix_is_incomplete(size in 1_usize..600, cut in any::<prop::sample::Index>()) {
        let bytes = records(&full_message(), size);
        prop_assert_eq!(Progress::Incomplete, parse(&bytes[..cut.index(bytes.len())], LIMIT));
    }
}
