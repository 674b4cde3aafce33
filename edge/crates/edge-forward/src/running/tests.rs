mod connection_reuse;

use edge_contract::bounds::CONTRACT;
use edge_contract::{
    Alpn, Certificate, Challenges, CipherSuite, Group, Hsts, Listener, Part, Parts, Pool,
    PrivateKey, QuarantineCode, Role, Root, Server, Site, SiteLimits, SiteVerdict, TicketKey,
    TlsAlpnChallenge, TlsPolicy, TlsVersion, canonical,
};

use super::*;

/// A snapshot under construction.
struct Draft {
    root: Root,
    parts: Parts,
}

impl Draft {
    fn new() -> Self {
        let listener = Listener {
            id: "https:127.0.0.1:443".to_owned(),
            role: Role::Https,
            address: "127.0.0.1:443".parse().unwrap(),
            https_port: 443,
        };
        let root = Root {
            contract: CONTRACT,
            listeners: vec![listener],
            limits: Limits::default(),
            sites: BTreeMap::new(),
            default_site: None,
            ticket_keys: Vec::new(),
            parts: Vec::new(),
            challenges: None,
        };
        let mut draft = Self {
            root,
            parts: Parts::new(),
        };
        draft.rotate_ticket_keys(1);
        draft
    }

    fn add(&mut self, part: Part) -> Hash {
        let hash = Hash::of(&canonical(&part).unwrap());
        self.parts.insert(hash, Arc::new(part));
        hash
    }

    fn rotate_ticket_keys(&mut self, secret: u8) {
        let key = self.add(Part::TicketKey(TicketKey {
            secret: [secret; 32],
        }));
        self.root.ticket_keys = vec![key];
    }

    /// A good site; its id is its first name.
    fn site(&mut self, names: &[&str]) -> Site {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["any.test".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let key = self.add(Part::PrivateKey(PrivateKey {
            pkcs8: key.serialize_der(),
        }));
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let certificate = Certificate {
            names: names.clone(),
            chain: vec![der],
            key,
        };
        let pool = Pool {
            id: names[0].clone(),
            servers: vec![Server {
                host: "127.0.0.1".to_owned(),
                port: 9000,
            }],
            connect_timeout_ms: 1,
            response_timeout_ms: 1,
            idle_timeout_ms: 1,
            idle_per_worker: 1,
            connections_per_worker: 1,
        };
        Site {
            id: names[0].clone(),
            names,
            tls: self.add(Part::TlsPolicy(policy())),
            certificates: vec![self.add(Part::Certificate(certificate))],
            pool: self.add(Part::Pool(pool)),
            hsts: None,
            redirect_cacheable: false,
            limits: SiteLimits::STANDARD,
            timeouts: None,
        }
    }

    fn serve(&mut self, site: Site) -> Hash {
        let id = site.id.clone();
        let hash = self.add(Part::Site(site));
        self.root.sites.insert(id, hash);
        hash
    }

    fn serve_new(&mut self, names: &[&str]) -> Hash {
        let site = self.site(names);
        self.serve(site)
    }

    fn build(&self, previous: &Running) -> (Running, BTreeMap<String, SiteVerdict>) {
        let hash = Hash::of(&canonical(&self.root).unwrap());
        Running::build(&self.root, hash, &self.parts, previous)
    }

    fn run(&self) -> Running {
        let (running, verdicts) = self.build(&Running::default());
        assert!(
            verdicts
                .values()
                .all(|verdict| *verdict == SiteVerdict::Running),
            "{verdicts:?}"
        );
        running
    }
}

fn policy() -> TlsPolicy {
    TlsPolicy {
        versions: TlsVersion::ALL.to_vec(),
        suites: CipherSuite::ALL.to_vec(),
        groups: Group::ALL.to_vec(),
        alpn: Alpn::ALL.to_vec(),
        tickets: true,
        client_roots: None,
    }
}

fn found<'a>(running: &'a Running, host: &str) -> Option<&'a str> {
    running
        .destination(host)
        .site()
        .map(|site| site.id.as_str())
}

