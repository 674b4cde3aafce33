//! What an `apply` is answered with: what is missing, or what runs now.

use std::collections::BTreeMap;

use serde::Serialize;

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

/// What became of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerState {
    /// At least one socket accepts.
    Listening,
    /// No socket has been handed over yet.
    WaitingForSockets,
}

/// Why a site is quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineCode {
    /// A reference leads to a part of another kind.
    PartKindWrong,
    /// A reference leads to no part.
    ReferenceMissing,
    /// The site's own id is not its key in the root.
    IdDiffers,
    /// There is no certificate for the site.
    CertificateMissing,
    /// A certificate is no X.509 that can be served.
    CertificateUnreadable,
    /// A private key is no PKCS#8 that can sign.
    KeyUnreadable,
    /// A private key does not belong to its certificate.
    KeyMismatch,
    /// A name belongs to another site.
    NamesConflict,
    /// The policy's versions, suites, groups and the certificates leave nothing to agree on.
    TlsPolicyUnusable,
}

impl QuarantineCode {
    /// Every code.
    pub const ALL: &'static [Self] = &[
        Self::PartKindWrong,
        Self::ReferenceMissing,
        Self::IdDiffers,
        Self::CertificateMissing,
        Self::CertificateUnreadable,
        Self::KeyUnreadable,
        Self::KeyMismatch,
        Self::NamesConflict,
        Self::TlsPolicyUnusable,
    ];

    /// The name in receipts and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PartKindWrong => "part_kind_wrong",
            Self::ReferenceMissing => "reference_missing",
            Self::IdDiffers => "id_differs",
            Self::CertificateMissing => "certificate_missing",
            Self::CertificateUnreadable => "certificate_unreadable",
            Self::KeyUnreadable => "key_unreadable",
            Self::KeyMismatch => "key_mismatch",
            Self::NamesConflict => "names_conflict",
            Self::TlsPolicyUnusable => "tls_policy_unusable",
        }
    }
}
