//! The replies of the edge, by verb.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::hash::Hash;
use crate::receipt::Receipt;
use crate::request::SocketName;
use crate::stats::Stats;

/// The reply to a valid request.
#[derive(Serialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub enum Reply {
    Hello(Identity),
    Put {
        stored: Vec<Hash>,
    },
    Apply {
        receipt: Receipt,
    },
    Sockets {
        taken: usize,
    },
    TakeSockets {
        sockets: Vec<SocketName>,
        more: bool,
    },
    Expect,
    Stats {
        stats: Box<Stats>,
    },
    Events {
        boot: String,
        oldest: u64,
    },
    Drain {
        connections: u64,
    },
    Stop,
}

/// The process, its version, and what it runs.
#[derive(Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct Identity {
    pub contract: u64,
    pub version: &'static str,
    pub boot: String,
    pub pid: u32,
    pub workers: usize,
    pub running: Option<Hash>,
    pub epoch: u64,
    pub listeners: Vec<ListenerWorkers>,
    pub boot_copy_in_memory: bool,
}

/// The workers that have a socket of a listener.
#[derive(Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct ListenerWorkers {
    pub id: String,
    pub workers: BTreeSet<usize>,
}
