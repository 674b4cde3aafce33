//! The contract's documents and how they are read.
//!
//! Written by `make contract` from `src/port443/core/contract`.
#![allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::match_same_arms,
    reason = "the words are those of the Python side, which documents what a name does not say"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::error::Fault;
use crate::generated_values::{Alpn, CipherSuite, Group, Role, TlsVersion};
use crate::hash::Hash;
use crate::names::{
    check_site_name, check_token, id, key_authorisation, site_name, socket_address, upstream_host,
};
use crate::read::{
    Fields, all_base64, all_base64_or_null, as_base64, base64, base64_array, boolean, distinct, hash,
    integer, list, map, nullable, object, one_of, port, sorted, text,
};

/// One address that the edge accepts connections on.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Listener {
    /// `role:address`, so that another address is another listener.
    pub id: String,
    /// Its protocol.
    pub role: Role,
    /// `192.0.2.1:443` or `[2001:db8::1]:443`.
    pub address: SocketAddr,
    /// The port that clients use for https; redirects and the readable 400 name it.
    pub https_port: u16,
}

impl Listener {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", text)?,
            role: fields.take("role", one_of(Role::parse, "the protocol of a listener"))?,
            address: fields.take("address", socket_address)?,
            https_port: fields.take("https_port", port)?,
        })
    }
}

/// Bounds on what a client may make the edge hold or wait for; milliseconds and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Limits {
    pub handshake_timeout_ms: u64,
    /// The timeout of a whole header, from its first byte.
    pub header_timeout_ms: u64,
    /// The longest silence in the middle of a body, in either direction.
    pub body_timeout_ms: u64,
    /// The longest silence between two requests.
    pub idle_timeout_ms: u64,
    /// The limit of a request from its header to the response's last byte; without it a flowing
    /// body is unlimited.
    pub request_timeout_ms: Option<u64>,
    /// The longest silence of a connection that was upgraded.
    pub tunnel_timeout_ms: u64,
    pub connections_per_worker: u64,
    /// Connections of one client on one worker: an IPv4 address, or the /64 of an IPv6 one.
    pub connections_per_address: u64,
    /// New connections to https that one worker takes from one client in the long run.
    pub handshakes_per_second: u64,
    /// The most handshakes in a burst.
    pub handshakes_burst: u64,
    pub hello_bytes: u64,
    pub hello_timeout_ms: u64,
    pub header_bytes: u64,
    /// The longest header line, and the longest target of a request.
    pub header_line_bytes: u64,
    pub header_fields: u64,
    pub drain_timeout_ms: u64,
}

impl Limits {
    /// What holds when nothing else is asked for.
    pub const STANDARD: Self = Self {
        handshake_timeout_ms: 10_000,
        header_timeout_ms: 10_000,
        body_timeout_ms: 60_000,
        idle_timeout_ms: 75_000,
        request_timeout_ms: None,
        tunnel_timeout_ms: 3_600_000,
        connections_per_worker: 16_384,
        connections_per_address: 4_096,
        handshakes_per_second: 200,
        handshakes_burst: 2_000,
        hello_bytes: 65_536,
        hello_timeout_ms: 5_000,
        header_bytes: 65_536,
        header_line_bytes: 16_384,
        header_fields: 128,
        drain_timeout_ms: 10_000,
    };

