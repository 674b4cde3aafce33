//! What runs: one snapshot with everything its connections need, immutable once built.

mod build;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use edge_contract::{Hash, Limits, Parts, Root, SiteVerdict};
use edge_observe::SiteSlots;

use crate::context::{ListenerRuntime, SiteRuntime};

/// One snapshot, ready to serve; connections hold the one that they were accepted under.
#[derive(Default)]
pub struct Running {
    /// The root's hash; `None` before the first snapshot.
    pub root: Option<Hash>,
    /// Bounds on what a stranger may make the edge hold or wait for.
    pub limits: Limits,
    slots: SiteSlots,
    listeners: HashMap<String, Arc<ListenerRuntime>>,
    sites: BTreeMap<String, Arc<SiteRuntime>>,
    names: HashMap<String, Arc<SiteRuntime>>,
    /// Wildcard names, by what follows the `*.`.
    wildcards: HashMap<String, Arc<SiteRuntime>>,
    /// Names that are refused, by the site in quarantine that they belong to.
    refused: HashMap<String, String>,
    default_site: Option<Arc<SiteRuntime>>,
}

impl Running {
    /// Make a snapshot ready, with what did not change taken from `previous`.
    ///
    /// A site that cannot run is quarantined: its last good version goes on when there is one,
    /// else its names are refused. The other sites run whatever becomes of it.
    #[must_use]
    pub fn build(
        root: &Root,
        hash: Hash,
        parts: &Parts,
        previous: &Self,
    ) -> (Self, BTreeMap<String, SiteVerdict>) {
        build::build(root, hash, parts, previous)
    }

    /// Where the requests of this snapshot's sites are counted.
    #[must_use]
    pub fn site_slots(&self) -> &SiteSlots {
        &self.slots
    }

    /// The site that owns a host: its exact name, a wildcard one label above, or an IP address.
    ///
    /// `host` is in lower case, without port and brackets.
    #[must_use]
    pub fn site_by_name(&self, host: &str) -> Option<&Arc<SiteRuntime>> {
        self.names.get(host).or_else(|| {
            // A site's own name is not its wildcard's because the site is in quarantine.
            (!self.refused.contains_key(host)).then_some(())?;
            // RFC 9525 §6.3: the asterisk stands for exactly one whole left-most label.
            let (label, parent) = host.split_once('.')?;
            is_label(label).then_some(())?;
            self.wildcards.get(parent)
        })
    }

    /// The site that owns an IP address of ours.
    #[must_use]
    pub fn site_by_address(&self, address: IpAddr) -> Option<&Arc<SiteRuntime>> {
        self.names.get(&address.to_canonical().to_string())
    }

    /// The site by its key in `Root.sites`.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&Arc<SiteRuntime>> {
        self.sites.get(id)
    }

    /// The site that answers a host that is no site's, when one is set; those of a site in quarantine
    /// are that site's.
    #[must_use]
    pub fn default_site(&self, host: &str) -> Option<&Arc<SiteRuntime>> {
        let default = self.default_site.as_ref();
        default.filter(|_| self.quarantined_site(host).is_none())
    }

    /// The site in quarantine that a refused name belongs to.
    #[must_use]
    pub fn quarantined_site(&self, host: &str) -> Option<&str> {
        let wildcard = || self.refused.get(&format!("*.{}", host.split_once('.')?.1));
        self.refused.get(host).or_else(wildcard).map(String::as_str)
    }

    /// The listener by its id.
    #[must_use]
    pub fn listener(&self, id: &str) -> Option<&Arc<ListenerRuntime>> {
        self.listeners.get(id)
    }
}

/// Whether a text can be a label of a host's name; an underscore is met where it should not be.
fn is_label(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}
