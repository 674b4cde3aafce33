//! The root document: what one snapshot consists of.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::timeouts::DAY_MS;
use crate::error::{ErrorCode, Fault};
use crate::hash::Hash;
use crate::json::{Json, canonical};
use crate::names::{check_site_name, site_name, socket_address};
use crate::read::{Fields, hash, integer, list, map, nullable, one_of, port, sorted, text};

/// The version of the contract; independent of the package's version.
pub const CONTRACT: u64 = 1;
const MAX_LISTENERS: usize = 256;
const MAX_SITES: usize = 100_000;
const MAX_PARTS: usize = 500_000;
const MAX_TICKET_KEYS: usize = 8;
const MAX_CONNECTIONS: u64 = 1 << 20;
const MAX_HANDSHAKES: u64 = 1_000_000;
const MAX_FIELDS: u64 = 65_535;
const MAX_BYTES: u64 = 16 << 20;

/// The snapshot, whose hash names what is running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Root {
    /// Always [`CONTRACT`].
    pub contract: u64,
    /// Where connections are accepted.
    pub listeners: Vec<Listener>,
    /// Bounds on what a stranger may make the edge hold or wait for.
    pub limits: Limits,
    /// Site id → hash of its site part.
    pub sites: BTreeMap<String, Hash>,
    /// The site that answers a hello with an unknown name or none.
    pub default_site: Option<String>,
    /// Newest first: the first encrypts, all decrypt.
    pub ticket_keys: Vec<Hash>,
    /// Every part that the snapshot needs, sorted.
    pub parts: Vec<Hash>,
}

/// One address that the edge accepts connections on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// `role:address`, so that another address is another listener.
    pub id: String,
    /// What is spoken there.
    pub role: Role,
    /// `192.0.2.1:443` or `[2001:db8::1]:443`.
    pub address: SocketAddr,
    /// The port that clients use for https; redirects and the readable 400 name it.
    pub https_port: u16,
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// TLS, with HTTP inside.
    Https,
    /// Plain HTTP, answered by redirects to https.
    Redirect,
}

/// Bounds on what a stranger may make the edge hold or wait for; milliseconds and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Connections that one worker holds at once.
    pub connections_per_worker: u64,
    /// What one worker holds for one client: an IPv4 address, or the /64 of an IPv6 one.
    pub connections_per_address: u64,
    /// New connections to https that one worker takes from one client in the long run.
    pub handshakes_per_second: u64,
    /// How many of them may come at once.
    pub handshakes_burst: u64,
    /// The longest `ClientHello`.
    pub hello_bytes: u64,
    /// The longest wait for a whole `ClientHello`.
    pub hello_timeout_ms: u64,
    /// The longest wait for the end of the handshake.
    pub handshake_timeout_ms: u64,
    /// The longest head of a request or response.
    pub header_bytes: u64,
    /// The longest header line, and the longest target of a request.
    pub header_line_bytes: u64,
    /// The most header lines of a head.
    pub header_fields: u64,
    /// The longest wait for a whole head, once it has begun.
    pub header_timeout_ms: u64,
    /// The longest silence in the middle of a body, in either direction.
    pub body_timeout_ms: u64,
    /// The longest silence between two requests.
    pub idle_timeout_ms: u64,
    /// The longest that a request may take from its header to the response's last byte; what flows
    /// has no end without it.
    pub request_timeout_ms: Option<u64>,
    /// The longest silence of a connection that was upgraded.
    pub tunnel_timeout_ms: u64,
    /// How long a drain waits for connections to end.
    pub drain_timeout_ms: u64,
}

impl Root {
    /// Read and check a root document.
    pub fn decode(text: &[u8]) -> Result<Self, Fault> {
        Self::read(Json::decode(text)?)
    }

