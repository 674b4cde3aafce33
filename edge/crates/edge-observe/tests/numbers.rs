//! What workers record becomes the contract's statistics and events.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::net::SocketAddr;
use std::time::Duration;

use edge_contract::{
    Alpn, CipherSuite, Group, HandshakeFailure, Http2Cutoff, TlsVersion, UpstreamFailure,
};
use edge_observe::{
    EventLog, HandshakeFault, HandshakeRecord, Observatory, SiteSlots, UpstreamFault,
    WorkerObserver,
};
use serde_json::{Value, json};

fn peer() -> SocketAddr {
    "192.0.2.7:5000".parse().unwrap()
}

fn handshake() -> HandshakeRecord<'static> {
    HandshakeRecord {
        listener: "https:127.0.0.1:8443",
        peer: peer(),
        site: "a.test",
        server_name: Some("a.test"),
        version: TlsVersion::Tls13,
        suite: CipherSuite::Tls13Aes256GcmSha384,
        group: Some(Group::X25519Mlkem768),
        alpn: Some(Alpn::H2),
        resumed: false,
        duration: Duration::from_micros(450),
    }
}

fn refuse(observer: &WorkerObserver, server_name: &str) {
    observer.handshake_failed(HandshakeFault {
        listener: "https:127.0.0.1:8443",
        peer: peer(),
        server_name: Some(server_name),
        reason: HandshakeFailure::UnknownServerName,
        detail: "no site has that name",
        alert: Some("unrecognized_name"),
    });
}

fn stats(observatory: &Observatory, sites: &SiteSlots) -> Value {
    serde_json::to_value(observatory.stats(sites, &EventLog::new("b"), 4096)).unwrap()
}

/// The control plane's own connections and handshakes are not counted.
#[test]
fn own_connections_are_not_counted() {
    let (observatory, observers, _queue) = Observatory::new("b", 1);
    let sites = SiteSlots::default();
    for is_own in [true, true, false] {
        if is_own {
            observatory.expect(vec![peer()]);
        }
        observers[0].connection_opened();
        observers[0].handshake_completed(handshake());
        observers[0].connection_closed();
    }
    let stats = stats(&observatory, &sites);
    assert_eq!(json!({"accepted": 1, "open": 0}), stats["connections"]);
    assert_eq!(json!(1), stats["handshakes"][0]["count"]);
}

/// The counters of all workers are added up.
#[test]
fn workers_are_added_up() {
    let (observatory, observers, _queue) = Observatory::new("b", 2);
    let sites = SiteSlots::default().carried([String::from("a.test")].iter());
    for observer in &observers {
        observer.connection_opened();
        observer.handshake_completed(handshake());
        observer.request_answered(&sites.slot("a.test"), 200);
        observer.bytes_received(10);
        observer.bytes_sent(20);
        observer.upstream_opened();
    }
    observers[0].connection_closed();
    for bytes in [5000, 1000] {
        observers[0].bytes_buffered().set(bytes);
    }
    observers[1].bytes_buffered().set(2000);
    observers[1].upstream_failed(UpstreamFault {
        site: "a.test",
        pool: "a.test",
        server: "127.0.0.1:9000",
        reason: UpstreamFailure::ConnectRefused,
        status: 502,
    });
    observers[0].http2_cut_off("a.test", peer(), Http2Cutoff::PingFlood);
    refuse(&observers[1], "b.test");
    let stats = stats(&observatory, &sites);
    assert_eq!(json!({"accepted": 2, "open": 1}), stats["connections"]);
    assert_eq!(
        json!([{"version": "1.3", "suite": "TLS_AES_256_GCM_SHA384", "group": "X25519MLKEM768",
            "resumed": false, "count": 2}]),
        stats["handshakes"]
    );
    assert_eq!(
        json!({"unknown_server_name": 1}),
        stats["handshake_failures"]
    );
    assert_eq!(json!({"ping_flood": 1}), stats["http2_cutoffs"]);
    assert_eq!((json!(900), json!(2)), {
        let durations = &stats["handshake_duration_us"];
        (durations["sum"].clone(), durations["count"].clone())
    });
    assert_eq!(
        json!([{"site": "a.test", "status_class": "2xx", "count": 2}]),
        stats["requests"]
    );
    assert_eq!(json!({"received": 20, "sent": 40}), stats["bytes"]);
    assert_eq!(
        json!({"connections_open": 2, "failures": {"connect_refused": 1}}),
        stats["upstream"]
    );
    assert_eq!(
        json!({"resident_bytes": 4096, "buffered_bytes": 3000}),
        stats["memory"]
    );
}

/// Every failed handshake becomes an event with the contract's fields.
#[test]
fn failures_become_events() {
    let (_observatory, observers, mut queue) = Observatory::new("b", 1);
    refuse(&observers[0], "b.test");
    let event = serde_json::to_value(queue.try_next().unwrap().event).unwrap();
    let expected = json!({
        "name": "handshake_failed", "listener": "https:127.0.0.1:8443", "peer": "192.0.2.7:5000",
        "server_name": "b.test", "reason": "unknown_server_name",
        "detail": "no site has that name", "alert": "unrecognized_name"
    });
    assert_eq!(expected, event);
}

/// Of a burst of completed handshakes one becomes an event; all are counted.
#[test]
fn completions_are_sampled() {
    let (observatory, observers, mut queue) = Observatory::new("b", 1);
    for _ in 0..100 {
        observers[0].handshake_completed(handshake());
    }
    let event = serde_json::to_value(queue.try_next().unwrap().event).unwrap();
    assert_eq!(
        (json!("handshake_completed"), json!(450)),
        (event["name"].clone(), event["duration_us"].clone())
    );
    assert!(queue.try_next().is_none());
    assert_eq!(
        100,
        stats(&observatory, &SiteSlots::default())["handshakes"][0]["count"]
    );
}

/// Events beyond the queue's capacity are counted, and never block the worker.
#[test]
fn floods_are_dropped_and_counted() {
    let (_observatory, observers, mut queue) = Observatory::new("b", 1);
    for _ in 0..10_000 {
        refuse(&observers[0], "b.test");
    }
    let mut received = 0;
    while queue.try_next().is_some() {
        received += 1;
    }
    assert!(received < 10_000);
    assert_eq!(10_000 - received, queue.dropped());
}

/// Text from a client is truncated in an event, at a character boundary.
#[test]
fn client_text_is_truncated() {
    let (_observatory, observers, mut queue) = Observatory::new("b", 1);
    refuse(&observers[0], &"é".repeat(100_000));
    let event = serde_json::to_value(queue.try_next().unwrap().event).unwrap();
    assert_eq!(512, event["server_name"].as_str().unwrap().len());
}
