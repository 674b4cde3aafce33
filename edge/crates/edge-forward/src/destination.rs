//! Where a name leads.

use std::sync::Arc;

use crate::site::SiteRuntime;

/// Where the connections and requests for a name go.
///
/// No match over it has a wildcard: another kind of destination is a compile error at each place
/// that has to know of it (docs/why/16).
#[derive(Clone)]
pub enum Destination {
    /// To a site: TLS ends here, and its requests are forwarded.
    Site(Arc<SiteRuntime>),
    /// Nowhere.
    Refused(NameRefusal),
}

/// Why a name leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameRefusal {
    /// No site has it.
    Unknown,
    /// Its site is in quarantine, and no version of it has run: the site's id.
    Quarantined(String),
}

impl Destination {
    /// The site, where TLS ends at one.
    #[must_use]
    pub fn site(&self) -> Option<&Arc<SiteRuntime>> {
        match self {
            Self::Site(site) => Some(site),
            Self::Refused(_) => None,
        }
    }
}

impl Default for Destination {
    fn default() -> Self {
        Self::Refused(NameRefusal::Unknown)
    }
}
