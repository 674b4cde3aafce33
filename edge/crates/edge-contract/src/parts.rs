//! Look-up of parts by hash and kind.

use std::collections::HashMap;
use std::sync::Arc;

use crate::generated_documents::{
    Certificate, Challenges, Pool, PrivateKey, Site, TicketKey, TlsPolicy, with_part_kinds,
};
use crate::generated_values::QuarantineCode;
use crate::hash::Hash;
use crate::part::Part;

/// Shared parts by hash.
pub type Parts = HashMap<Hash, Arc<Part>>;

/// A reference to a part that does not exist, or is of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartMissing {
    /// No part has that hash.
    Absent(Hash),
    /// The part is of this kind.
    OtherKind(&'static str),
}

impl PartMissing {
    /// The code of the quarantine of a site with such a reference.
    #[must_use]
    pub fn code(&self) -> QuarantineCode {
        match self {
            Self::Absent(_) => QuarantineCode::ReferenceMissing,
            Self::OtherKind(_) => QuarantineCode::PartKindWrong,
        }
    }
}

impl std::fmt::Display for PartMissing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(hash) => write!(formatter, "no part {hash}"),
            Self::OtherKind(kind) => write!(formatter, "the part is a {kind}"),
        }
    }
}

macro_rules! look_ups {
    ($($(#[$about:meta])* $variant:ident = $_name:literal $look_up:ident $_is_secret:literal,)*) => {
        impl Part {
            $(
                /// The part of that hash and kind.
                pub fn $look_up<'a>(parts: &'a Parts, hash: &Hash) -> Result<&'a $variant, PartMissing> {
                    match parts.get(hash).map(Arc::as_ref) {
                        Some(Self::$variant(part)) => Ok(part),
                        Some(other) => Err(PartMissing::OtherKind(other.kind())),
                        None => Err(PartMissing::Absent(*hash)),
                    }
                }
            )*
        }
    };
}

with_part_kinds!(look_ups);
