//! The engine with rustls' own client, in memory, with bytes split anywhere.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::io::Write;
use std::sync::LazyLock;

use edge_contract::{
    Certificate, CipherSuite, Group, Hash, PrivateKey, TicketKey, TlsPolicy, TlsVersion,
};
use proptest::prelude::*;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::ServerSessionMemoryCache;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection};

use super::*;
use crate::certificates::CertificateSource;
use crate::hello::{Progress, parse};
use crate::site::{SiteSource, SiteTls};

/// A certificate for `a.test` that is its own root.
struct TestCertificate {
    der: Vec<u8>,
    pkcs8: Vec<u8>,
}

static CERTIFICATE: LazyLock<TestCertificate> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
    TestCertificate {
        der: parameters.self_signed(&key).unwrap().der().to_vec(),
        pkcs8: key.serialize_der(),
    }
});

/// A site whose only group is X25519.
static SITE: LazyLock<SiteTls> = LazyLock::new(|| {
    let certificate = Certificate {
        names: vec!["a.test".to_owned()],
        chain: vec![CERTIFICATE.der.clone()],
        key: Hash::of("key"),
    };
    let site = SiteTls::build(&SiteSource {
        id: "a.test",
        names: &certificate.names,
        policy_hash: Hash::of("policy"),
        policy: &TlsPolicy {
            versions: vec![TlsVersion::Tls13, TlsVersion::Tls12],
            suites: CipherSuite::ALL.to_vec(),
            groups: vec![Group::X25519],
            alpn: vec![],
            tickets: true,
            client_roots: None,
        },
        certificates: vec![CertificateSource {
            hash: Hash::of("certificate"),
            certificate: &certificate,
            key: &PrivateKey {
                pkcs8: CERTIFICATE.pkcs8.clone(),
            },
        }],
        ticket_keys: vec![&TicketKey { secret: [1; 32] }],
    });
    site.ok().unwrap()
});

fn client_config(
    version: &'static rustls::SupportedProtocolVersion,
    groups: &[&'static dyn SupportedKxGroup],
) -> ClientConfig {
    let provider = Arc::new(CryptoProvider {
        kx_groups: groups.to_vec(),
        ..aws_lc_rs::default_provider()
    });
    let certificate = CertificateDer::from(CERTIFICATE.der.clone());
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.enable_early_data = true;
    client
}

/// A client that has a ticket for early data from an earlier server.
fn returning_client(groups: &[&'static dyn SupportedKxGroup]) -> ClientConnection {
    let client = client_config(&rustls::version::TLS13, groups);
    let provider = Arc::clone(client.crypto_provider());
    let certificate = CertificateDer::from(CERTIFICATE.der.clone());
    let client = Arc::new(client);
    let connect = || {
        let name = ServerName::try_from("a.test").unwrap();
        ClientConnection::new(Arc::clone(&client), name).unwrap()
    };
    let mut before = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivatePkcs8KeyDer::from(CERTIFICATE.pkcs8.clone()).into(),
        )
        .unwrap();
    before.max_early_data_size = 1 << 24;
    before.session_storage = ServerSessionMemoryCache::new(8);
    let mut before = ServerConnection::new(Arc::new(before)).unwrap();
    let mut first = connect();
    while first.is_handshaking() || first.tls13_tickets_received() == 0 {
        carry(|into| first.write_tls(into), |from| before.read_tls(from));
        before.process_new_packets().unwrap();
        carry(|into| before.write_tls(into), |from| first.read_tls(from));
        first.process_new_packets().unwrap();
    }
    connect()
}

fn carry(
    mut write: impl FnMut(&mut dyn Write) -> std::io::Result<usize>,
    mut read: impl FnMut(&mut dyn std::io::Read) -> std::io::Result<usize>,
) {
    let mut bytes = Vec::new();
    while write(&mut bytes).unwrap() > 0 {}
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        read(&mut rest).unwrap();
    }
}

