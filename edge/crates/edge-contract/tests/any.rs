//! Properties: decoding never panics, and documents survive a round trip.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::BTreeMap;

use edge_contract::bounds::CONTRACT;
use edge_contract::{
    Alpn, Certificate, Challenges, CipherSuite, FrameReader, Group, Hash, Hsts, HttpChallenge,
    Json, Limits, Listener, Part, Pool, PrivateKey, Request, Role, Root, Server, Site, SiteLimits,
    TicketKey, Timeouts, TlsAlpnChallenge, TlsPolicy, TlsVersion, canonical, encode_frame,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

fn hash() -> impl Strategy<Value = Hash> {
    any::<u64>().prop_map(|seed| Hash::of(&seed.to_string()))
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\\.[a-z]{2,6}",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![host(), "\\*\\.[a-z]{1,8}\\.[a-z]{2,6}"];
    btree_set(name, 1..6).prop_map(|names| names.into_iter().collect())
}

/// Some members of a closed set, at least one.
fn some<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    subsequence(all, 1..=all.len()).prop_shuffle()
}

fn site() -> impl Strategy<Value = Site> {
    let hsts = (names(), 0..1_u64 << 53, any::<bool>(), any::<bool>()).prop_map(
        |(names, max_age_s, include_subdomains, preload)| Hsts {
            names,
            max_age_s,
            include_subdomains,
            preload,
        },
    );
    let limits = (0..1_u64 << 53).prop_map(|body_bytes| {
        let mut limits = SiteLimits::STANDARD;
        limits.body_bytes = body_bytes;
        limits
    });
    let certificates = btree_set(hash(), 1..4).prop_map(|hashes| hashes.into_iter().collect());
    (
        host(),
        names(),
        hash(),
        certificates,
        hash(),
        option::of(hsts),
        any::<bool>(),
        limits,
        option::of(timeouts()),
    )
        .prop_map(
            |(id, names, tls, certificates, pool, hsts, redirect_cacheable, limits, timeouts)| {
                Site {
                    id,
                    names,
                    tls,
                    certificates,
                    pool,
                    hsts,
                    redirect_cacheable,
                    limits,
                    timeouts,
                }
            },
        )
}

fn timeouts() -> impl Strategy<Value = Timeouts> {
    let wait = || 1..=86_400_000_u64;
    let request = option::of(wait());
    (wait(), wait(), wait(), wait(), request, wait()).prop_map(
        |(
            handshake_timeout_ms,
            header_timeout_ms,
            body_timeout_ms,
            idle_timeout_ms,
            request_timeout_ms,
            tunnel_timeout_ms,
        )| Timeouts {
            handshake_timeout_ms,
            header_timeout_ms,
            body_timeout_ms,
            idle_timeout_ms,
            request_timeout_ms,
            tunnel_timeout_ms,
        },
    )
}

fn tls_policy() -> impl Strategy<Value = TlsPolicy> {
    let versions = some(TlsVersion::ALL);
    let client_roots = option::of(btree_set(vec(any::<u8>(), 1..40), 0..4));
    (
        versions,
        some(CipherSuite::ALL),
        some(Group::ALL),
        some(Alpn::ALL),
        any::<bool>(),
        client_roots,
    )
        .prop_map(
            |(versions, suites, groups, alpn, tickets, client_roots)| TlsPolicy {
                versions,
                suites,
                groups,
                alpn,
                tickets,
                client_roots: client_roots.map(|roots| roots.into_iter().collect()),
            },
        )
}

fn pool() -> impl Strategy<Value = Pool> {
    let server = (host(), 1..=u16::MAX).prop_map(|(host, port)| Server { host, port });
    let wait = || 1..=86_400_000_u64;
    (
        "[^\\p{Cc}]{1,40}",
        vec(server, 1..5),
        wait(),
        wait(),
        wait(),
        0..=65_536_u64,
        1..=1_u64 << 20,
    )
        .prop_map(
            |(
                id,
                servers,
                connect_timeout_ms,
                response_timeout_ms,
                idle_timeout_ms,
                idle_per_worker,
                connections_per_worker,
            )| {
                Pool {
                    id,
                    servers,
                    connect_timeout_ms,
                    response_timeout_ms,
                    idle_timeout_ms,
                    idle_per_worker,
                    connections_per_worker,
                }
            },
        )
}

fn part() -> impl Strategy<Value = Part> {
    let der = || vec(any::<u8>(), 1..200);
    let certificate = (names(), vec(der(), 1..4), hash())
        .prop_map(|(names, chain, key)| Part::Certificate(Certificate { names, chain, key }));
    prop_oneof![
        site().prop_map(Part::Site),
        tls_policy().prop_map(Part::TlsPolicy),
        pool().prop_map(Part::Pool),
        certificate,
        der().prop_map(|pkcs8| Part::PrivateKey(PrivateKey { pkcs8 })),
        any::<[u8; 32]>().prop_map(|secret| Part::TicketKey(TicketKey { secret })),
        challenges().prop_map(Part::Challenges),
    ]
}

