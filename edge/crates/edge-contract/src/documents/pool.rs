//! A pool: upstream servers that can stand in for each other.

use serde::Serialize;

use crate::error::Fault;
use crate::json::Json;
use crate::names::{id, upstream_host};
use crate::read::{Fields, integer, list, port};

const MAX_SERVERS: usize = 1024;
const DAY_MS: u64 = 86_400_000;
const MAX_IDLE: u64 = 65_536;
const MAX_CONNECTIONS: u64 = 1 << 20;

/// Upstream servers that can stand in for each other, taken in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The pool's name in events.
    pub id: String,
    /// The servers, at least one.
    pub servers: Vec<Server>,
    /// The wait for a connection.
    pub connect_timeout_ms: u64,
    /// The wait for the first byte of a response.
    pub response_timeout_ms: u64,
    /// How long a silent connection is kept warm.
    pub idle_timeout_ms: u64,
    /// Warm connections that one worker keeps for one server, however few the last seconds needed.
    pub idle_per_worker: u64,
    /// What one worker holds to all servers together, idle ones and tunnels too.
    pub connections_per_worker: u64,
}

/// One upstream server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
}

impl Pool {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        let wait = || integer(1..=DAY_MS);
        Ok(Self {
            id: fields.take("id", id)?,
            servers: fields.take("servers", list(1..=MAX_SERVERS, Server::read))?,
            connect_timeout_ms: fields.take("connect_timeout_ms", wait())?,
            response_timeout_ms: fields.take("response_timeout_ms", wait())?,
            idle_timeout_ms: fields.take("idle_timeout_ms", wait())?,
            idle_per_worker: fields.take("idle_per_worker", integer(0..=MAX_IDLE))?,
            connections_per_worker: fields
                .take("connections_per_worker", integer(1..=MAX_CONNECTIONS))?,
        })
    }
}

impl Server {
    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let server = Self {
            host: fields.take("host", upstream_host)?,
            port: fields.take("port", port)?,
        };
        fields.finish()?;
        Ok(server)
    }
}