/// The quarantined site of a refused name.
fn quarantined<'a>(running: &'a Running, host: &str) -> Option<&'a str> {
    match running.destination(host) {
        Destination::Refused(NameRefusal::Quarantined(id)) => Some(id),
        Destination::Refused(_) | Destination::Site(_) | Destination::Challenge(_) => None,
    }
}

/// The site of a handshake with this name.
fn site_of_hello<'a>(running: &'a Running, name: &str) -> Option<&'a str> {
    let hello = hello(Some(name));
    let (destination, _) = running.destination_of_hello(&hello, "192.0.2.9".parse().unwrap());
    destination.site().map(|site| site.id.as_str())
}

fn hello(server_name: Option<&str>) -> ClientHello {
    ClientHello {
        legacy_version: 0x0303,
        versions: Some(vec![0x0304]),
        suites: vec![0x1301],
        groups: vec![29],
        key_shares: Some(vec![29]),
        signature_schemes: vec![0x0403],
        alpn: None,
        server_name: server_name.map(str::to_owned),
        binder_lengths: Vec::new(),
    }
}

fn quarantine(verdict: &SiteVerdict) -> (QuarantineCode, &str, Option<Hash>) {
    match verdict {
        SiteVerdict::Quarantined {
            code, path, serves, ..
        } => (*code, path, *serves),
        SiteVerdict::Running | SiteVerdict::Pending => panic!("the site is not in quarantine"),
    }
}

#[test]
fn hosts_match_exactly_then_by_wildcard_then_by_address() {
    let mut draft = Draft::new();
    draft.serve_new(&["*.a.test", "192.0.2.1", "a.test"]);
    draft.serve_new(&["x.a.test"]);
    let running = draft.run();
    let id = Some("*.a.test");
    assert_eq!(
        [id, id, Some("x.a.test")],
        ["a.test", "y.a.test", "x.a.test"].map(|host| found(&running, host))
    );
    assert_eq!(
        [None, None, None],
        ["b.test", "z.y.a.test", "*.a.test"].map(|host| found(&running, host))
    );
    let nameless = hello(None);
    let (mapped, name) =
        running.destination_of_hello(&nameless, "::ffff:192.0.2.1".parse().unwrap());
    assert_eq!(id, mapped.site().map(|site| site.id.as_str()));
    assert_eq!("192.0.2.1", name);
}

#[test]
fn unchanged_sites_pools_and_listeners_are_the_same_objects() {
    let mut draft = Draft::new();
    draft.serve_new(&["a.test"]);
    let first = draft.run();
    draft.serve_new(&["b.test"]);
    let (second, _) = draft.build(&first);
    assert!(Arc::ptr_eq(
        first.site("a.test").unwrap(),
        second.site("a.test").unwrap()
    ));
    let listener = |running: &Running| Arc::clone(running.listener("https:127.0.0.1:443").unwrap());
    assert!(Arc::ptr_eq(&listener(&first), &listener(&second)));

    draft.rotate_ticket_keys(2);
    let (third, _) = draft.build(&second);
    let (before, after) = (
        second.site("a.test").unwrap(),
        third.site("a.test").unwrap(),
    );
    assert!(!Arc::ptr_eq(before, after));
    assert!(Arc::ptr_eq(&before.pool, &after.pool));
}

#[test]
fn a_broken_site_keeps_its_last_good_version() {
    let mut draft = Draft::new();
    let good = draft.serve_new(&["a.test"]);
    let first = draft.run();
    let mut broken = draft.site(&["a.test", "more.test"]);
    broken.pool = Hash::of("no such part");
    draft.serve(broken);
    draft.serve_new(&["b.test"]);
    let (second, verdicts) = draft.build(&first);
    assert_eq!(
        (QuarantineCode::ReferenceMissing, "pool", Some(good)),
        quarantine(&verdicts["a.test"])
    );
    assert_eq!(SiteVerdict::Running, verdicts["b.test"]);
    assert_eq!(
        (Some("a.test"), None),
        (found(&second, "a.test"), found(&second, "more.test"))
    );

    let (third, verdicts) = draft.build(&second);
    assert_eq!(Some(good), quarantine(&verdicts["a.test"]).2);
    assert_eq!(Some("a.test"), found(&third, "a.test"));
}

