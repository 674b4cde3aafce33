//! The `ClientHello` message (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2): what a decision needs of it.

use std::net::IpAddr;

use crate::reader::Reader;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const HOST_NAME: u8 = 0;

/// What a client offers, in its order; numbers are those of the IANA registries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The version field, which stands for the offer when there is no list (RFC 8446 §4.2.1).
    pub legacy_version: u16,
    /// The versions of the list, when the client sent one.
    pub versions: Option<Vec<u16>>,
    /// Cipher suites.
    pub suites: Vec<u16>,
    /// Key exchange groups.
    pub groups: Vec<u16>,
    /// The groups that the client already sent a key share for.
    pub key_shares: Vec<u16>,
    /// Signature schemes.
    pub signature_schemes: Vec<u16>,
    /// ALPN protocols, when the client sent the extension.
    pub alpn: Option<Vec<Vec<u8>>>,
    /// The lengths of the binders of the sessions that the client offers to resume in TLS 1.3; each
    /// is the length of its session's hash (RFC 8446 §4.2.11).
    pub binder_lengths: Vec<usize>,
    /// The host name asked for, in lower case and without a final dot; an IP address there counts as
    /// none (RFC 6066 §3).
    pub server_name: Option<String>,
}

impl ClientHello {
    /// Whether the client offers a version.
    #[must_use]
    pub fn offers_version(&self, version: u16) -> bool {
        match &self.versions {
            Some(versions) => versions.contains(&version),
            // Without the list a client offers what it says and all below, up to TLS 1.2.
            None => version <= self.legacy_version.min(0x0303),
        }
    }
}

type Parsed<T> = Result<T, &'static str>;

/// Read the body of a `ClientHello`.
pub(super) fn parse(body: &[u8]) -> Parsed<ClientHello> {
    let mut reader = Reader::new(body);
    let mut hello = read_fixed_part(&mut reader).ok_or("cut short before its extensions")?;
    if hello.suites.is_empty() {
        return Err("no cipher suites");
    }
    if reader.is_empty() {
        return Ok(hello); // RFC 5246 §7.4.1.2: the extensions may be left out.
    }
    let extensions = reader.vector16().filter(|_| reader.is_empty());
    read_extensions(
        extensions.ok_or("the length of the extensions is wrong")?,
        &mut hello,
    )?;
    Ok(hello)
}

fn read_fixed_part(reader: &mut Reader<'_>) -> Option<ClientHello> {
    let legacy_version = reader.u16()?;
    reader.take(32)?; // random
    let session_id = reader.vector8()?;
    let suites = reader.vector16()?.u16_list()?;
    let compressions = reader.vector8()?;
    let fits = session_id.rest().len() <= 32 && !compressions.is_empty();
    fits.then(|| ClientHello {
        legacy_version,
        suites,
        ..ClientHello::default()
    })
}

fn read_extensions(mut extensions: Reader<'_>, hello: &mut ClientHello) -> Parsed<()> {
    let mut seen = Vec::new();
    while !extensions.is_empty() {
        let kind = extensions.u16().ok_or("an extension is cut short")?;
        let content = extensions.vector16().ok_or("an extension is cut short")?;
        seen.push(kind);
        read_extension(kind, content, hello)?;
    }
    // RFC 8446 §4.2: not more than one extension of a type.
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        Err("an extension is there twice")
    } else {
        Ok(())
    }
}

fn read_extension(kind: u16, content: Reader<'_>, hello: &mut ClientHello) -> Parsed<()> {
    match kind {
        SERVER_NAME => read_server_name(content, hello).ok_or("server_name is malformed")?,
        SUPPORTED_GROUPS => {
            hello.groups = list16(content).ok_or("supported_groups is malformed")?;
        }
        SIGNATURE_ALGORITHMS => {
            hello.signature_schemes = list16(content).ok_or("signature_algorithms is malformed")?;
        }
        ALPN => hello.alpn = Some(alpn(content).ok_or("the list of ALPN protocols is malformed")?),
        SUPPORTED_VERSIONS => {
            hello.versions = Some(versions(content).ok_or("supported_versions is malformed")?);
        }
        PRE_SHARED_KEY => {
            hello.binder_lengths = binder_lengths(content).ok_or("pre_shared_key is malformed")?;
        }
        KEY_SHARE => hello.key_shares = key_shares(content).ok_or("key_share is malformed")?,
        _ => {}
    }
    Ok(())
}

/// A vector that fills the whole extension.
fn whole16(mut content: Reader<'_>) -> Option<Reader<'_>> {
    content.vector16().filter(|_| content.is_empty())
}

/// A list of 16-bit numbers that fills the whole extension; never empty.
fn list16(content: Reader<'_>) -> Option<Vec<u16>> {
    whole16(content)?.u16_list().filter(|list| !list.is_empty())
}

fn versions(mut content: Reader<'_>) -> Option<Vec<u16>> {
    let list = content.vector8().filter(|_| content.is_empty())?;
    list.u16_list().filter(|list| !list.is_empty())
}

fn key_shares(content: Reader<'_>) -> Option<Vec<u16>> {
    let mut shares = whole16(content)?; // An empty list asks for a HelloRetryRequest (RFC 8446 §4.2.8).
    let mut groups = Vec::new();
    while !shares.is_empty() {
        groups.push(shares.u16()?);
        shares.vector16().filter(|key| !key.is_empty())?;
    }
    Some(groups)
}

fn binder_lengths(mut content: Reader<'_>) -> Option<Vec<usize>> {
    let mut identities = content.vector16().filter(|list| !list.is_empty())?;
    let mut offered = 0;
    while !identities.is_empty() {
        identities
            .vector16()
            .filter(|identity| !identity.is_empty())?;
        identities.take(4)?; // obfuscated_ticket_age
        offered += 1;
    }
    let mut binders = whole16(content)?;
    let mut lengths = Vec::new();
    while !binders.is_empty() {
        lengths.push(binders.vector8()?.rest().len());
    }
    let is_whole = lengths.len() == offered && lengths.iter().all(|length| *length >= 32);
    is_whole.then_some(lengths)
}

fn alpn(content: Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut list = whole16(content).filter(|list| !list.is_empty())?;
    let mut protocols = Vec::new();
    while !list.is_empty() {
        let protocol = list.vector8().filter(|name| !name.is_empty())?;
        protocols.push(protocol.rest().to_vec());
    }
    Some(protocols)
}

fn read_server_name(content: Reader<'_>, hello: &mut ClientHello) -> Option<()> {
    let mut list = whole16(content).filter(|list| !list.is_empty())?;
    let mut host = None;
    while !list.is_empty() {
        let kind = list.u8()?;
        let name = list.vector16().filter(|name| !name.is_empty())?;
        if kind == HOST_NAME && host.replace(name.rest()).is_some() {
            return None; // RFC 6066 §3: not more than one name of a type.
        }
    }
    let is_name = |name: &String| name.parse::<IpAddr>().is_err();
    hello.server_name = host.map(without_dot).map(lower_case).filter(is_name);
    Some(())
}

/// RFC 6066 §3 has no dot at the end, and clients that are given one send it nevertheless.
fn without_dot(name: &[u8]) -> &[u8] {
    match name {
        [rest @ .., b'.'] if !rest.is_empty() => rest,
        _ => name,
    }
}

/// The name as it is compared and shown; what is no ASCII stays visible as what it is not.
fn lower_case(name: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(name).into_owned();
    text.make_ascii_lowercase();
    text
}
