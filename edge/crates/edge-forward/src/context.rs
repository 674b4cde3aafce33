//! The state that the handlers of a connection share: that of the worker, the connection and its site.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use edge_contract::Limits;
use edge_http::Peer;
use edge_observe::WorkerObserver;
use edge_tls::CertificateNames;
use tokio::sync::watch;

use crate::connections::WorkerPools;
use crate::running::Running;
use crate::site::SiteRuntime;

/// The state that all connections of one worker share; single-threaded.
pub struct WorkerContext {
    /// The newest snapshot. Load it for each request, and hold no reference to it across an await.
    pub running: Arc<ArcSwap<Running>>,
    /// The worker's counters and events.
    pub observer: Rc<WorkerObserver>,
    /// The worker's connections to servers.
    pub pools: WorkerPools,
    /// Becomes true when connections should be closed gracefully.
    pub draining: watch::Receiver<bool>,
}

/// One client connection whose handshake has completed.
pub struct ConnectionContext {
    /// The worker that accepted it.
    pub worker: Rc<WorkerContext>,
    /// The site of its handshake, as it was then.
    pub site: Arc<SiteRuntime>,
    /// The client's address.
    pub peer: SocketAddr,
    /// The local address that the client connected to.
    pub local: SocketAddr,
    /// The server name of the client's hello (RFC 6066 §3), in lower case.
    pub server_name: Option<String>,
    /// The names of the certificate that was sent to the client.
    pub certificate_names: CertificateNames,
    /// The client's certificate, if the site requires one; DER in base64.
    pub client_certificate: Option<String>,
}

impl WorkerContext {
    /// Create the context of a worker without connections.
    #[must_use]
    pub fn new(
        running: Arc<ArcSwap<Running>>,
        observer: WorkerObserver,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let observer = Rc::new(observer);
        Self {
            running,
            pools: WorkerPools::new(Rc::clone(&observer)),
            observer,
            draining,
        }
    }
}

impl ConnectionContext {
    /// Whether the connection may be used for requests to a host of this site (RFC 9110 §7.4).
    ///
    /// - The certificate of the handshake must cover the host, or the host is the name of the
    ///   handshake. A certificate that was renewed since makes no difference.
    /// - Another site than that of the handshake must have the same TLS policy, which may require a
    ///   client certificate.
    /// - The site of the handshake may have another TLS policy by now, unless that requires a client
    ///   certificate, which this client was not asked for.
    #[must_use]
    pub fn may_carry(&self, host: &str, site: &SiteRuntime) -> bool {
        let is_covered = || self.certificate_names.cover(host);
        if self.site.id == site.id {
            self.satisfies_client_auth(site) && (self.is_made_for(host) || is_covered())
        } else {
            self.is_under_policy_of(site) && is_covered()
        }
    }

    /// The current limits of the site of the handshake.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let running = self.worker.running.load();
        let site = running.site(&self.site.id).unwrap_or(&self.site);
        site.limits(&running.limits)
    }

    /// The client's address and certificate, for the fields that servers are sent.
    #[must_use]
    pub fn client(&self) -> Peer<'_> {
        Peer {
            address: self.peer.ip(),
            certificate: self.client_certificate.as_deref(),
        }
    }

    /// Whether the client has a verified certificate, if this version of its site requires one.
    #[must_use]
    pub fn satisfies_client_auth(&self, site: &SiteRuntime) -> bool {
        !site.tls.requires_client_certificate() || self.is_under_policy_of(site)
    }

    fn is_under_policy_of(&self, site: &SiteRuntime) -> bool {
        self.site.tls.policy_hash() == site.tls.policy_hash()
    }

    /// Whether the site of the handshake was removed, or requires a client certificate that was not sent.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        let running = self.worker.running.load();
        let site = running.site(&self.site.id);
        site.is_none_or(|site| !self.satisfies_client_auth(site))
    }

    fn is_made_for(&self, host: &str) -> bool {
        match &self.server_name {
            Some(name) => name == host,
            None => self.local.ip().to_canonical().to_string() == host,
        }
    }
}
