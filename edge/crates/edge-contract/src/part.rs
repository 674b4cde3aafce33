//! Parts: the documents that a snapshot refers to by hash.

use std::fmt;

use serde::Serialize;

use crate::error::Fault;
use crate::generated_documents::{
    Certificate, Challenges, Pool, PrivateKey, Site, TicketKey, TlsPolicy,
};
use crate::hash::Hash;
use crate::json::Json;
use crate::read::{Fields, text};

/// One document of a snapshot, named by its hash.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Part {
    /// Names with their certificates, policy and pool.
    Site(Site),
    /// The parameters that a handshake may negotiate.
    TlsPolicy(TlsPolicy),
    /// Upstream servers.
    Pool(Pool),
    /// A certificate chain.
    Certificate(Certificate),
    /// Secret: the private key of a chain.
    PrivateKey(PrivateKey),
    /// Secret: a key from which ticket keys are derived.
    TicketKey(TicketKey),
    /// What ACME servers are answered.
    Challenges(Challenges),
}

impl Part {
    /// Decode and check a part. The hash is that of its canonical form.
    pub fn decode(text: &[u8]) -> Result<(Hash, Self), Fault> {
        Self::from_json(Json::decode(text)?)
    }

    /// Check a part that was decoded inside a request.
    pub fn from_json(json: Json) -> Result<(Hash, Self), Fault> {
        // A value with a number that is not allowed has no canonical form; `read` reports its path.
        let canonical = json.canonical();
        let part = Self::read(json)?;
        Ok((Hash::of(&canonical?), part))
    }

    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let kind = fields.take("kind", text)?;
        let part = match kind.as_str() {
            "site" => Self::Site(Site::read(&mut fields)?),
            "tls_policy" => Self::TlsPolicy(TlsPolicy::read(&mut fields)?),
            "pool" => Self::Pool(Pool::read(&mut fields)?),
            "certificate" => Self::Certificate(Certificate::read(&mut fields)?),
            "private_key" => Self::PrivateKey(PrivateKey::read(&mut fields)?),
            "ticket_key" => Self::TicketKey(TicketKey::read(&mut fields)?),
            "challenges" => Self::Challenges(Challenges::read(&mut fields)?),
            _ => return Err(Fault::document("is not a known kind").under("kind")),
        };
        fields.finish()?;
        Ok(part)
    }

    /// The kind, as in documents.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Site(_) => "site",
            Self::TlsPolicy(_) => "tls_policy",
            Self::Pool(_) => "pool",
            Self::Certificate(_) => "certificate",
            Self::PrivateKey(_) => "private_key",
            Self::TicketKey(_) => "ticket_key",
            Self::Challenges(_) => "challenges",
        }
    }

    /// Whether the part is a secret, which must never be logged or sent back.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::PrivateKey(_) | Self::TicketKey(_))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the kind: a part may be secret.
        write!(formatter, "Part({})", self.kind())
    }
}
