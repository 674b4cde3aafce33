//! Events have the names and fields of `contract/events.schema.json`.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::BTreeSet;

use edge_contract::{
    Alpn, ChallengeKind, CipherSuite, Event, Group, HandshakeFailure, Hash, Http2Cutoff,
    QuarantineCode, RequestRefusal, TlsFailure, TlsVersion, UpstreamFailure,
};
use serde_json::Value;

/// The fields that the log adds to every event.
const FRAME: [&str; 3] = ["number", "boot", "at_ms"];

fn schema() -> Value {
    let text = include_str!("../../../../contract/events.schema.json");
    serde_json::from_str(text).unwrap()
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

/// One of each kind.
fn every_event() -> Vec<Event> {
    let peer = "192.0.2.7:5000".parse().unwrap();
    let text = || "text".to_owned();
    vec![
        Event::EdgeStarted,
        Event::SnapshotApplied { root: Hash::of("") },
        Event::SiteQuarantined {
            site: text(),
            code: QuarantineCode::KeyMismatch,
            path: text(),
            message: text(),
        },
        Event::ListenerOpened { listener: text() },
        Event::ListenerClosed { listener: text() },
        Event::HandshakeCompleted {
            listener: text(),
            peer,
            site: text(),
            server_name: None,
            version: TlsVersion::Tls13,
            suite: CipherSuite::Tls13Aes128GcmSha256,
            group: Some(Group::X25519),
            alpn: Some(Alpn::H2),
            resumed: false,
            duration_us: 1,
        },
        Event::HandshakeFailed {
            listener: text(),
            peer,
            server_name: None,
            reason: HandshakeFailure::NotTls,
            detail: text(),
            alert: None,
        },
        Event::AcmeChallengeAnswered {
            kind: ChallengeKind::Http,
            site: text(),
            listener: text(),
            peer,
        },
        Event::TlsFailed {
            site: text(),
            peer,
            reason: TlsFailure::RecordUndecryptable,
            detail: text(),
            alert: None,
        },
        Event::RequestRefused {
            site: text(),
            peer,
            reason: RequestRefusal::Misdirected,
            status: 421,
        },
        Event::Http2CutOff {
            site: text(),
            peer,
            reason: Http2Cutoff::RapidReset,
        },
        Event::UpstreamFailed {
            site: text(),
            pool: text(),
            server: text(),
            reason: UpstreamFailure::NoServer,
            status: 503,
        },
        Event::UpstreamWentDown {
            pool: text(),
            server: text(),
            reason: UpstreamFailure::ConnectRefused,
        },
        Event::UpstreamCameBack {
            pool: text(),
            server: text(),
        },
        Event::DrainStarted,
        Event::DrainEnded,
        Event::EventsDropped { count: 1 },
        Event::EventsSuppressed {
            event: text(),
            reason: text(),
            count: 1,
        },
    ]
}

/// Each event has exactly the fields that the contract requires of its name.
#[test]
fn events_have_the_contracts_fields() {
    let schema = schema();
    let mut sent = BTreeSet::new();
    for event in every_event() {
        let line = serde_json::to_value(event).unwrap();
        let name = line["name"].as_str().unwrap();
        let own = line.as_object().unwrap().keys().map(String::as_str);
        let fields = own.chain(FRAME).collect();
        assert_eq!(names(&schema["$defs"][name]["required"]), fields, "{name}");
        assert!(sent.insert(name.to_owned()), "duplicate event {name}");
    }
    let listed = schema["oneOf"].as_array().unwrap().iter();
    let listed = listed.map(|entry| entry["$ref"].as_str().unwrap().rsplit('/').next().unwrap());
    assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), sent);
}
