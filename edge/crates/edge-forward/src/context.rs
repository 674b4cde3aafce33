//! What the handlers of a connection share: the worker, the connection, its site and listener.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use edge_contract::{Hash, Hsts, Limits, Listener, Pool, Timeouts};
use edge_http::{HstsPolicy, Peer};
use edge_observe::{SiteSlot, WorkerObserver};
use edge_tls::{CertificateNames, SiteTls};
use tokio::sync::watch;

use crate::pool::Pools;
use crate::running::Running;

/// What every connection handler of one worker shares; single-threaded.
pub struct WorkerContext {
    /// The newest snapshot; load it for each request, keep none of it over a wait.
    pub running: Arc<ArcSwap<Running>>,
    /// The worker's counters and its way into the event log.
    pub observer: WorkerObserver,
    /// Upstream connections of this worker, by pool hash.
    pub pools: Pools,
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

/// A listener of the snapshot; the same object while its document stays the same.
pub struct ListenerRuntime {
    /// The listener's document.
    pub document: Listener,
}

/// A site that runs: everything its connections and requests need, made once.
pub struct SiteRuntime {
    /// The key of the site in `Root.sites`.
    pub id: String,
    /// The hash of the site's document.
    pub hash: Hash,
    /// The site's names, as in its document.
    pub names: Vec<String>,
    /// Where the site's requests are counted.
    pub slot: SiteSlot,
    /// The site's finished TLS configuration.
    pub tls: SiteTls,
    /// The upstream pool's document.
    pub pool: Arc<Pool>,
    /// The pool's hash: the name under which each worker keeps its connections.
    pub pool_hash: Hash,
    /// The Strict-Transport-Security header that the site sends.
    pub hsts: Option<SiteHsts>,
    /// Whether the redirect from port 80 may be kept by clients.
    pub redirect_cacheable: bool,
    /// The longest body of a request.
    pub body_bytes: u64,
    /// Its own time-outs.
    pub timeouts: Option<Timeouts>,
    /// The ticket keys that its TLS was made with; other keys make another object.
    pub ticket_keys: Vec<Hash>,
}

/// A site's Strict-Transport-Security header, written once.
pub struct SiteHsts {
    /// The policy, to be compared with an upstream's own.
    pub policy: Hsts,
    /// The header's value (RFC 6797 §6.1).
    pub value: Vec<u8>,
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

impl SiteRuntime {
    /// The limits as they hold for this site.
    #[must_use]
    pub fn limits(&self, of_all: &Limits) -> Limits {
        self.timeouts.map_or(*of_all, |own| own.over(of_all))
    }
}

impl SiteHsts {
    /// Write the header's value for a policy.
    #[must_use]
    pub fn new(policy: Hsts) -> Self {
        let mut value = format!("max-age={}", policy.max_age_s);
        if policy.include_subdomains {
            value.push_str("; includeSubDomains");
        }
        if policy.preload {
            value.push_str("; preload");
        }
        Self {
            policy,
            value: value.into_bytes(),
        }
    }

    /// The policy, as far as an upstream's can be compared with it.
    #[must_use]
    pub fn to_compare(&self) -> HstsPolicy {
        HstsPolicy {
            max_age_s: self.policy.max_age_s,
            include_subdomains: self.policy.include_subdomains,
        }
    }
}
