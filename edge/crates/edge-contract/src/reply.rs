//! What the edge answers, by verb.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::hash::Hash;
use crate::receipt::Receipt;
use crate::request::SocketName;
use crate::stats::Stats;

/// The answer to a request that was not refused.
#[derive(Serialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each field says its name")]
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

/// Who the edge is, and what runs.
#[derive(Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
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

/// The workers that a listener's sockets are held for.
#[derive(Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct ListenerWorkers {
    pub id: String,
    pub workers: BTreeSet<usize>,
}
