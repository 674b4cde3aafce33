//! Which requests a connection may be used for.

use std::rc::Rc;

use arc_swap::ArcSwap;
use edge_observe::Observatory;
use tokio::sync::watch;

use super::*;
use crate::context::{ConnectionContext, WorkerContext};
use crate::route::route;

/// A connection with this server name under a snapshot.
fn connection(running: Running, name: &str) -> ConnectionContext {
    let hello = hello(Some(name));
    let site = Arc::clone(running.destination(name).site().unwrap());
    let choice = site.tls.choose(&hello, Some(name)).ok().unwrap();
    let worker = WorkerContext::new(
        Arc::new(ArcSwap::from_pointee(running)),
        Observatory::new("boot", 1).1.remove(0),
        watch::channel(false).1,
    );
    ConnectionContext {
        worker: Rc::new(worker),
        site,
        peer: "192.0.2.9:9".parse().unwrap(),
        local: "192.0.2.1:443".parse().unwrap(),
        server_name: Some(name.to_owned()),
        certificate_names: choice.certificate_names().clone(),
        client_certificate: None,
    }
}

/// The sites to which these hosts are routed on a connection; `None` if they are refused.
fn reached<const N: usize>(
    context: &ConnectionContext,
    hosts: [Option<&str>; N],
) -> [Option<String>; N] {
    hosts.map(|host| {
        let route = route(context, host.map(str::as_bytes));
        route.ok().map(|route| route.site.id.clone())
    })
}

fn owned<const N: usize>(ids: [Option<&str>; N]) -> [Option<String>; N] {
    ids.map(|id| id.map(str::to_owned))
}

#[test]
fn a_connection_serves_hosts_that_its_certificate_covers_under_its_policy() {
    let mut draft = Draft::new();
    let one = draft.site(&["*.wild.test", "a.test", "b.test", "strict.test"]);
    let with = |names: &[&str]| Site {
        id: names[0].to_owned(),
        names: names.iter().map(ToString::to_string).collect(),
        ..one.clone()
    };
    draft.serve(with(&["*.wild.test", "a.test"]));
    draft.serve(with(&["b.test"]));
    let mut strict = with(&["strict.test"]);
    let tls = Part::TlsPolicy(TlsPolicy {
        tickets: false,
        ..policy()
    });
    strict.tls = draft.add(tls);
    draft.serve(strict);
    draft.serve_new(&["c.test"]);
    let context = connection(draft.run(), "a.test");
    let hosts = ["a.test", "A.test.:8443", "x.wild.test", "b.test"].map(Some);
    let wild = Some("*.wild.test");
    assert_eq!(
        owned([wild, wild, wild, Some("b.test")]),
        reached(&context, hosts)
    );
    assert_eq!(owned([wild]), reached(&context, [None]));
    let others = ["strict.test", "c.test", "none.test"].map(Some);
    assert_eq!([None, None, None], reached(&context, others));
}

#[test]
fn a_name_of_the_same_site_under_another_certificate_is_misdirected() {
    let mut draft = Draft::new();
    let mut site = draft.site(&["a.test"]);
    site.certificates
        .extend(draft.site(&["b.test"]).certificates);
    site.names = ["a.test", "b.test", "bare.test"]
        .map(str::to_owned)
        .to_vec();
    draft.serve(site);
    let own = Some("a.test");
    let reached_from = |name| {
        let context = connection(draft.run(), name);
        reached(&context, ["a.test", "b.test", "bare.test"].map(Some))
    };
    assert_eq!(owned([own, None, None]), reached_from("a.test"));
    assert_eq!(owned([None, own, None]), reached_from("b.test"));
    // No certificate covers it, but it is the server name of the handshake.
    assert_eq!(own.map(str::to_owned), reached_from("bare.test")[2]);
}

#[test]
fn a_new_certificate_or_policy_of_its_site_does_not_affect_a_connection() {
    let mut draft = Draft::new();
    let first = draft.site(&["a.test", "b.test"]);
    draft.serve(first.clone());
    let context = connection(draft.run(), "a.test");
    let hosts = [Some("a.test"), Some("b.test"), None];
    let own = Some("a.test");

    let mut renewed = draft.site(&["a.test", "b.test"]);
    assert_ne!(first.certificates, renewed.certificates);
    let tls = Part::TlsPolicy(TlsPolicy {
        tickets: false,
        ..policy()
    });
    renewed.tls = draft.add(tls);
    draft.serve(renewed);
    context.worker.running.store(Arc::new(draft.run()));
    assert_eq!(owned([own, own, own]), reached(&context, hosts));
    assert!(!context.is_outdated());
}

/// A policy that requires a client certificate.
fn client_auth_policy() -> Part {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    Part::TlsPolicy(TlsPolicy {
        client_roots: Some(vec![params.self_signed(&key).unwrap().der().to_vec()]),
        ..policy()
    })
}

#[test]
fn a_connection_without_client_certificate_is_not_used_for_a_site_that_requires_one() {
    let mut draft = Draft::new();
    let one = draft.site(&["a.test", "b.test", "c.test"]);
    let with = |name: &str| Site {
        id: name.to_owned(),
        names: vec![name.to_owned()],
        ..one.clone()
    };
    draft.serve(with("a.test"));
    let mut strict = with("b.test");
    strict.tls = draft.add(client_auth_policy());
    draft.serve(strict);
    let mut stricter = with("c.test");
    stricter.tls = draft.add(client_auth_policy());
    draft.serve(stricter);
    let hosts = ["a.test", "b.test", "c.test"];
    for (index, name) in hosts.into_iter().enumerate() {
        let mut expected = [None, None, None];
        expected[index] = Some(name);
        let context = connection(draft.run(), name);
        assert_eq!(owned(expected), reached(&context, hosts.map(Some)));
    }
}

#[test]
fn a_site_that_begins_to_require_client_certificates_ends_earlier_connections() {
    let mut draft = Draft::new();
    let mut site = draft.site(&["a.test"]);
    draft.serve(site.clone());
    draft.root.default_site = Some("a.test".to_owned());
    let context = connection(draft.run(), "a.test");
    let hosts = [Some("a.test"), Some("unknown.test"), None];
    let own = Some("a.test");
    assert_eq!(owned([own, own, own]), reached(&context, hosts));

    site.tls = draft.add(client_auth_policy());
    draft.serve(site);
    context.worker.running.store(Arc::new(draft.run()));
    assert_eq!([None, None, None], reached(&context, hosts));
    assert!(context.is_outdated());
}

#[test]
fn a_connection_whose_site_was_removed_is_outdated() {
    let mut draft = Draft::new();
    draft.serve_new(&["a.test"]);
    let context = connection(draft.run(), "a.test");
    let mut other = Draft::new();
    other.serve_new(&["b.test"]);
    context.worker.running.store(Arc::new(other.run()));
    assert_eq!([None, None], reached(&context, [Some("a.test"), None]));
    assert!(context.is_outdated());
}
