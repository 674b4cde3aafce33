//! A site that runs: what its connections and requests need, made once at apply.

use std::sync::Arc;

use edge_contract::{Hash, Hsts, Limits, SiteLimits, Timeouts};
use edge_http::HstsPolicy;
use edge_observe::SiteSlot;
use edge_tls::SiteTls;

use crate::pool::PoolRuntime;

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
    /// The servers that its requests are forwarded to.
    pub pool: Arc<PoolRuntime>,
    /// The Strict-Transport-Security header that the site sends.
    pub hsts: Option<SiteHsts>,
    /// Whether the redirect from port 80 may be kept by clients.
    pub redirect_cacheable: bool,
    /// What its clients may have.
    pub own_limits: SiteLimits,
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
