//! The reply to `apply`: the parts that are missing, or the state of sites and listeners.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::generated_values::{ListenerState, QuarantineCode};
use crate::hash::Hash;

/// The reply to a valid `apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Receipt {
    /// Nothing was changed: parts must be `put` first.
    Missing {
        /// The hash of the snapshot.
        root: Hash,
        /// Parts that the edge does not have.
        missing: Vec<Hash>,
    },
    /// The snapshot is running.
    Applied {
        /// The hash of the snapshot.
        root: Hash,
        /// Always empty.
        missing: [Hash; 0],
        /// By site id.
        sites: BTreeMap<String, SiteVerdict>,
        /// By listener id.
        listeners: BTreeMap<String, ListenerState>,
        /// The tls-alpn-01 challenges that cannot be answered, by the name in their hello.
        refused_challenges: BTreeMap<String, ChallengeRefused>,
    },
}

/// Why a challenge cannot be answered with what was given for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChallengeRefused {
    /// The cause.
    pub code: QuarantineCode,
    /// The place, as seen from the challenge: `certificate.key`.
    pub path: String,
    /// The cause in words, without the place.
    pub message: String,
}

/// The state of a site after an apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SiteVerdict {
    /// The site runs as in the snapshot.
    Running,
    /// The site has no certificate yet: its names are refused.
    Pending,
    /// The site cannot be served as in the snapshot. Other sites are not affected.
    Quarantined {
        /// The cause.
        code: QuarantineCode,
        /// The path of the cause from the site's document, such as `certificates[0].key`.
        path: String,
        /// The cause as text, without the path.
        message: String,
        /// The last good version, which is served instead. Without one, the site's names are refused.
        serves: Option<Hash>,
    },
}
