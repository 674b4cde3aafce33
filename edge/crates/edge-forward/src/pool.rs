//! A pool that runs: its servers, and what all workers know of them.

use std::sync::Arc;

use edge_contract::{Hash, Pool};

use crate::connector::{Connector, label};
use crate::health::CircuitBreaker;

/// A pool of the snapshot; the same object for as long as its document stays the same.
pub struct PoolRuntime {
    /// The hash of its document.
    pub hash: Hash,
    /// Its document.
    pub document: Pool,
    pub(crate) servers: Vec<Arc<ServerRuntime>>,
}

/// One of its servers.
pub(crate) struct ServerRuntime {
    /// `host:port`, as events name it.
    pub(crate) label: String,
    /// The pool's id, as events name it.
    pub(crate) pool: String,
    /// How it is reached.
    pub(crate) connector: Connector,
    /// Whether it answers.
    pub(crate) health: CircuitBreaker,
}

impl PoolRuntime {
    /// A pool of whose servers nothing is known yet.
    #[must_use]
    pub fn new(hash: Hash, document: Pool) -> Self {
        let server = |server| {
            Arc::new(ServerRuntime {
                label: label(server),
                pool: document.id.clone(),
                connector: Connector::new(server),
                health: CircuitBreaker::new(),
            })
        };
        Self {
            hash,
            servers: document.servers.iter().map(server).collect(),
            document,
        }
    }
}
