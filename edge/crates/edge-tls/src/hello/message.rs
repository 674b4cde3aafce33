//! Parsing the `ClientHello` message (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), as far as the choice needs it.

use std::net::IpAddr;

use edge_contract::bounds::MAX_HOST_NAME;
use rustls::pki_types::DnsName;

use crate::alert::{Alert, Violation};
use crate::reader::Reader;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const PSK_KEY_EXCHANGE_MODES: u16 = 45;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;
const HOST_NAME: u8 = 0;

/// What a client offers, in its order. Numbers are those of the IANA registries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The version field, which is the newest offered version if there is no list (RFC 8446 §4.2.1).
    pub legacy_version: u16,
    /// The versions of the list, if there is one.
    pub versions: Option<Vec<u16>>,
    /// Cipher suites.
    pub suites: Vec<u16>,
    /// Key exchange groups.
    pub groups: Vec<u16>,
    /// The groups of the key shares, if the client sent the extension.
    pub key_shares: Option<Vec<u16>>,
    /// Signature schemes.
    pub signature_schemes: Vec<u16>,
    /// ALPN protocols, if the client sent the extension.
    pub alpn: Option<Vec<Vec<u8>>>,
    /// The lengths of the binders of the sessions that the client offers to resume in TLS 1.3, which are
    /// the lengths of the sessions' hashes (RFC 8446 §4.2.11).
    pub binder_lengths: Vec<usize>,
    /// The server name, in lower case and without a final dot. An IP address is ignored (RFC 6066 §3).
    pub server_name: Option<String>,
}

impl ClientHello {
    /// Whether the client offers a version.
    #[must_use]
    pub fn offers_version(&self, version: u16) -> bool {
        match &self.versions {
            Some(versions) => versions.contains(&version),
            // Without the list a client offers all versions up to this one, at most TLS 1.2.
            None => version <= self.legacy_version.min(0x0303),
        }
    }

    /// Whether the client sent a key share for a group.
    #[must_use]
    pub fn has_share(&self, group: u16) -> bool {
        let shares = self.key_shares.as_deref().unwrap_or_default();
        shares.contains(&group)
    }

    /// Whether a second hello matches, except for what may differ (RFC 8446 §4.1.2).
    pub(crate) fn is_repeated_by(&self, second: &Self) -> bool {
        let alike = Self {
            key_shares: self.key_shares.clone(),
            binder_lengths: self.binder_lengths.clone(),
            ..second.clone()
        };
        *self == alike
    }
}

type Parsed<T> = Result<T, Violation>;

/// The value, or else `decode_error` (RFC 8446 §6.2).
fn decoded<T>(value: Option<T>, detail: &'static str) -> Parsed<T> {
    value.ok_or(Alert::DECODE_ERROR.violation(detail))
}

/// `illegal_parameter` unless the condition holds (RFC 8446 §6.2).
fn allowed(condition: bool, detail: &'static str) -> Parsed<()> {
    if condition {
        Ok(())
    } else {
        Err(Alert::ILLEGAL_PARAMETER.violation(detail))
    }
}

/// Parse the body of a `ClientHello`.
pub(super) fn parse(body: &[u8]) -> Parsed<ClientHello> {
    let mut reader = Reader::new(body);
    let mut hello = ClientHello::default();
    let compressions = read_fixed_part(&mut reader, &mut hello)?;
    // RFC 5246 §7.4.1.2: extensions are optional.
    if !reader.is_empty() {
        let extensions = reader.vector16().filter(|_| reader.is_empty());
        let extensions = decoded(extensions, "the length of the extensions is wrong")?;
        read_extensions(extensions, &mut hello)?;
    }
    check_versions(&hello)?;
    // RFC 8446 §4.1.2: null is the only method in TLS 1.3; RFC 5246 §7.4.1.2: one of several.
    let is_tls13 = hello.versions.is_some() && hello.offers_version(0x0304);
    let is_allowed = compressions == [0] || !is_tls13 && compressions.contains(&0);
    allowed(is_allowed, "the compression methods are not null")?;
    Ok(hello)
}