fn written(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// A record of early data with so many bytes of ciphertext, which cannot be decrypted.
fn early_record(length: usize) -> Vec<u8> {
    let mut record = vec![23, 3, 3];
    record.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    record.resize(records::HEADER + length, 0x5a);
    record
}

/// Feed an engine in pieces that end at these positions.
fn feed(engine: &mut Engine, bytes: &[u8], positions: &[usize]) -> Result<State, Fault> {
    let mut state = State::Handshaking;
    let mut start = 0;
    for end in positions.iter().copied().chain([bytes.len()]) {
        let end = end.clamp(start, bytes.len());
        engine.incoming.extend_from_slice(&bytes[start..end]);
        state = engine.process(|_| 0)?;
        start = end;
    }
    Ok(state)
}

/// Complete a handshake whose first flight is `opening`, and read a request.
fn finish(
    mut client: ClientConnection,
    opening: &[u8],
    positions: &[usize],
) -> Result<(usize, HandshakeKind), Fault> {
    let Progress::Hello(hello) = parse(opening, 1 << 14) else {
        panic!("no hello");
    };
    let choice = SITE.choose(&hello, Some("a.test")).unwrap();
    let mut engine = Engine::new(choice.config, Buffer::default()).unwrap();
    let mut state = feed(&mut engine, opening, positions)?;
    let mut round_trips = 0;
    while state == State::Handshaking {
        round_trips += 1;
        let mut flight = engine.flow.outgoing.filled();
        while !flight.is_empty() {
            client.read_tls(&mut flight).unwrap();
        }
        engine.flow.outgoing = Buffer::default();
        client.process_new_packets()?;
        if !client.is_handshaking() {
            client.writer().write_all(b"a request").unwrap();
        }
        let bytes = written(&mut client);
        assert!(!bytes.is_empty(), "both sides wait");
        state = feed(&mut engine, &bytes, positions)?;
    }
    engine.process(|_| 0)?; // The request is not processed with the handshake.
    assert!(!client.is_early_data_accepted());
    assert_eq!(b"a request", engine.flow.plaintext.filled());
    assert!(engine.incoming.is_empty(), "no early data is left");
    Ok((round_trips, engine.tls().handshake_kind().unwrap()))
}

const DIRECT: &[&dyn SupportedKxGroup] = &[aws_lc_rs::kx_group::X25519];
/// The only key share is of the first group, which the server does not support.
const RETRIED: &[&dyn SupportedKxGroup] =
    &[aws_lc_rs::kx_group::SECP256R1, aws_lc_rs::kx_group::X25519];

/// The first flight of a client with early data in records of these lengths.
fn opening(client: &mut ClientConnection, lengths: &[usize]) -> Vec<u8> {
    client.early_data().unwrap().write_all(b"early").unwrap();
    let mut bytes = written(client);
    for length in lengths {
        bytes.extend(early_record(*length));
    }
    bytes
}

#[test]
fn rejected_early_data_does_not_depend_on_splits() {
    for (groups, trips, kind) in [
        (DIRECT, 1, HandshakeKind::Full),
        (RETRIED, 2, HandshakeKind::FullWithHelloRetryRequest),
    ] {
        let length = opening(&mut returning_client(groups), &[40, 17]).len();
        for position in 0..=length {
            let mut client = returning_client(groups);
            let bytes = opening(&mut client, &[40, 17]);
            assert_eq!(Ok((trips, kind)), finish(client, &bytes, &[position]));
        }
        let mut client = returning_client(groups);
        let bytes = opening(&mut client, &[40, 17]);
        let positions: Vec<usize> = (0..length).collect();
        assert_eq!(Ok((trips, kind)), finish(client, &bytes, &positions));
    }
}

/// 2^14 bytes of plaintext, in one record and in records of one byte each.
#[test]
fn early_data_up_to_the_usual_limit_is_skipped() {
    let single = vec![1 + 1 + 16; (1 << 14) - 5];
    for lengths in [&[(1 << 14) - 5 + 17][..], &single] {
        for groups in [DIRECT, RETRIED] {
            let mut client = returning_client(groups);
            let bytes = opening(&mut client, lengths);
            assert!(finish(client, &bytes, &[]).is_ok());
        }
    }
}

/// The early data that is skipped is limited.
#[test]
fn excessive_early_data_is_refused() {
    for groups in [DIRECT, RETRIED] {
        let mut client = returning_client(groups);
        let bytes = opening(&mut client, &[1 << 14; 19]);
        assert!(finish(client, &bytes, &[]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    /// With any records of early data, split anywhere.
    #[test]
    fn rejected_early_data_never_fails_a_handshake(
        lengths in prop::collection::vec(prop_oneof![1_usize..60, 1_usize..2000], 0..12),
        mut positions in prop::collection::vec(0_usize..4000, 0..20),
        is_retried: bool,
    ) {
        positions.sort_unstable();
        let mut client = returning_client(if is_retried { RETRIED } else { DIRECT });
        let bytes = opening(&mut client, &lengths);
        let (trips, _) = finish(client, &bytes, &positions).unwrap();
        prop_assert_eq!(1 + usize::from(is_retried), trips);
    }
}

/// A modification of the records of a client's flight.
#[derive(Clone, Debug)]
enum Damage {
    /// Insert a record of any type and content.
    Insert(prop::sample::Index, u8, Vec<u8>),
    Twice(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let content = prop::collection::vec(any::<u8>(), 0..40);
    let kind = prop_oneof![20_u8..25, any::<u8>()];
    prop_oneof![
        (any::<prop::sample::Index>(), kind, content)
            .prop_map(|(position, kind, content)| Damage::Insert(position, kind, content)),
        any::<prop::sample::Index>().prop_map(Damage::Twice),
        (any::<prop::sample::Index>(), 1_u8..)
            .prop_map(|(position, bits)| Damage::Flip(position, bits)),
        any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

/// Split bytes into records.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(header) = bytes.first_chunk::<{ records::HEADER }>() {
        let length = records::HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
        found.push(bytes[..length].to_vec());
        bytes = &bytes[length..];
    }
    found
}

fn damaged(bytes: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut found = split(bytes);
    for damage in damages {
        match damage {
            Damage::Insert(position, kind, content) => {
                let length = u16::try_from(content.len()).unwrap().to_be_bytes();
                let record = [&[*kind, 3, 3][..], &length, content].concat();
                found.insert(position.index(found.len() + 1), record);
            }
            Damage::Twice(position) => {
                let again = found[position.index(found.len())].clone();
                found.push(again);
            }
            Damage::Flip(position, bits) => {
                let mut joined = found.concat();
                let position = position.index(joined.len());
                joined[position] ^= bits;
                found = vec![joined];
            }
            Damage::Cut(position) => {
                let joined = found.concat();
                found = vec![joined[..position.index(joined.len())].to_vec()];
            }
        }
        found.retain(|record| !record.is_empty());
        if found.is_empty() {
            break;
        }
    }
    found.concat()
}

/// A client of a version, and an engine that has responded to its hello.
fn started(
    version: &'static rustls::SupportedProtocolVersion,
    groups: &[&'static dyn SupportedKxGroup],
) -> (ClientConnection, Engine) {
    let mut client = ClientConnection::new(
        Arc::new(client_config(version, groups)),
        ServerName::try_from("a.test").unwrap(),
    )
    .unwrap();
    let bytes = written(&mut client);
    let Progress::Hello(hello) = parse(&bytes, 1 << 14) else {
        panic!("no hello");
    };
    let choice = SITE.choose(&hello, Some("a.test")).unwrap();
    let mut engine = Engine::new(choice.config, Buffer::default()).unwrap();
    if choice.needs_retry {
        engine.expect_second_hello(hello, 1 << 14);
    }
    feed(&mut engine, &bytes, &[]).unwrap();
    let mut flight = engine.flow.outgoing.filled();
    while !flight.is_empty() {
        client.read_tls(&mut flight).unwrap();
    }
    engine.flow.outgoing = Buffer::default();
    client.process_new_packets().unwrap();
    (client, engine)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any damaged flight after a hello results in an alert, and not in a panic.
    #[test]
    fn a_damaged_flight_results_in_an_alert(
        shape in 0_usize..3,
        damages in prop::collection::vec(damage(), 1..4),
        mut positions in prop::collection::vec(0_usize..600, 0..6),
    ) {
        positions.sort_unstable();
        let (version, groups) = [
            (&rustls::version::TLS13, DIRECT),
            (&rustls::version::TLS13, RETRIED),
            (&rustls::version::TLS12, DIRECT),
        ][shape];
        let (mut client, mut engine) = started(version, groups);
        if !client.is_handshaking() {
            client.writer().write_all(b"a request").unwrap();
        }
        let bytes = damaged(&written(&mut client), &damages);
        let outcome = feed(&mut engine, &bytes, &positions).and_then(|_| engine.process(|_| 0));
        if let Err(fault) = outcome {
            let has_alert = fault.due_alert().is_none() || engine.flow.alert_sent.is_some();
            prop_assert!(has_alert, "{fault:?}");
            prop_assert_eq!(engine.flow.alert_sent.is_some(), !engine.flow.outgoing.is_empty());
            prop_assert_eq!(Err(fault), engine.process(|_| 0));
        }
    }
}
