//! What the edge answers, one type a verb.

use std::collections::BTreeSet;

use edge_contract::{Hash, Receipt, SocketName};
use edge_observe::Stats;
use serde::Serialize;

/// Who the edge is, and what runs.
#[derive(Serialize)]
pub(crate) struct Hello {
    pub(crate) verb: &'static str,
    pub(crate) contract: u64,
    pub(crate) version: &'static str,
    pub(crate) boot: String,
    pub(crate) pid: u32,
    pub(crate) workers: usize,
    pub(crate) running: Option<Hash>,
    pub(crate) epoch: u64,
    pub(crate) listeners: Vec<ListenerWorkers>,
    pub(crate) boot_copy_in_memory: bool,
}

/// The workers that a listener's sockets are held for.
#[derive(Serialize)]
pub(crate) struct ListenerWorkers {
    pub(crate) id: String,
    pub(crate) workers: BTreeSet<usize>,
}

/// The other answers.
#[derive(Serialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Reply {
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
