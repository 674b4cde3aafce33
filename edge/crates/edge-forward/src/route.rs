//! Routing: which site a request belongs to, and whether its connection may be used for it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use edge_contract::RequestRefusal;
use edge_contract::bounds::MAX_HOST_NAME;
use edge_http::{Authority, AuthorityHost};

use crate::context::ConnectionContext;
use crate::destination::{Destination, NameRefusal};
use crate::running::Running;
use crate::site::{SiteHsts, SiteRuntime};

/// A request's site, and whether the response to this host has the site's HSTS header.
#[derive(Clone)]
pub struct Route {
    /// The site.
    pub site: Arc<SiteRuntime>,
    sends_hsts: bool,
}

impl Route {
    /// The site's HSTS header, if it is to be sent.
    #[must_use]
    pub fn hsts(&self) -> Option<&SiteHsts> {
        self.site.hsts.as_ref().filter(|_| self.sends_hsts)
    }

    /// The site of the handshake, for error pages to requests without a valid host.
    #[must_use]
    pub fn of_connection(context: &ConnectionContext) -> Self {
        let running = context.worker.running.load();
        let site = running.site(&context.site.id).unwrap_or(&context.site);
        Self {
            site: Arc::clone(site),
            sends_hsts: false,
        }
    }
}

/// Find the site of a host in the newest snapshot. A host that the connection may not be used for is
/// refused (RFC 9110 §7.4).
///
/// Without a host (HTTP/1.0) it is the name of the handshake.
pub fn route(context: &ConnectionContext, host: Option<&[u8]>) -> Result<Route, RequestRefusal> {
    let running = context.worker.running.load();
    let mut space = [0; MAX_HOST_NAME];
    let host = match (host, &context.server_name) {
        (Some(host), _) => Host::parse(host, &mut space).ok_or(RequestRefusal::HostMalformed)?,
        (None, Some(name)) => Host::Name(name),
        (None, None) => Host::Address(context.local.ip().to_canonical()),
    };
    match host.destination(&running) {
        Destination::Site(site) if context.may_carry(&host.text(), site) => {
            let sends_hsts = site
                .hsts
                .as_ref()
                .is_some_and(|hsts| host.is_among(&hsts.policy.names));
            Ok(Route {
                site: Arc::clone(site),
                sends_hsts,
            })
        }
        Destination::Site(_)
        | Destination::Challenge(_)
        | Destination::Refused(
            NameRefusal::Quarantined(_) | NameRefusal::Pending(_) | NameRefusal::NoChallenge,
        ) => Err(RequestRefusal::Misdirected),
        Destination::Refused(NameRefusal::Unknown) => default_route(context, &running),
    }
}

/// The destination of a host on a port for plain HTTP, where there is no handshake; `None` if it is too
/// long.
#[must_use]
pub fn destination_of<'r>(
    running: &'r Running,
    host: AuthorityHost<'_>,
) -> Option<&'r Destination> {
    let mut space = [0; MAX_HOST_NAME];
    Some(Host::new(host, &mut space)?.destination(running))
}

/// The route for an unknown host: the default site, if the handshake was with that site.
fn default_route(context: &ConnectionContext, running: &Running) -> Result<Route, RequestRefusal> {
    match running.default_destination() {
        Destination::Site(site)
            if site.id == context.site.id && context.satisfies_client_auth(site) =>
        {
            Ok(Route {
                site: Arc::clone(site),
                sends_hsts: false,
            })
        }
        Destination::Site(_) | Destination::Challenge(_) | Destination::Refused(_) => {
            Err(RequestRefusal::Misdirected)
        }
    }
}

/// A host in the form of site names: in lower case, without port, brackets and final dot.
enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> Host<'a> {
    fn parse(text: &[u8], space: &'a mut [u8; MAX_HOST_NAME]) -> Option<Self> {
        Self::new(Authority::parse(text)?.host, space)
    }

    fn new(host: AuthorityHost<'_>, space: &'a mut [u8; MAX_HOST_NAME]) -> Option<Self> {
        match host {
            AuthorityHost::Address(address) => Some(Self::Address(address)),
            AuthorityHost::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let lower = space.get_mut(..name.len())?;
                lower.copy_from_slice(name.as_bytes());
                lower.make_ascii_lowercase();
                std::str::from_utf8(lower).ok().map(Self::Name)
            }
        }
    }

    fn text(&self) -> Cow<'a, str> {
        match *self {
            Self::Name(name) => Cow::Borrowed(name),
            Self::Address(address) => Cow::Owned(address.to_string()),
        }
    }

    fn destination<'r>(&self, running: &'r Running) -> &'r Destination {
        match *self {
            Self::Name(name) => running.destination(name),
            Self::Address(address) => running.destination(&address.to_canonical().to_string()),
        }
    }

    /// Whether a sorted list of names contains it, or a wildcard that covers it.
    fn is_among(&self, names: &[String]) -> bool {
        let Self::Name(host) = self else {
            // RFC 6797 §8.1.1: clients ignore the header for IP addresses.
            return false;
        };
        let holds =
            |order: &dyn Fn(&str) -> Ordering| names.binary_search_by(|name| order(name)).is_ok();
        holds(&|name| name.cmp(host))
            || host.split_once('.').is_some_and(|(_, parent)| {
                let wildcard = || b"*.".iter().chain(parent.as_bytes());
                holds(&|name| name.as_bytes().iter().cmp(wildcard()))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_among(host: &str, names: &[&str]) -> bool {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut space = [0; MAX_HOST_NAME];
        Host::parse(host.as_bytes(), &mut space)
            .unwrap()
            .is_among(&names)
    }

    #[test]
    fn names_match_exactly_or_by_a_wildcard_of_one_label() {
        let names = ["*.b.example", "a.example", "c.example"];
        assert!(is_among("A.example:8443", &names));
        assert!(is_among("a.example.", &names));
        assert!(is_among("x.b.example", &names));
        assert!(!is_among("x.y.b.example", &names));
        assert!(!is_among("b.example", &names));
    }

    #[test]
    fn addresses_have_no_hsts() {
        assert!(!is_among("127.0.0.1", &["127.0.0.1"]));
    }

    #[test]
    fn a_name_that_is_too_long_is_not_a_host() {
        let long = "a.".repeat(126) + "ab";
        assert!(Host::parse(long.as_bytes(), &mut [0; MAX_HOST_NAME]).is_none());
    }
}