    /// These with other values for what [`Timeouts`] holds.
    #[must_use]
    pub fn with(self, own: Timeouts) -> Self {
        Self {
            handshake_timeout_ms: own.handshake_timeout_ms,
            header_timeout_ms: own.header_timeout_ms,
            body_timeout_ms: own.body_timeout_ms,
            idle_timeout_ms: own.idle_timeout_ms,
            request_timeout_ms: own.request_timeout_ms,
            tunnel_timeout_ms: own.tunnel_timeout_ms,
            ..self
        }
    }

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            handshake_timeout_ms: fields.take("handshake_timeout_ms", integer(1..=86_400_000))?,
            header_timeout_ms: fields.take("header_timeout_ms", integer(1..=86_400_000))?,
            body_timeout_ms: fields.take("body_timeout_ms", integer(1..=86_400_000))?,
            idle_timeout_ms: fields.take("idle_timeout_ms", integer(1..=86_400_000))?,
            request_timeout_ms: fields.take("request_timeout_ms", nullable(integer(1..=86_400_000)))?,
            tunnel_timeout_ms: fields.take("tunnel_timeout_ms", integer(1..=86_400_000))?,
            connections_per_worker: fields.take("connections_per_worker", integer(1..=1_048_576))?,
            connections_per_address: fields.take("connections_per_address", integer(1..=1_048_576))?,
            handshakes_per_second: fields.take("handshakes_per_second", integer(1..=1_000_000))?,
            handshakes_burst: fields.take("handshakes_burst", integer(1..=1_000_000))?,
            hello_bytes: fields.take("hello_bytes", integer(1..=16_777_216))?,
            hello_timeout_ms: fields.take("hello_timeout_ms", integer(1..=86_400_000))?,
            header_bytes: fields.take("header_bytes", integer(1..=16_777_216))?,
            header_line_bytes: fields.take("header_line_bytes", integer(1..=16_777_216))?,
            header_fields: fields.take("header_fields", integer(1..=65_535))?,
            drain_timeout_ms: fields.take("drain_timeout_ms", integer(1..=86_400_000))?,
        })
    }
}

/// The snapshot: the root document, whose hash names what is running.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Root {
    pub contract: u64,
    pub listeners: Vec<Listener>,
    pub limits: Limits,
    /// Site id → hash of its Site part.
    pub sites: BTreeMap<String, Hash>,
    /// The site that answers a hello with an unknown name or none; without one such hellos are
    /// refused.
    pub default_site: Option<String>,
    /// Newest first: the first encrypts, all decrypt.
    pub ticket_keys: Vec<Hash>,
    /// Every part that the snapshot needs, sorted.
    pub parts: Vec<Hash>,
    /// The ACME challenges that are answered now.
    pub challenges: Option<Hash>,
}

impl Root {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            contract: fields.take("contract", integer(2..=2))?,
            listeners: fields.take("listeners", list(0..=256, object(Listener::read)))?,
            limits: fields.take("limits", object(Limits::read))?,
            sites: fields.take("sites", map(100_000, check_site_name, hash))?,
            default_site: fields.take("default_site", nullable(site_name))?,
            ticket_keys: fields.take("ticket_keys", list(0..=8, hash))?,
            parts: fields.take("parts", sorted(0..=500_000, hash))?,
            challenges: fields.take("challenges", nullable(hash))?,
        })
    }
}

/// A Strict-Transport-Security header (RFC 6797), and the names that get it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Hsts {
    pub names: Vec<String>,
    pub max_age_s: u64,
    pub include_subdomains: bool,
    pub preload: bool,
}

impl Hsts {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            max_age_s: fields.take("max_age_s", integer(0..=9_007_199_254_740_991))?,
            include_subdomains: fields.take("include_subdomains", boolean)?,
            preload: fields.take("preload", boolean)?,
        })
    }
}

/// Limits on the clients of one site; the site's settings have their names, without `_bytes`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct SiteLimits {
    /// The longest body of a request; a longer one is answered with 413.
    pub body_bytes: u64,
    /// Concurrent requests, WebSockets only until they are open; one more is answered with 503.
    pub requests: Option<u64>,
}

impl SiteLimits {
    /// What holds when nothing else is asked for.
    pub const STANDARD: Self = Self {
        body_bytes: 104_857_600,
        requests: None,
    };

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            body_bytes: fields.take("body_bytes", integer(0..=9_007_199_254_740_991))?,
            requests: fields.take("requests", nullable(integer(1..=1_048_576)))?,
        })
    }
}

/// The time-outs of clients, of all sites or of one; milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Timeouts {
    pub handshake_timeout_ms: u64,
    /// The timeout of a whole header, from its first byte.
    pub header_timeout_ms: u64,
    /// The longest silence in the middle of a body, in either direction.
    pub body_timeout_ms: u64,
    /// The longest silence between two requests.
    pub idle_timeout_ms: u64,
    /// The limit of a request from its header to the response's last byte; without it a flowing
    /// body is unlimited.
    pub request_timeout_ms: Option<u64>,
    /// The longest silence of a connection that was upgraded.
    pub tunnel_timeout_ms: u64,
}