fn read_fixed_part<'a>(reader: &mut Reader<'a>, hello: &mut ClientHello) -> Parsed<&'a [u8]> {
    const SHORT: &str = "truncated before its extensions";
    hello.legacy_version = decoded(reader.u16(), SHORT)?;
    decoded(reader.take(32), SHORT)?; // random
    let session_id = decoded(reader.vector8(), SHORT)?;
    let fits = (session_id.rest().len() <= 32).then_some(());
    decoded(fits, "a session id of more than 32 bytes")?;
    let suites = decoded(reader.vector16(), SHORT)?.u16_list();
    hello.suites = decoded(suites, "the length of the cipher suites is odd")?;
    let some = (!hello.suites.is_empty()).then_some(());
    decoded(some, "no cipher suites")?;
    let compressions = decoded(reader.vector8(), SHORT)?;
    let some = (!compressions.is_empty()).then(|| compressions.rest());
    decoded(some, "no compression methods")
}

/// RFC 8446 appendix D.5: SSL 3.0 and older are refused, regardless of the list of versions.
fn check_versions(hello: &ClientHello) -> Parsed<()> {
    if hello.versions.is_some() && hello.legacy_version <= 0x0300 {
        let detail = "the version field is that of SSL 3.0 or older";
        return Err(Alert::PROTOCOL_VERSION.violation(detail));
    }
    Ok(())
}

fn read_extensions(mut extensions: Reader<'_>, hello: &mut ClientHello) -> Parsed<()> {
    const SHORT: &str = "a truncated extension";
    let mut seen = Vec::new();
    while !extensions.is_empty() {
        let kind = decoded(extensions.u16(), SHORT)?;
        let content = decoded(extensions.vector16(), SHORT)?;
        seen.push(kind);
        read_extension(kind, content, hello)?;
    }
    if seen.contains(&PRE_SHARED_KEY) && !seen.contains(&PSK_KEY_EXCHANGE_MODES) {
        let detail = "psk_key_exchange_modes is missing"; // RFC 8446 §4.2.9.
        return Err(Alert::MISSING_EXTENSION.violation(detail));
    }
    let is_last = !seen.contains(&PRE_SHARED_KEY) || seen.last() == Some(&PRE_SHARED_KEY);
    allowed(is_last, "pre_shared_key is not the last extension")?; // RFC 8446 §4.2.11
    // RFC 8446 §4.2: not more than one extension of a type.
    allowed(are_distinct(&mut seen), "a duplicate extension")
}

fn are_distinct(numbers: &mut [u16]) -> bool {
    numbers.sort_unstable();
    numbers.windows(2).all(|pair| pair[0] != pair[1])
}

fn read_extension(kind: u16, content: Reader<'_>, hello: &mut ClientHello) -> Parsed<()> {
    match kind {
        SERVER_NAME => read_server_name(content, hello)?,
        SUPPORTED_GROUPS => {
            hello.groups = decoded(list16(content), "supported_groups is malformed")?;
        }
        SIGNATURE_ALGORITHMS => {
            let schemes = list16(content);
            hello.signature_schemes = decoded(schemes, "signature_algorithms is malformed")?;
        }
        ALPN => {
            let protocols = alpn(content);
            hello.alpn = Some(decoded(
                protocols,
                "the list of ALPN protocols is malformed",
            )?);
        }
        SUPPORTED_VERSIONS => {
            let versions = versions(content);
            hello.versions = Some(decoded(versions, "supported_versions is malformed")?);
        }
        PRE_SHARED_KEY => {
            let sessions = sessions(content);
            let (offered, lengths) = decoded(sessions, "pre_shared_key is malformed")?;
            // RFC 8446 §4.2.11: one binder for each.
            let are_bound = lengths.len() == offered;
            allowed(
                are_bound,
                "pre_shared_key has different numbers of binders and identities",
            )?;
            hello.binder_lengths = lengths;
        }
        KEY_SHARE => {
            let shares = decoded(key_shares(content), "key_share is malformed")?;
            // RFC 8446 §4.2.8: not more than one share of a group.
            allowed(are_distinct(&mut shares.clone()), "a duplicate key share")?;
            hello.key_shares = Some(shares);
        }
        RENEGOTIATION_INFO => read_renegotiation(content)?,
        _ => {}
    }
    Ok(())
}

