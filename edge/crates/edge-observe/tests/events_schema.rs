//! What this crate tells is what `contract/events.schema.json` says, name by name and field by field.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::BTreeSet;

use edge_contract::{Alpn, CipherSuite, Hash, TlsVersion};
use edge_observe::{
    Event, EventLog, HandshakeFailure, Http2Cutoff, StampedEvent, TlsFailure, UpstreamFailure,
};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../contract/events.schema.json")).unwrap()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// One of each event that the edge can tell.
#[allow(
    clippy::too_many_lines,
    reason = "one entry for each event of a closed set"
)]
fn one_of_each() -> Vec<Event> {
    let text = || String::from("x");
    let peer = || "192.0.2.1:50000".parse().unwrap();
    let (upstream, handshake) = (UpstreamFailure::NoServer, HandshakeFailure::NotTls);
    vec![
        Event::EdgeStarted,
        Event::SnapshotApplied {
            root: Hash::of("{}"),
        },
        Event::SiteQuarantined {
            site: text(),
            code: "key_mismatch",
            path: text(),
            message: text(),
        },
        Event::ListenerOpened { listener: text() },
        Event::ListenerClosed { listener: text() },
        Event::HandshakeCompleted {
            listener: text(),
            peer: peer(),
            site: text(),
            server_name: Some(text()),
            version: TlsVersion::Tls13,
            suite: CipherSuite::Tls13Aes128GcmSha256,
            group: "x25519",
            alpn: Some(Alpn::H2),
            resumed: false,
            duration_us: 1,
        },
        Event::HandshakeFailed {
            listener: text(),
            peer: peer(),
            server_name: None,
            reason: handshake,
            detail: text(),
            alert: None,
        },
        Event::TlsFailed {
            site: text(),
            peer: peer(),
            reason: TlsFailure::MessageFlood,
            detail: text(),
            alert: Some("unexpected_message"),
        },
        Event::RequestRefused {
            site: text(),
            peer: peer(),
            reason: "bare_cr",
            status: 400,
        },
        Event::Http2CutOff {
            site: text(),
            peer: peer(),
            reason: Http2Cutoff::PingFlood,
        },
        Event::UpstreamFailed {
            site: text(),
            pool: text(),
            server: text(),
            reason: upstream,
            status: 502,
        },
        Event::UpstreamWentDown {
            pool: text(),
            server: text(),
            reason: upstream,
        },
        Event::UpstreamCameBack {
            pool: text(),
            server: text(),
        },
        Event::DrainStarted,
        Event::DrainEnded,
        Event::EventsDropped { count: 1 },
        Event::EventsSuppressed {
            event: "handshake_failed",
            reason: "not_tls",
            count: 1,
        },
    ]
}

/// Every event has the fields of its definition, no more and no less, and every definition has an
/// event but the reserved one.
#[test]
fn events_are_those_of_the_schema() {
    let (schema, mut log) = (schema(), EventLog::new("0011223344556677"));
    let mut told = BTreeSet::from([String::from("early_data_rejected")]);
    for event in one_of_each() {
        log.append(&StampedEvent { at_ms: 1, event });
    }
    for line in log.read(0, usize::MAX).lines {
        let line: Value = serde_json::from_str(&line).unwrap();
        let name = line["name"].as_str().unwrap();
        let fields: BTreeSet<_> = line.as_object().unwrap().keys().cloned().collect();
        assert_eq!(texts(&schema["$defs"][name]["required"]), fields, "{name}");
        told.insert(name.to_owned());
    }
    let named = |entry: &Value| {
        entry["$ref"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let listed: BTreeSet<_> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(named)
        .collect();
    assert_eq!(listed, told);
}

/// The closed sets of reasons are the same in both languages.
#[test]
fn reasons_are_those_of_the_schema() {
    let schema = schema();
    let handshake = HandshakeFailure::ALL
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect();
    let upstream = UpstreamFailure::ALL
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect();
    assert_eq!(
        texts(&schema["$defs"]["HandshakeFailure"]["enum"]),
        handshake
    );
    assert_eq!(texts(&schema["$defs"]["UpstreamFailure"]["enum"]), upstream);
}
