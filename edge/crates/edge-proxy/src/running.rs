//! What runs: one snapshot with everything its connections need, immutable once built.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use edge_snapshot::{Hash, Limits};

use crate::context::{ListenerRuntime, SiteRuntime};

/// One snapshot, ready to serve; connections hold the one that they were accepted under.
pub struct Running {
    /// The root's hash; `None` before the first snapshot.
    pub root: Option<Hash>,
    /// Bounds on what a stranger may make the edge hold or wait for.
    pub limits: Limits,
    listeners: HashMap<String, Arc<ListenerRuntime>>,
    sites: HashMap<String, Arc<SiteRuntime>>,
    names: HashMap<String, Arc<SiteRuntime>>,
    /// Wildcard names, by what follows the `*.`.
    wildcards: HashMap<String, Arc<SiteRuntime>>,
    default_site: Option<Arc<SiteRuntime>>,
}

impl Running {
    /// The site that owns a host: its exact name, a wildcard one label above, or an IP address.
    ///
    /// `host` is in lower case, without port and brackets.
    pub fn site_by_name(&self, host: &str) -> Option<&Arc<SiteRuntime>> {
        self.names.get(host).or_else(|| self.site_by_wildcard(host))
    }

    fn site_by_wildcard(&self, host: &str) -> Option<&Arc<SiteRuntime>> {
        // RFC 9525 §6.3: the asterisk stands for exactly one whole left-most label.
        let (_, parent) = host.split_once('.')?;
        self.wildcards.get(parent)
    }

    /// The site that owns an IP address of ours.
    pub fn site_by_address(&self, address: IpAddr) -> Option<&Arc<SiteRuntime>> {
        self.names.get(&address.to_canonical().to_string())
    }

    /// The site by its key in `Root.sites`.
    pub fn site(&self, id: &str) -> Option<&Arc<SiteRuntime>> {
        self.sites.get(id)
    }

    /// The site that answers unknown names, when one is set.
    pub fn default_site(&self) -> Option<&Arc<SiteRuntime>> {
        self.default_site.as_ref()
    }

    /// The listener by its id.
    pub fn listener(&self, id: &str) -> Option<&Arc<ListenerRuntime>> {
        self.listeners.get(id)
    }
}