#[test]
fn a_site_that_requires_client_certificates_is_not_replaced_by_a_version_that_does_not() {
    let mut draft = Draft::new();
    let mut site = draft.site(&["a.test"]);
    draft.serve(site.clone());
    let open = draft.run();
    site.tls = draft.add(Part::TlsPolicy(TlsPolicy {
        client_roots: Some(vec![vec![1]]),
        ..policy()
    }));
    draft.serve(site);
    let (closed, verdicts) = draft.build(&open);
    assert_eq!(
        (
            QuarantineCode::TlsPolicyUnusable,
            "tls.client_roots[0]",
            None
        ),
        quarantine(&verdicts["a.test"])
    );
    assert_eq!(None, found(&closed, "a.test"));
    assert_eq!(Some("a.test"), quarantined(&closed, "a.test"));
}

#[test]
fn a_site_without_a_last_good_version_is_refused_by_name() {
    let mut draft = Draft::new();
    let mut broken = draft.site(&["*.a.test", "a.test"]);
    broken.tls = broken.pool;
    draft.serve(broken);
    let (running, verdicts) = draft.build(&Running::default());
    assert_eq!(
        (QuarantineCode::PartKindWrong, "tls", None),
        quarantine(&verdicts["*.a.test"])
    );
    assert_eq!(None, found(&running, "a.test"));
    assert_eq!(Some("*.a.test"), quarantined(&running, "a.test"));
    assert_eq!(Some("*.a.test"), quarantined(&running, "x.a.test"));
    assert_eq!(None, quarantined(&running, "b.test"));
}

/// Its last good version is served; without one it is pending.
#[test]
fn a_site_without_a_certificate_is_pending_unless_it_was_good() {
    let mut draft = Draft::new();
    let site = draft.site(&["*.a.test", "a.test"]);
    let good = draft.serve(site.clone());
    let first = draft.run();
    draft.serve(Site {
        certificates: Vec::new(),
        ..site
    });
    let (second, verdicts) = draft.build(&first);
    assert_eq!(
        (
            QuarantineCode::CertificateMissing,
            "certificates",
            Some(good)
        ),
        quarantine(&verdicts["*.a.test"])
    );
    assert_eq!(Some("*.a.test"), found(&second, "a.test"));

    let (fresh, verdicts) = draft.build(&Running::default());
    assert_eq!(SiteVerdict::Pending, verdicts["*.a.test"]);
    for host in ["a.test", "x.a.test"] {
        assert!(matches!(
            fresh.destination(host),
            Destination::Refused(NameRefusal::Pending(id)) if id == "*.a.test"
        ));
    }
}

impl Draft {
    /// Answer these challenges, each by its name or token.
    fn challenge(&mut self, tls_alpn: &[(&str, Hash)], tokens: &[&str]) {
        let site = || "a.test".to_owned();
        let shown = |(name, certificate): &(&str, Hash)| {
            let challenge = TlsAlpnChallenge {
                site: site(),
                certificate: *certificate,
            };
            ((*name).to_owned(), challenge)
        };
        let answered = |token: &&str| {
            let challenge = HttpChallenge {
                site: site(),
                key_authorisation: format!("{token}.print"),
            };
            ((*token).to_owned(), challenge)
        };
        let part = Challenges {
            tls_alpn: tls_alpn.iter().map(shown).collect(),
            http: tokens.iter().map(answered).collect(),
        };
        self.root.challenges = Some(self.add(Part::Challenges(part)));
    }
}

/// The site whose challenge a hello of this name and these protocols leads to.
fn challenged<'a>(running: &'a Running, name: &str, alpn: &[&[u8]]) -> Option<&'a str> {
    let hello = ClientHello {
        alpn: Some(alpn.iter().map(|it| it.to_vec()).collect()),
        ..hello(Some(name))
    };
    match running.destination_of_hello(&hello, "192.0.2.9".parse().unwrap()) {
        (Destination::Challenge(challenge), _) => Some(&challenge.site),
        _ => None,
    }
}

