//! A running pool: its servers with the state that all workers share.

use std::sync::Arc;

use edge_contract::{Hash, Pool};

use crate::circuit_breaker::CircuitBreaker;
use crate::connector::{Connector, label};

/// A pool of the snapshot. It is the same object in later snapshots with the same document.
pub struct PoolRuntime {
    /// The hash of its document.
    pub hash: Hash,
    /// Its document.
    pub document: Pool,
    pub(crate) servers: Vec<Arc<ServerRuntime>>,
}

/// One server of a pool.
pub(crate) struct ServerRuntime {
    /// `host:port`, for events.
    pub(crate) label: String,
    /// The pool's id, for events.
    pub(crate) pool: String,
    /// Opens connections to it.
    pub(crate) connector: Connector,
    /// Its circuit breaker.
    pub(crate) breaker: CircuitBreaker,
}

impl PoolRuntime {
    /// Create a pool; all circuit breakers are closed.
    #[must_use]
    pub fn new(hash: Hash, document: Pool) -> Self {
        let server = |server| {
            Arc::new(ServerRuntime {
                label: label(server),
                pool: document.id.clone(),
                connector: Connector::new(server),
                breaker: CircuitBreaker::new(),
            })
        };
        Self {
            hash,
            servers: document.servers.iter().map(server).collect(),
            document,
        }
    }
}
