//! Certificates and what is secret about them; secret parts have no `Debug`, so no log can hold one.

use serde::{Serialize, Serializer};

use super::site::MAX_NAMES;
use crate::error::Fault;
use crate::hash::Hash;
use crate::json::Json;
use crate::names::site_name;
use crate::read::{Fields, base64, hash, list, sorted, to_base64};

const MAX_CHAIN: usize = 100;
pub(super) const MAX_CERTIFICATE_BYTES: usize = 65_536;
const MAX_KEY_BYTES: usize = 16_384;
const TICKET_KEY_BYTES: usize = 32;

/// A chain as it is sent, leaf first, and the part that holds its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// What the leaf covers, in the spelling of `Site.names`.
    pub names: Vec<String>,
    /// DER, leaf first, without the root; base64 in JSON.
    #[serde(serialize_with = "chain_as_base64")]
    pub chain: Vec<Vec<u8>>,
    /// The private key of the leaf.
    pub key: Hash,
}

/// A secret part: PKCS#8 DER; base64 in JSON.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PrivateKey {
    /// The key itself.
    #[serde(serialize_with = "as_base64")]
    pub pkcs8: Vec<u8>,
}

/// A secret part, from which each site's ticket key is derived.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TicketKey {
    /// 32 random bytes; base64 in JSON.
    #[serde(serialize_with = "as_base64")]
    pub secret: [u8; TICKET_KEY_BYTES],
}

impl Certificate {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            names: fields.take("names", sorted(1..=MAX_NAMES, site_name))?,
            chain: fields.take(
                "chain",
                list(1..=MAX_CHAIN, base64(1..=MAX_CERTIFICATE_BYTES)),
            )?,
            key: fields.take("key", hash)?,
        })
    }
}

impl PrivateKey {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            pkcs8: fields.take("pkcs8", base64(1..=MAX_KEY_BYTES))?,
        })
    }
}

impl TicketKey {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            secret: fields.take("secret", ticket_secret)?,
        })
    }
}

fn ticket_secret(json: Json) -> Result<[u8; TICKET_KEY_BYTES], Fault> {
    let bytes = base64(TICKET_KEY_BYTES..=TICKET_KEY_BYTES)(json)?;
    bytes
        .try_into()
        .map_err(|_| Fault::document("is not 32 bytes"))
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_base64(bytes))
}

pub(super) fn chain_as_base64<S: Serializer>(
    chain: &[Vec<u8>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(chain.iter().map(|der| to_base64(der)))
}