fn challenges() -> impl Strategy<Value = Challenges> {
    let tls_alpn =
        (host(), hash()).prop_map(|(site, certificate)| TlsAlpnChallenge { site, certificate });
    let http = (host(), "[A-Za-z0-9_-]{1,40}[.][A-Za-z0-9_-]{43}").prop_map(
        |(site, key_authorisation)| HttpChallenge {
            site,
            key_authorisation,
        },
    );
    (
        btree_map(host(), tls_alpn, 0..4),
        btree_map("[A-Za-z0-9_-]{1,40}", http, 0..4),
    )
        .prop_map(|(tls_alpn, http)| Challenges { tls_alpn, http })
}

fn listener() -> impl Strategy<Value = Listener> {
    let role = prop_oneof![Just(Role::Https), Just(Role::Redirect)];
    let ip = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(std::net::IpAddr::from),
        any::<std::net::Ipv6Addr>().prop_map(std::net::IpAddr::from),
    ];
    (role, ip, 1..=u16::MAX, 1..=u16::MAX).prop_map(|(role, ip, port, https_port)| {
        let address = std::net::SocketAddr::new(ip, port);
        Listener {
            id: format!("{}:{address}", role.as_str()),
            role,
            address,
            https_port,
        }
    })
}

fn root() -> impl Strategy<Value = Root> {
    let listeners = vec(listener(), 0..4).prop_map(|listeners| {
        let by_id: BTreeMap<_, _> = listeners
            .into_iter()
            .map(|listener| (listener.id.clone(), listener))
            .collect();
        by_id.into_values().collect::<Vec<_>>()
    });
    let sites = btree_map(host(), hash(), 0..6);
    (
        listeners,
        sites,
        vec(hash(), 0..=8),
        vec(hash(), 0..5),
        any::<bool>(),
        option::of(hash()),
    )
        .prop_map(
            |(listeners, sites, ticket_keys, others, has_default, challenges)| {
                let needed = sites.values().chain(&ticket_keys).chain(&others);
                let needed = needed.chain(&challenges).copied();
                let parts: std::collections::BTreeSet<Hash> = needed.collect();
                Root {
                    contract: CONTRACT,
                    listeners,
                    limits: Limits::default(),
                    default_site: sites.keys().next().filter(|_| has_default).cloned(),
                    parts: parts.into_iter().collect(),
                    sites,
                    ticket_keys,
                    challenges,
                }
            },
        )
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (0..1_u64 << 53).prop_map(Json::Integer),
        any::<String>().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Json::List),
            btree_map(any::<String>(), inner, 0..6).prop_map(Json::Object),
        ]
    })
}

/// The text of a JSON value, which proptest can print; `Json` has no readable `Debug`.
fn spelled(strategy: impl Strategy<Value = Json>) -> impl Strategy<Value = String> {
    strategy.prop_map(|json| serde_json::to_string(&json).unwrap())
}

proptest! {
    /// Decoding any bytes as a document or request does not panic.
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Part::decode(&bytes);
        let _ = Root::decode(&bytes);
        let _ = Request::decode(&bytes);
    }

    /// Decoding any JSON with any verb does not panic.
    #[test]
    fn any_json_is_decoded_or_refused(value in spelled(json()), verb in "put|apply|sockets|hello|events|drain") {
        let request = format!(r#"{{"verb":"{verb}","parts":[{value}],"root":{value},"epoch":1,"base":null}}"#);
        prop_assert!(Request::decode(request.as_bytes()).is_err());
        let _ = Part::decode(value.as_bytes());
    }

    /// The canonical form of a canonical form is itself.
    #[test]
    fn canonical_form_is_a_fixed_point(value in spelled(json())) {
        let once = canonical(&Json::decode(value.as_bytes()).unwrap()).unwrap();
        let again = canonical(&Json::decode(once.as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(once, again);
    }

    /// The canonical form of a part decodes to the same part and hash.
    #[test]
    fn parts_survive_a_round_trip(part in part()) {
        let text = canonical(&part).unwrap();
        let (hash, again) = Part::decode(text.as_bytes()).unwrap();
        prop_assert!(again == part);
        prop_assert_eq!(Hash::of(&text), hash);
    }

    /// The canonical form of a root decodes to the same root.
    #[test]
    fn roots_survive_a_round_trip(root in root()) {
        let text = canonical(&root).unwrap();
        prop_assert_eq!(root, Root::decode(text.as_bytes()).unwrap());
    }

    /// A document with one changed byte is another document or an error; decoding does not panic.
    #[test]
    fn damaged_documents_are_decoded_or_refused(part in part(), position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = canonical(&part).unwrap();
        let mut damaged = text.clone().into_bytes();
        let index = position.index(damaged.len());
        damaged[index] = byte;
        if let Ok((hash, _)) = Part::decode(&damaged) {
            prop_assert_eq!(hash == Hash::of(&text), damaged == text.as_bytes());
        }
    }

    /// Frames survive a round trip, however the stream is split.
    #[test]
    fn frames_survive_a_round_trip(frames in vec(vec(any::<u8>(), 0..50), 0..6), cut in 1_usize..40) {
        let stream: Vec<u8> = frames.iter().flat_map(|frame| encode_frame(frame).unwrap()).collect();
        let mut reader = FrameReader::default();
        let mut out = Vec::new();
        for piece in stream.chunks(cut) {
            reader.push(piece);
            while let Some(frame) = reader.next_frame().unwrap() {
                out.push(frame);
            }
        }
        prop_assert_eq!(frames, out);
        prop_assert!(reader.finish().is_ok());
    }
}
