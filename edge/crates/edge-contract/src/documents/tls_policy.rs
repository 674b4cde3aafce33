//! A TLS policy: what a handshake may end in.

use serde::Serialize;

use super::secrets::{MAX_CERTIFICATE_BYTES, chain_as_base64};

use crate::error::Fault;
use crate::read::{Fields, base64, boolean, distinct, one_of};
use crate::tls_names::{Alpn, CipherSuite, Group, TlsVersion};

const MAX_CLIENT_ROOTS: usize = 64;

/// What a handshake may end in, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TlsPolicy {
    /// Versions of TLS.
    pub versions: Vec<TlsVersion>,
    /// Cipher suites of all versions.
    pub suites: Vec<CipherSuite>,
    /// Key exchange groups.
    pub groups: Vec<Group>,
    /// Application protocols.
    pub alpn: Vec<Alpn>,
    /// Whether sessions may be resumed.
    pub tickets: bool,
    /// DER of the CAs of which a client must show a certificate; none, and it is not asked.
    #[serde(serialize_with = "chain_as_base64")]
    pub client_roots: Vec<Vec<u8>>,
}

impl TlsPolicy {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        let version = one_of(TlsVersion::parse, "a TLS version of this edge");
        let suite = one_of(CipherSuite::parse, "a cipher suite of this edge");
        let group = one_of(Group::parse, "a key exchange group of this edge");
        let protocol = one_of(Alpn::parse, "an application protocol of this edge");
        Ok(Self {
            versions: fields.take("versions", distinct(1..=TlsVersion::ALL.len(), version))?,
            suites: fields.take("suites", distinct(1..=CipherSuite::ALL.len(), suite))?,
            groups: fields.take("groups", distinct(1..=Group::ALL.len(), group))?,
            alpn: fields.take("alpn", distinct(1..=Alpn::ALL.len(), protocol))?,
            tickets: fields.take("tickets", boolean)?,
            client_roots: fields.take(
                "client_roots",
                distinct(0..=MAX_CLIENT_ROOTS, base64(1..=MAX_CERTIFICATE_BYTES)),
            )?,
        })
    }
}