impl Timeouts {
    /// What holds when nothing else is asked for.
    pub const STANDARD: Self = Self {
        handshake_timeout_ms: 10_000,
        header_timeout_ms: 10_000,
        body_timeout_ms: 60_000,
        idle_timeout_ms: 75_000,
        request_timeout_ms: None,
        tunnel_timeout_ms: 3_600_000,
    };

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            handshake_timeout_ms: fields.take("handshake_timeout_ms", integer(1..=86_400_000))?,
            header_timeout_ms: fields.take("header_timeout_ms", integer(1..=86_400_000))?,
            body_timeout_ms: fields.take("body_timeout_ms", integer(1..=86_400_000))?,
            idle_timeout_ms: fields.take("idle_timeout_ms", integer(1..=86_400_000))?,
            request_timeout_ms: fields.take("request_timeout_ms", nullable(integer(1..=86_400_000)))?,
            tunnel_timeout_ms: fields.take("tunnel_timeout_ms", integer(1..=86_400_000))?,
        })
    }
}

/// A set of names with one policy and one pool behind it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Site {
    pub id: String,
    /// Host names in A-labels, `*.` wildcards of one label, IP addresses without brackets; sorted.
    pub names: Vec<String>,
    pub tls: Hash,
    /// To choose from by the hello. Without any the site's last good version is kept; if it never
    /// had one, it is pending, and its names are refused.
    pub certificates: Vec<Hash>,
    pub pool: Hash,
    pub hsts: Option<Hsts>,
    /// Whether clients may cache the 308 from port 80.
    pub redirect_cacheable: bool,
    pub limits: SiteLimits,
    /// Its own time-outs; those of the limits when there are none.
    pub timeouts: Option<Timeouts>,
}

impl Site {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", site_name)?,
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            tls: fields.take("tls", hash)?,
            certificates: fields.take("certificates", distinct(0..=16, hash))?,
            pool: fields.take("pool", hash)?,
            hsts: fields.take("hsts", nullable(object(Hsts::read)))?,
            redirect_cacheable: fields.take("redirect_cacheable", boolean)?,
            limits: fields.take("limits", object(SiteLimits::read))?,
            timeouts: fields.take("timeouts", nullable(object(Timeouts::read)))?,
        })
    }
}

/// The possible results of a handshake; IANA names, in order of preference.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct TlsPolicy {
    pub versions: Vec<TlsVersion>,
    pub suites: Vec<CipherSuite>,
    pub groups: Vec<Group>,
    pub alpn: Vec<Alpn>,
    pub tickets: bool,
    /// Base64 of DER: the CAs of which a client must show a certificate; empty: no client is
    /// accepted; null: none is requested.
    #[serde(serialize_with = "all_base64_or_null")]
    pub client_roots: Option<Vec<Vec<u8>>>,
}

impl TlsPolicy {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            versions: fields.take("versions", distinct(1..=2, one_of(TlsVersion::parse, "a version of TLS that the edge supports")))?,
            suites: fields.take("suites", distinct(1..=9, one_of(CipherSuite::parse, "a forward-secret AEAD cipher suite")))?,
            groups: fields.take("groups", distinct(1..=5, one_of(Group::parse, "a key exchange group")))?,
            alpn: fields.take("alpn", distinct(1..=2, one_of(Alpn::parse, "an application protocol")))?,
            tickets: fields.take("tickets", boolean)?,
            client_roots: fields.take("client_roots", nullable(distinct(0..=64, base64(1..=65_536))))?,
        })
    }
}

/// One upstream server; `host` is a name or an IP address without brackets.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

impl Server {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            host: fields.take("host", upstream_host)?,
            port: fields.take("port", port)?,
        })
    }
}

/// Upstream servers that can replace each other, used in rotation.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Pool {
    /// Its name in events and counters.
    pub id: String,
    pub servers: Vec<Server>,
    /// The wait for a connection, the look-up of the server's name included.
    pub connect_timeout_ms: u64,
    /// The wait for the first byte of a response.
    pub response_timeout_ms: u64,
    /// How long a silent connection is kept warm.
    pub idle_timeout_ms: u64,
    /// Warm connections that one worker keeps for one server, however few the last seconds needed.
    pub idle_per_worker: u64,
    /// A worker's connections to all servers, idle ones and tunnels too; beyond it the answer is
    /// 503.
    pub connections_per_worker: u64,
}

