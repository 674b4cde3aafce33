//! What runs: one snapshot with everything its connections need, immutable once built.

mod build;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use edge_contract::{Hash, Limits, Listener};
use edge_observe::SiteSlots;
use edge_tls::ClientHello;

use crate::destination::{Destination, NameRefusal};
use crate::pool::PoolRuntime;
use crate::site::SiteRuntime;

/// Where names lead that no site has, unless there is a default site.
static UNKNOWN: Destination = Destination::Refused(NameRefusal::Unknown);

/// One snapshot, ready to serve; connections hold the one that they were accepted under.
#[derive(Default)]
pub struct Running {
    /// The root's hash; `None` before the first snapshot.
    pub root: Option<Hash>,
    /// Bounds on what a client may make the edge hold or wait for.
    pub limits: Limits,
    slots: SiteSlots,
    listeners: HashMap<String, Arc<ListenerRuntime>>,
    sites: BTreeMap<String, Arc<SiteRuntime>>,
    /// The pools of those sites.
    pools: HashMap<Hash, Arc<PoolRuntime>>,
    /// What is known of names, be it that they are refused.
    names: HashMap<String, Destination>,
    /// The same of wildcard names, by what follows the `*.`.
    wildcards: HashMap<String, Destination>,
    /// Where the other names lead.
    default: Destination,
}

/// A listener of the snapshot; the same object while its document stays the same.
pub struct ListenerRuntime {
    /// The listener's document.
    pub document: Listener,
}

impl Running {
    /// Where the requests of this snapshot's sites are counted.
    #[must_use]
    pub fn site_slots(&self) -> &SiteSlots {
        &self.slots
    }

    /// Where a connection goes, and the name that decides it: the hello's, or without one our address
    /// that the client connected to.
    #[must_use]
    pub fn destination_of_hello<'a>(
        &self,
        hello: &'a ClientHello,
        local: IpAddr,
    ) -> (&Destination, Cow<'a, str>) {
        let name = match &hello.server_name {
            Some(name) => Cow::Borrowed(name.as_str()),
            None => Cow::Owned(local.to_canonical().to_string()),
        };
        let destination = match self.destination(&name) {
            Destination::Refused(NameRefusal::Unknown) => &self.default,
            known @ (Destination::Site(_) | Destination::Refused(NameRefusal::Quarantined(_))) => {
                known
            }
        };
        (destination, name)
    }

    /// Where a host leads: by its exact name, a wildcard one label above, or as an IP address.
    ///
    /// `host` is in lower case, without port and brackets.
    #[must_use]
    pub fn destination(&self, host: &str) -> &Destination {
        self.names
            .get(host)
            .or_else(|| self.wildcard(host))
            .unwrap_or(&UNKNOWN)
    }

    fn wildcard(&self, host: &str) -> Option<&Destination> {
        // RFC 9525 §6.3: the asterisk stands for exactly one whole left-most label.
        let (label, parent) = host.split_once('.')?;
        let destination = self.wildcards.get(parent)?;
        match destination {
            Destination::Site(_) => is_label(label).then_some(destination),
            Destination::Refused(_) => Some(destination),
        }
    }

    /// Where hosts lead that [`Self::destination`] does not know.
    #[must_use]
    pub fn default_destination(&self) -> &Destination {
        &self.default
    }

    /// The site by its key in `Root.sites`.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&Arc<SiteRuntime>> {
        self.sites.get(id)
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