    /// Check a root document that stands inside a request, and name it.
    pub fn from_json(json: Json) -> Result<(Hash, Self), Fault> {
        // Values that no document may hold have no canonical form; the reader names their place.
        let canonical = json.canonical();
        let root = Self::read(json)?;
        Ok((Hash::of(&canonical?), root))
    }

    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let root = Self {
            contract: fields.take("contract", contract)?,
            listeners: fields.take("listeners", list(0..=MAX_LISTENERS, Listener::read))?,
            limits: fields.take("limits", Limits::read)?,
            sites: fields.take("sites", map(MAX_SITES, check_site_name, hash))?,
            default_site: fields.take("default_site", nullable(site_name))?,
            ticket_keys: fields.take("ticket_keys", list(0..=MAX_TICKET_KEYS, hash))?,
            parts: fields.take("parts", sorted(0..=MAX_PARTS, hash))?,
        };
        fields.finish()?;
        root.check_listeners()?;
        root.check_references()?;
        Ok(root)
    }

    /// The name of the snapshot.
    pub fn hash(&self) -> Result<Hash, Fault> {
        Ok(Hash::of(&canonical(self)?))
    }

    /// The listener of that id.
    #[must_use]
    pub fn listener(&self, id: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.id == id)
    }

    fn check_listeners(&self) -> Result<(), Fault> {
        for (index, listener) in self.listeners.iter().enumerate() {
            if self.listeners[..index]
                .iter()
                .any(|other| other.id == listener.id)
            {
                let fault = Fault::document("stands twice").under("id");
                return Err(fault.at(index).under("listeners"));
            }
        }
        Ok(())
    }

    fn check_references(&self) -> Result<(), Fault> {
        let absent = || Fault::document("is not among the parts");
        if let Some((id, _)) = self.sites.iter().find(|(_, hash)| !self.needs(hash)) {
            return Err(absent().under(id).under("sites"));
        }
        if let Some(index) = self.ticket_keys.iter().position(|hash| !self.needs(hash)) {
            return Err(absent().at(index).under("ticket_keys"));
        }
        match &self.default_site {
            Some(id) if !self.sites.contains_key(id) => {
                Err(Fault::document("is not among the sites").under("default_site"))
            }
            _ => Ok(()),
        }
    }

    fn needs(&self, hash: &Hash) -> bool {
        self.parts.binary_search(hash).is_ok()
    }
}

fn contract(json: Json) -> Result<u64, Fault> {
    match integer(0..=u64::MAX)(json)? {
        CONTRACT => Ok(CONTRACT),
        other => {
            let message = format!("this edge speaks contract {CONTRACT}, not {other}");
            Err(Fault::new(ErrorCode::DocumentInvalid, message))
        }
    }
}

impl Listener {
    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let listener = Self {
            id: fields.take("id", text)?,
            role: fields.take("role", one_of(Role::parse, "https or redirect"))?,
            address: fields.take("address", socket_address)?,
            https_port: fields.take("https_port", port)?,
        };
        fields.finish()?;
        let wanted = format!("{}:{}", listener.role.as_str(), listener.address);
        if listener.id == wanted {
            return Ok(listener);
        }
        Err(Fault::document(format!("should be {wanted:?}: role and address")).under("id"))
    }
}

impl Role {
    /// The name in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Redirect => "redirect",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Https, Self::Redirect]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

impl Limits {
    fn read(json: Json) -> Result<Self, Fault> {
        let bytes = || integer(1..=MAX_BYTES);
        let wait = || integer(1..=DAY_MS);
        let connections = || integer(1..=MAX_CONNECTIONS);
        let handshakes = || integer(1..=MAX_HANDSHAKES);
        let mut fields = Fields::of(json)?;
        let limits = Self {
            connections_per_worker: fields.take("connections_per_worker", connections())?,
            connections_per_address: fields.take("connections_per_address", connections())?,
            handshakes_per_second: fields.take("handshakes_per_second", handshakes())?,
            handshakes_burst: fields.take("handshakes_burst", handshakes())?,
            hello_bytes: fields.take("hello_bytes", bytes())?,
            hello_timeout_ms: fields.take("hello_timeout_ms", wait())?,
            handshake_timeout_ms: fields.take("handshake_timeout_ms", wait())?,
            header_bytes: fields.take("header_bytes", bytes())?,
            header_line_bytes: fields.take("header_line_bytes", bytes())?,
            header_fields: fields.take("header_fields", integer(1..=MAX_FIELDS))?,
            header_timeout_ms: fields.take("header_timeout_ms", wait())?,
            body_timeout_ms: fields.take("body_timeout_ms", wait())?,
            idle_timeout_ms: fields.take("idle_timeout_ms", wait())?,
            request_timeout_ms: fields.take("request_timeout_ms", nullable(wait()))?,
            tunnel_timeout_ms: fields.take("tunnel_timeout_ms", wait())?,
            drain_timeout_ms: fields.take("drain_timeout_ms", wait())?,
        };
        fields.finish()?;
        Ok(limits)
    }
}

impl Limits {
    /// What the planner gives when nothing else is wished.
    pub const STANDARD: Self = Self {
        connections_per_worker: 16_384,
        connections_per_address: 4_096,
        handshakes_per_second: 200,
        handshakes_burst: 2_000,
        hello_bytes: 65_536,
        hello_timeout_ms: 5_000,
        handshake_timeout_ms: 10_000,
        header_bytes: 65_536,
        header_line_bytes: 16_384,
        header_fields: 128,
        header_timeout_ms: 10_000,
        body_timeout_ms: 60_000,
        idle_timeout_ms: 75_000,
        request_timeout_ms: None,
        tunnel_timeout_ms: 3_600_000,
        drain_timeout_ms: 10_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::STANDARD
    }
}