impl Pool {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", id)?,
            servers: fields.take("servers", list(1..=1_024, object(Server::read)))?,
            connect_timeout_ms: fields.take("connect_timeout_ms", integer(1..=86_400_000))?,
            response_timeout_ms: fields.take("response_timeout_ms", integer(1..=86_400_000))?,
            idle_timeout_ms: fields.take("idle_timeout_ms", integer(1..=86_400_000))?,
            idle_per_worker: fields.take("idle_per_worker", integer(0..=65_536))?,
            connections_per_worker: fields.take("connections_per_worker", integer(1..=1_048_576))?,
        })
    }
}

/// A chain as it is sent, leaf first, and the part that holds its key.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Certificate {
    /// The names of the leaf, in the spelling of `Site.names`.
    pub names: Vec<String>,
    /// Base64 of DER, leaf first, without the root.
    #[serde(serialize_with = "all_base64")]
    pub chain: Vec<Vec<u8>>,
    pub key: Hash,
}

impl Certificate {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            chain: fields.take("chain", list(1..=100, base64(1..=65_536)))?,
            key: fields.take("key", hash)?,
        })
    }
}

/// A secret part: PKCS#8 DER in base64.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PrivateKey {
    #[serde(serialize_with = "as_base64")]
    pub pkcs8: Vec<u8>,
}

impl PrivateKey {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            pkcs8: fields.take("pkcs8", base64(1..=16_384))?,
        })
    }
}

/// A secret part: 32 random bytes in base64, from which each site's ticket key is derived.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TicketKey {
    #[serde(serialize_with = "as_base64")]
    pub secret: [u8; 32],
}

impl TicketKey {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            secret: fields.take("secret", base64_array)?,
        })
    }
}

/// A tls-alpn-01 challenge (RFC 8737): its hello is shown this certificate.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct TlsAlpnChallenge {
    /// The site that the challenge is for; events name it.
    pub site: String,
    pub certificate: Hash,
}

impl TlsAlpnChallenge {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            site: fields.take("site", site_name)?,
            certificate: fields.take("certificate", hash)?,
        })
    }
}

/// An http-01 challenge (RFC 8555 §8.3): its request is answered with this text.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct HttpChallenge {
    /// The site that the challenge is for; events name it.
    pub site: String,
    pub key_authorisation: String,
}

impl HttpChallenge {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            site: fields.take("site", site_name)?,
            key_authorisation: fields.take("key_authorisation", key_authorisation)?,
        })
    }
}

/// The ACME challenges that are answered now, on every listener and whatever runs of their sites.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Challenges {
    /// By the name in the hello: a host name, or the reverse name of an IP address (RFC 8738 §6).
    pub tls_alpn: BTreeMap<String, TlsAlpnChallenge>,
    /// By token.
    pub http: BTreeMap<String, HttpChallenge>,
}

impl Challenges {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            tls_alpn: fields.take("tls_alpn", map(4_096, check_site_name, object(TlsAlpnChallenge::read)))?,
            http: fields.take("http", map(4_096, check_token, object(HttpChallenge::read)))?,
        })
    }
}

macro_rules! with_part_kinds {
    ($then:ident) => {
        $then! {
            /// A set of names with one policy and one pool behind it.
            Site = "site" site false,
            /// The possible results of a handshake; IANA names, in order of preference.
            TlsPolicy = "tls_policy" tls_policy false,
            /// Upstream servers that can replace each other, used in rotation.
            Pool = "pool" pool false,
            /// A chain as it is sent, leaf first, and the part that holds its key.
            Certificate = "certificate" certificate false,
            /// A secret part: PKCS#8 DER in base64.
            PrivateKey = "private_key" private_key true,
            /// A secret part: 32 random bytes in base64, from which each site's ticket key is
            /// derived.
            TicketKey = "ticket_key" ticket_key true,
            /// The ACME challenges that are answered now, on every listener and whatever runs of
            /// their sites.
            Challenges = "challenges" challenges false,
        }
    };
}

pub(crate) use with_part_kinds;
