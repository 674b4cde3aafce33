//! A running site, built when a snapshot is applied.

use std::sync::Arc;

use edge_contract::{Hash, Hsts, Limits, SiteLimits, Timeouts};
use edge_http::HstsPolicy;
use edge_observe::SiteSlot;
use edge_tls::SiteTls;

use crate::pool::PoolRuntime;

/// A running site: everything that its connections and requests need.
pub struct SiteRuntime {
    /// The key of the site in `Root.sites`.
    pub id: String,
    /// The hash of the site's document.
    pub hash: Hash,
    /// The site's names, as in its document.
    pub names: Vec<String>,
    /// The site's request counters.
    pub slot: SiteSlot,
    /// The site's TLS configuration.
    pub tls: SiteTls,
    /// The pool that its requests are forwarded to.
    pub pool: Arc<PoolRuntime>,
    /// The Strict-Transport-Security header that the site sends.
    pub hsts: Option<SiteHsts>,
    /// Whether clients may cache the redirect from plain HTTP.
    pub redirect_cacheable: bool,
    /// The limits of the site.
    pub own_limits: SiteLimits,
    /// The site's own timeouts.
    pub timeouts: Option<Timeouts>,
    /// The ticket keys of its TLS configuration. Other keys require a new object.
    pub ticket_keys: Vec<Hash>,
}

/// A site's Strict-Transport-Security header.
pub struct SiteHsts {
    /// The policy.
    pub policy: Hsts,
    /// The header's value (RFC 6797 §6.1).
    pub value: Vec<u8>,
}

impl SiteRuntime {
    /// The limits of the snapshot with the site's own timeouts.
    #[must_use]
    pub fn limits(&self, of_all: &Limits) -> Limits {
        self.timeouts.map_or(*of_all, |own| of_all.with(own))
    }
}

impl SiteHsts {
    /// Format the header's value for a policy.
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

    /// The policy in the form that can be compared with that of a server's own header.
    #[must_use]
    pub fn to_compare(&self) -> HstsPolicy {
        HstsPolicy {
            max_age_s: self.policy.max_age_s,
            include_subdomains: self.policy.include_subdomains,
        }
    }
}
