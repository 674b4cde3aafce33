//! What the edge answers, by verb.

use serde::Serialize;

use crate::generated_messages::{Draining, EdgeIdentity, EdgeStats, EventsBegin, SocketsSent};
use crate::hash::Hash;
use crate::receipt::Receipt;

/// The answer to a request that was not refused.
#[derive(Serialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each field says its name")]
pub enum Reply {
    Identify(EdgeIdentity),
    Put { stored: Vec<Hash> },
    Apply { receipt: Receipt },
    Sockets { taken: usize },
    TakeSockets(SocketsSent),
    Expect,
    Stats { stats: Box<EdgeStats> },
    Events(EventsBegin),
    Drain(Draining),
    Stop,
}
