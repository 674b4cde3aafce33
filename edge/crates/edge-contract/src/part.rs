//! A part: one document of a snapshot, named by its hash.

use std::fmt;

use serde::Serialize;

use crate::error::Fault;
use crate::generated_documents::{
    Certificate, Challenges, Pool, PrivateKey, Site, TicketKey, TlsPolicy, with_part_kinds,
};
use crate::hash::Hash;
use crate::json::Json;
use crate::read::{Fields, text};

macro_rules! part_kinds {
    ($($(#[$about:meta])* $variant:ident = $name:literal $_look_up:ident $is_secret:literal,)*) => {
        /// One document of a snapshot, named by its hash.
        #[derive(Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Part { $($(#[$about])* $variant($variant),)* }

        impl Part {
            fn read(kind: &str, fields: &mut Fields) -> Result<Self, Fault> {
                match kind {
                    $($name => $variant::read(fields).map(Self::$variant),)*
                    _ => Err(Fault::document("is not a known kind").under("kind")),
                }
            }

            /// The kind, as documents spell it.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Whether the part must never be logged, shown or sent back.
            #[must_use]
            pub fn is_secret(&self) -> bool {
                match self { $(Self::$variant(_) => $is_secret,)* }
            }
        }
    };
}

with_part_kinds!(part_kinds);

impl Part {
    /// Read and check a part; its hash is that of its canonical form, however it was spelled.
    pub fn decode(text: &[u8]) -> Result<(Hash, Self), Fault> {
        Self::from_json(Json::decode(text)?)
    }

    /// Check a part that stands inside a request.
    pub fn from_json(json: Json) -> Result<(Hash, Self), Fault> {
        // Values that no document may hold have no canonical form; the reader names their place.
        let canonical = json.canonical();
        let part = Self::of_json(json)?;
        Ok((Hash::of(&canonical?), part))
    }

    fn of_json(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let kind = fields.take("kind", text)?;
        let part = Self::read(&kind, &mut fields)?;
        fields.finish()?;
        Ok(part)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kind alone: a part may be secret.
        write!(formatter, "Part({})", self.kind())
    }
}
