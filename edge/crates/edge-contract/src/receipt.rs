//! What an `apply` is answered with: what is missing, or what runs now.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::generated_values::{ListenerState, QuarantineCode};
use crate::hash::Hash;

/// The answer to an `apply` that was not refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Receipt {
    /// Nothing was changed: these parts must be `put` first.
    Missing {
        /// The snapshot that was to be applied.
        root: Hash,
        /// Parts that the edge does not have.
        missing: Vec<Hash>,
    },
    /// The snapshot runs.
    Applied {
        /// The snapshot.
        root: Hash,
        /// Always empty.
        missing: [Hash; 0],
        /// By site id.
        sites: BTreeMap<String, SiteVerdict>,
        /// By listener id.
        listeners: BTreeMap<String, ListenerState>,
    },
}

/// What became of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SiteVerdict {
    /// The site runs as the snapshot says.
    Running,
    /// The site is broken; the other sites run without it.
    Quarantined {
        /// The cause.
        code: QuarantineCode,
        /// The place, as seen from the site: `certificates[0].key`.
        path: String,
        /// The cause in words, without the place.
        message: String,
        /// The last good version, which goes on; without one the site's names are refused.
        serves: Option<Hash>,
    },
}