#[test]
fn a_challenge_is_met_by_its_name_and_its_protocol_alone() {
    let mut draft = Draft::new();
    let site = draft.site(&["a.test"]);
    let shown = site.certificates[0];
    draft.serve(site);
    draft.challenge(&[("a.test", shown), ("1.2.0.192.in-addr.arpa", shown)], &[]);
    let running = draft.run();
    let acme = b"acme-tls/1".as_slice();
    for name in ["a.test", "1.2.0.192.in-addr.arpa"] {
        assert_eq!(Some("a.test"), challenged(&running, name, &[acme]));
    }
    for alpn in [
        &[acme, b"h2"][..],
        &[b"h2", acme],
        &[b"h2"],
        &[],
        &[acme, acme],
    ] {
        assert_eq!(None, challenged(&running, "a.test", alpn));
    }
    assert_eq!(Some("a.test"), site_of_hello(&running, "a.test"));
    assert_eq!(None, challenged(&running, "b.test", &[acme]));
}

/// Even a site that answers for unknown names does not answer for their challenges.
#[test]
fn a_name_without_a_challenge_is_refused_to_acme_servers() {
    let mut draft = Draft::new();
    draft.serve_new(&["a.test"]);
    draft.root.default_site = Some("a.test".to_owned());
    let running = draft.run();
    for name in [Some("a.test"), Some("b.test"), None] {
        let hello = ClientHello {
            alpn: Some(vec![b"acme-tls/1".to_vec()]),
            ..hello(name)
        };
        let (destination, _) = running.destination_of_hello(&hello, "192.0.2.9".parse().unwrap());
        assert!(matches!(
            destination,
            Destination::Refused(NameRefusal::NoChallenge)
        ));
    }
}

#[test]
fn challenges_change_nothing_of_their_sites() {
    let mut draft = Draft::new();
    let site = draft.site(&["a.test"]);
    let shown = site.certificates[0];
    draft.serve(site);
    let first = draft.run();
    draft.challenge(&[("a.test", shown)], &["token"]);
    let (second, _) = draft.build(&first);
    let (third, _) = draft.build(&second);
    let site = |running: &Running| Arc::clone(running.site("a.test").unwrap());
    assert!(Arc::ptr_eq(&site(&first), &site(&second)));
    assert!(Arc::ptr_eq(&second.challenges, &third.challenges));
    assert_eq!(
        Some("token.print"),
        second
            .http_challenge("token")
            .map(|it| it.key_authorisation.as_str())
    );
    assert!(second.http_challenge("other").is_none());
    draft.root.challenges = None;
    let (fourth, _) = draft.build(&third);
    assert!(fourth.http_challenge("token").is_none());
}

/// What cannot be shown is named, and the other challenges are answered.
#[test]
fn a_challenge_without_its_certificate_is_refused_alone() {
    let mut draft = Draft::new();
    let site = draft.site(&["a.test"]);
    let good = site.certificates[0];
    let Part::Certificate(certificate) = (*draft.parts[&good]).clone() else {
        unreachable!()
    };
    let unreadable = draft.add(Part::Certificate(Certificate {
        chain: vec![vec![1]],
        ..certificate
    }));
    let pool = site.pool;
    draft.serve(site);
    let names = [
        ("a.test", unreadable),
        ("b.test", pool),
        ("c.test", good),
        ("d.test", Hash::of("nothing")),
    ];
    draft.challenge(&names, &[]);
    let running = draft.run();
    let acme = b"acme-tls/1".as_slice();
    assert_eq!(Some("a.test"), challenged(&running, "c.test", &[acme]));
    let refused: Vec<_> = running
        .refused_challenges()
        .iter()
        .map(|(name, it)| (name.as_str(), it.code, it.path.as_str()))
        .collect();
    let unreadable = QuarantineCode::CertificateUnreadable;
    let expected = [
        ("a.test", unreadable, "certificate.chain[0]"),
        ("b.test", QuarantineCode::PartKindWrong, "certificate"),
        ("d.test", QuarantineCode::ReferenceMissing, "certificate"),
    ];
    assert_eq!(expected.as_slice(), refused);
}

/// A change that makes a valid site invalid.
type Change = fn(&mut Draft, &mut Site);

