//! Where connections and requests for a name go.

use std::sync::Arc;

use crate::challenge::ChallengeRuntime;
use crate::site::SiteRuntime;

/// Where the connections and requests for a name go.
///
/// No `match` over it has a wildcard arm, so that another variant is a compile error wherever it has to be
/// handled (docs/why/16).
#[derive(Clone)]
pub enum Destination {
    /// To a site: TLS is terminated, and requests are forwarded.
    Site(Arc<SiteRuntime>),
    /// The handshake of a tls-alpn-01 challenge, and nothing after it.
    Challenge(Arc<ChallengeRuntime>),
    /// They are refused.
    Refused(NameRefusal),
}

/// Why connections and requests for a name are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameRefusal {
    /// No site has the name.
    Unknown,
    /// The site of the name is in quarantine and has no last good version; the site's id.
    Quarantined(String),
    /// Its site has no certificate yet: the site's id.
    Pending(String),
    /// An ACME server validates it, and no challenge of it is pending.
    NoChallenge,
}

impl Destination {
    /// The site, if the destination is one.
    #[must_use]
    pub fn site(&self) -> Option<&Arc<SiteRuntime>> {
        match self {
            Self::Site(site) => Some(site),
            Self::Challenge(_) | Self::Refused(_) => None,
        }
    }
}

impl Default for Destination {
    fn default() -> Self {
        Self::Refused(NameRefusal::Unknown)
    }
}