/// RFC 5746 §3.6: `renegotiation_info` is empty in an initial handshake.
fn read_renegotiation(mut content: Reader<'_>) -> Parsed<()> {
    let former = content.vector8().filter(|_| content.is_empty());
    let former = decoded(former, "renegotiation_info is malformed")?;
    if former.is_empty() {
        return Ok(());
    }
    Err(Alert::HANDSHAKE_FAILURE.violation("renegotiation_info is not empty"))
}

/// A vector that fills the extension.
fn complete_vector16(mut content: Reader<'_>) -> Option<Reader<'_>> {
    content.vector16().filter(|_| content.is_empty())
}

/// A list of 16-bit numbers that fills the extension; never empty.
fn list16(content: Reader<'_>) -> Option<Vec<u16>> {
    complete_vector16(content)?
        .u16_list()
        .filter(|list| !list.is_empty())
}

fn versions(mut content: Reader<'_>) -> Option<Vec<u16>> {
    let list = content.vector8().filter(|_| content.is_empty())?;
    list.u16_list().filter(|list| !list.is_empty())
}

fn key_shares(content: Reader<'_>) -> Option<Vec<u16>> {
    let mut shares = complete_vector16(content)?; // An empty list requests a HelloRetryRequest (RFC 8446 §4.2.8).
    let mut groups = Vec::new();
    while !shares.is_empty() {
        groups.push(shares.u16()?);
        shares.vector16().filter(|key| !key.is_empty())?;
    }
    Some(groups)
}

/// The number of offered sessions, and the lengths of the binders.
fn sessions(mut content: Reader<'_>) -> Option<(usize, Vec<usize>)> {
    let mut identities = content.vector16().filter(|list| !list.is_empty())?;
    let mut offered = 0;
    while !identities.is_empty() {
        identities
            .vector16()
            .filter(|identity| !identity.is_empty())?;
        identities.take(4)?; // obfuscated_ticket_age
        offered += 1;
    }
    let mut binders = complete_vector16(content).filter(|list| !list.is_empty())?;
    let mut lengths = Vec::new();
    while !binders.is_empty() {
        lengths.push(binders.vector8()?.rest().len());
    }
    let are_valid = lengths.iter().all(|length| *length >= 32);
    are_valid.then_some((offered, lengths))
}

fn alpn(content: Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut list = complete_vector16(content).filter(|list| !list.is_empty())?;
    let mut protocols = Vec::new();
    while !list.is_empty() {
        let protocol = list.vector8().filter(|name| !name.is_empty())?;
        protocols.push(protocol.rest().to_vec());
    }
    Some(protocols)
}

fn read_server_name(content: Reader<'_>, hello: &mut ClientHello) -> Parsed<()> {
    const MALFORMED: &str = "server_name is malformed";
    let list = complete_vector16(content).filter(|list| !list.is_empty());
    let mut list = decoded(list, MALFORMED)?;
    let mut host = None;
    while !list.is_empty() {
        let kind = decoded(list.u8(), MALFORMED)?;
        let name = decoded(list.vector16().filter(|name| !name.is_empty()), MALFORMED)?;
        if kind == HOST_NAME {
            // RFC 6066 §3: not more than one name of a type.
            let is_first = host.replace(name.rest()).is_none();
            allowed(is_first, "server_name contains two host names")?;
        }
    }
    hello.server_name = match host {
        Some(name) => host_name(name)?,
        None => None,
    };
    Ok(())
}

/// RFC 6066 §3 allows no final dot, but some clients send one.
fn without_dot(name: &[u8]) -> &[u8] {
    match name {
        [rest @ .., b'.'] if !rest.is_empty() => rest,
        _ => name,
    }
}

/// The name in canonical form; `None` for an IP address.
fn host_name(name: &[u8]) -> Parsed<Option<String>> {
    let name = without_dot(name);
    allowed(name.len() <= MAX_HOST_NAME, "server_name is too long")?;
    allowed(!name.contains(&0), "server_name contains a NUL")?;
    allowed(name.is_ascii(), "server_name is not ASCII")?; // RFC 6066 §3: A-labels
    let text = String::from_utf8_lossy(name).to_ascii_lowercase();
    if text.parse::<IpAddr>().is_ok() {
        return Ok(None);
    }
    allowed(
        DnsName::try_from(text.as_str()).is_ok(),
        "server_name is not a host name",
    )?;
    Ok(Some(text))
}
