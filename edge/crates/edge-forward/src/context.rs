//! What the handlers of a connection share: the worker, the connection and its site.

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

/// What every connection handler of one worker shares; single-threaded.
pub struct WorkerContext {
    /// The newest snapshot; load it for each request, keep none of it over a wait.
    pub running: Arc<ArcSwap<Running>>,
    /// The worker's counters and its way into the event log.
    pub observer: Rc<WorkerObserver>,
    /// The worker's connections to servers.
    pub pools: WorkerPools,
    /// Turns true once, when connections should end politely.
    pub draining: watch::Receiver<bool>,
}

/// One connection that passed its handshake.
pub struct ConnectionContext {
    /// The worker that accepted it and serves it to its end.
    pub worker: Rc<WorkerContext>,
    /// The site that its handshake chose, as it was then: it lives as long as its connections.
    pub site: Arc<SiteRuntime>,
    /// The client's address.
    pub peer: SocketAddr,
    /// Our address that the client connected to.
    pub local: SocketAddr,
    /// The name that the client's hello asked for, in lower case.
    pub server_name: Option<String>,
    /// The names of the certificate that the client was shown.
    pub certificate_names: CertificateNames,
    /// The certificate that the client had to show; DER in base64.
    pub client_certificate: Option<String>,
}

impl WorkerContext {
    /// A worker without connections.
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
    /// Whether the connection may carry requests for a host of this site (RFC 9110 §7.4).
    ///
    /// The certificate that was shown must cover the host, so that one that was renewed since ends
    /// no connection; a name that no certificate of its site covers is served to whoever has asked
    /// for just that name and has taken what it was shown. Another site must have the policy that
    /// the connection was made under, since its own may demand more of clients. What a policy says
    /// of handshakes does not end those that are past: the site's own connections go on, unless
    /// clients must show a certificate now and this one was not asked for just that.
    #[must_use]
    pub fn may_carry(&self, host: &str, site: &SiteRuntime) -> bool {
        let is_covered = || self.certificate_names.cover(host);
        if self.site.id == site.id {
            self.has_shown_enough(site) && (self.is_made_for(host) || is_covered())
        } else {
            self.is_under_policy_of(site) && is_covered()
        }
    }

    /// The limits of the connection's own site, as they are now.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let running = self.worker.running.load();
        let site = running.site(&self.site.id).unwrap_or(&self.site);
        site.limits(&running.limits)
    }

    /// The client, as its requests' servers hear of it.
    #[must_use]
    pub fn client(&self) -> Peer<'_> {
        Peer {
            address: self.peer.ip(),
            certificate: self.client_certificate.as_deref(),
        }
    }

    /// Whether the client has shown its certificate if its site asks for one by now.
    #[must_use]
    pub fn has_shown_enough(&self, site: &SiteRuntime) -> bool {
        !site.tls.asks_clients() || self.is_under_policy_of(site)
    }

    fn is_under_policy_of(&self, site: &SiteRuntime) -> bool {
        self.site.tls.policy_hash() == site.tls.policy_hash()
    }

    /// Whether the connection's own site is gone, or asks for a certificate that was not shown.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        let running = self.worker.running.load();
        let site = running.site(&self.site.id);
        site.is_none_or(|site| !self.has_shown_enough(site))
    }

    fn is_made_for(&self, host: &str) -> bool {
        match &self.server_name {
            Some(name) => name == host,
            None => self.local.ip().to_canonical().to_string() == host,
        }
    }
}
