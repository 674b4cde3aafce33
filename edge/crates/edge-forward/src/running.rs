//! The running snapshot, immutable once built.

mod build;
mod challenges;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use edge_contract::{ChallengeRefused, Hash, HttpChallenge, Limits, Listener};
use edge_observe::SiteSlots;
use edge_tls::ClientHello;

use self::challenges::Challenges;
use crate::destination::{Destination, NameRefusal};
use crate::pool::PoolRuntime;
use crate::site::SiteRuntime;

/// The destination of names that no site has.
static UNKNOWN: Destination = Destination::Refused(NameRefusal::Unknown);

/// The destination of tls-alpn-01 hellos whose name has no pending challenge.
static NO_CHALLENGE: Destination = Destination::Refused(NameRefusal::NoChallenge);

/// One snapshot, ready to serve.
#[derive(Default)]
pub struct Running {
    /// The root's hash; `None` before the first snapshot.
    pub root: Option<Hash>,
    /// The limits of the snapshot.
    pub limits: Limits,
    slots: SiteSlots,
    listeners: HashMap<String, Arc<ListenerRuntime>>,
    sites: BTreeMap<String, Arc<SiteRuntime>>,
    /// The pools of those sites.
    pools: HashMap<Hash, Arc<PoolRuntime>>,
    /// The destinations of exact names, including refused ones.
    names: HashMap<String, Destination>,
    /// The destinations of wildcard names, by the part after `*.`.
    wildcards: HashMap<String, Destination>,
    /// The destination of handshakes with other names.
    default: Destination,
    challenges: Arc<Challenges>,
}

/// A listener of the snapshot. It is the same object in later snapshots with the same document.
pub struct ListenerRuntime {
    /// The listener's document.
    pub document: Listener,
}

impl Running {
    /// The request counters of this snapshot's sites.
    #[must_use]
    pub fn site_slots(&self) -> &SiteSlots {
        &self.slots
    }

    /// The destination of a handshake and the name that it was found by: the server name of the hello, or
    /// the local address if there is none.
    ///
    /// A hello that offers `acme-tls/1` alone gets a challenge or nothing, and no other hello gets one: the
    /// challenge's certificate is not for other clients of the name (RFC 8737 §3).
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
        let destination = if hello.validates_challenge() {
            self.challenges.destination(&name).unwrap_or(&NO_CHALLENGE)
        } else {
            self.destination_or_default(&name)
        };
        (destination, name)
    }

    fn destination_or_default(&self, name: &str) -> &Destination {
        match self.destination(name) {
            Destination::Refused(NameRefusal::Unknown) => &self.default,
            known @ (Destination::Site(_)
            | Destination::Challenge(_)
            | Destination::Refused(
                NameRefusal::Quarantined(_) | NameRefusal::Pending(_) | NameRefusal::NoChallenge,
            )) => known,
        }
    }

    /// The http-01 challenge with a token, for any host: the token is what authorises the client (RFC 8555
    /// §8.3).
    #[must_use]
    pub fn http_challenge(&self, token: &str) -> Option<&HttpChallenge> {
        self.challenges.http(token)
    }

    /// The tls-alpn-01 challenges that cannot be answered, by the name in their hello.
    #[must_use]
    pub fn refused_challenges(&self) -> &BTreeMap<String, ChallengeRefused> {
        self.challenges.refused()
    }

    /// The destination of a host: by its exact name, by a wildcard, or as an IP address.
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
        // RFC 9525 §6.3: the asterisk matches exactly one complete left-most label.
        let (label, parent) = host.split_once('.')?;
        let destination = self.wildcards.get(parent)?;
        match destination {
            Destination::Site(_) => is_label(label).then_some(destination),
            Destination::Challenge(_) | Destination::Refused(_) => Some(destination),
        }
    }

    /// The destination of handshakes with a name that [`Self::destination`] does not know.
    #[must_use]
    pub fn default_destination(&self) -> &Destination {
        &self.default
    }

    /// The site with this key in `Root.sites`.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&Arc<SiteRuntime>> {
        self.sites.get(id)
    }

    /// The listener with this id.
    #[must_use]
    pub fn listener(&self, id: &str) -> Option<&Arc<ListenerRuntime>> {
        self.listeners.get(id)
    }
}

/// Whether a text is a label of a host name. Underscores are accepted, since they occur in practice.
fn is_label(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}