#[test]
fn every_broken_reference_has_its_path() {
    let breaks: [(Change, QuarantineCode, &str); 5] = [
        (
            |_, site| site.certificates.push(site.pool),
            QuarantineCode::PartKindWrong,
            "certificates[1]",
        ),
        (
            |_, site| site.id = "b.test".to_owned(),
            QuarantineCode::IdDiffers,
            "id",
        ),
        (
            |draft, _| draft.root.ticket_keys.push(Hash::of("none")),
            QuarantineCode::ReferenceMissing,
            "ticket_keys[1]",
        ),
        (
            |draft, site| {
                let Part::Certificate(certificate) = &*draft.parts[&site.certificates[0]] else {
                    unreachable!()
                };
                let orphan = Certificate {
                    key: site.pool,
                    ..certificate.clone()
                };
                site.certificates = vec![draft.add(Part::Certificate(orphan))];
            },
            QuarantineCode::PartKindWrong,
            "certificates[0].key",
        ),
        (
            |draft, site| {
                let key = draft.add(Part::PrivateKey(PrivateKey { pkcs8: vec![1] }));
                let Part::Certificate(certificate) = &*draft.parts[&site.certificates[0]] else {
                    unreachable!()
                };
                let unreadable = Certificate {
                    key,
                    ..certificate.clone()
                };
                site.certificates = vec![draft.add(Part::Certificate(unreadable))];
            },
            QuarantineCode::KeyUnreadable,
            "certificates[0].key",
        ),
    ];
    for (change, code, path) in breaks {
        let mut draft = Draft::new();
        let mut site = draft.site(&["a.test"]);
        change(&mut draft, &mut site);
        let hash = draft.add(Part::Site(site));
        draft.root.sites.insert("a.test".to_owned(), hash);
        let (_, verdicts) = draft.build(&Running::default());
        assert_eq!((code, path, None), quarantine(&verdicts["a.test"]));
    }
}

#[test]
fn a_name_has_one_owner() {
    let mut draft = Draft::new();
    draft.serve_new(&["a.test", "shared.test"]);
    draft.serve_new(&["b.test", "shared.test"]);
    let (first, verdicts) = draft.build(&Running::default());
    assert_eq!(
        (QuarantineCode::NamesConflict, "names[1]", None),
        quarantine(&verdicts["b.test"])
    );
    assert_eq!(
        (Some("a.test"), None),
        (found(&first, "shared.test"), found(&first, "b.test"))
    );

    // The name is free again, so the same document can be served.
    draft.serve_new(&["a.test"]);
    let (second, verdicts) = draft.build(&first);
    assert_eq!(SiteVerdict::Running, verdicts["b.test"]);
    assert_eq!(Some("b.test"), found(&second, "shared.test"));
}

#[test]
fn a_quarantined_name_is_not_served_by_a_wildcard_or_the_default_site() {
    let mut draft = Draft::new();
    draft.serve_new(&["*.a.test"]);
    let mut broken = draft.site(&["b.test", "team.a.test"]);
    broken.pool = Hash::of("no such part");
    draft.serve(broken);
    draft.root.default_site = Some("*.a.test".to_owned());
    let (running, _) = draft.build(&Running::default());
    assert_eq!(None, found(&running, "team.a.test"));
    for (host, is_served) in [("b.test", false), ("team.a.test", false), ("c.test", true)] {
        assert_eq!(is_served, site_of_hello(&running, host).is_some(), "{host}");
    }
    assert_eq!(Some("*.a.test"), found(&running, "other.a.test"));
}

#[test]
fn the_default_site_accepts_unknown_names() {
    let mut draft = Draft::new();
    draft.serve_new(&["a.test"]);
    draft.root.default_site = Some("a.test".to_owned());
    let running = draft.run();
    assert_eq!(Some("a.test"), site_of_hello(&running, "none.test"));
    assert_eq!(None, found(&running, "none.test"));
}

#[test]
fn the_hsts_header_is_formatted() {
    let policy = Hsts {
        names: vec![],
        max_age_s: 31_536_000,
        include_subdomains: true,
        preload: true,
    };
    let value = crate::site::SiteHsts::new(policy).value;
    assert_eq!(
        b"max-age=31536000; includeSubDomains; preload".as_slice(),
        value
    );
}
