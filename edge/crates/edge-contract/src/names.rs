//! Names and addresses in documents. The crates above rely on these checks.

use std::net::{IpAddr, SocketAddr};

use crate::error::Fault;
use crate::generated_values::bounds::{MAX_ACME_TOKEN, MAX_HOST_LABEL, MAX_HOST_NAME, MAX_ID};
use crate::json::Json;
use crate::read::text;

/// The base64url of a SHA-256.
const THUMBPRINT: usize = 43;

/// Read a site's name: a host name, `*.` and a host name, or an IP address, each in canonical form.
pub(crate) fn site_name(json: Json) -> Result<String, Fault> {
    let name = text(json)?;
    check_site_name(&name).map(|()| name)
}

/// Check that a text is a valid name of a site.
pub(crate) fn check_site_name(name: &str) -> Result<(), Fault> {
    if is_address(name) || is_host_name(name.strip_prefix("*.").unwrap_or(name)) {
        return Ok(());
    }
    Err(Fault::document(format!(
        "{:?} is not a lower-case host name, wildcard or IP address",
        shortened(name)
    )))
}

/// Refuse what is no token of an ACME challenge (RFC 8555 §8.1).
pub(crate) fn check_token(token: &str) -> Result<(), Fault> {
    if (1..=MAX_ACME_TOKEN).contains(&token.len()) && is_base64url(token) {
        return Ok(());
    }
    Err(Fault::document(format!(
        "{:?} is not 1 to {MAX_ACME_TOKEN} characters of base64url",
        shortened(token)
    )))
}

/// Read a token, and behind a dot the SHA-256 thumbprint of an account key (RFC 8555 §8.1).
pub(crate) fn key_authorisation(json: Json) -> Result<String, Fault> {
    let text = text(json)?;
    let is_whole = text.split_once('.').is_some_and(|(token, thumbprint)| {
        check_token(token).is_ok() && thumbprint.len() == THUMBPRINT && is_base64url(thumbprint)
    });
    if is_whole {
        return Ok(text);
    }
    Err(Fault::document("is not a token, a dot and a thumbprint"))
}

/// Read an upstream's host: a host name or an IP address.
pub(crate) fn upstream_host(json: Json) -> Result<String, Fault> {
    let host = text(json)?;
    if is_address(&host) || is_host_name(&host) {
        return Ok(host);
    }
    let shown = shortened(&host);
    Err(Fault::document(format!(
        "{shown:?} is not a lower-case host name or IP address"
    )))
}

/// Read an IP address and port in canonical form.
pub(crate) fn socket_address(json: Json) -> Result<SocketAddr, Fault> {
    let raw = text(json)?;
    let wrong = || Fault::document(format!("{:?} is not IP:PORT", shortened(&raw)));
    let address: SocketAddr = raw.parse().map_err(|_| wrong())?;
    // A zone index is only meaningful on one machine (RFC 4007 §11).
    if address.port() == 0 || address.to_string() != raw || raw.contains('%') {
        return Err(wrong());
    }
    Ok(address)
}

/// Read an identifier: any text of bounded length, not empty, without control characters.
pub(crate) fn id(json: Json) -> Result<String, Fault> {
    let id = text(json)?;
    if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) {
        return Err(Fault::document(format!(
            "must be 1 to {MAX_ID} bytes without control characters"
        )));
    }
    Ok(id)
}

fn is_address(text: &str) -> bool {
    // The canonical form of RFC 5952 §4.
    text.parse::<IpAddr>()
        .is_ok_and(|address| address.to_string() == text)
}

fn is_host_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    // A name whose last label is a number could be read as an IPv4 address (RFC 3986 §3.2.2, RFC 1123 §2.1).
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= MAX_HOST_NAME && !numeric && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_HOST_LABEL).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_base64url(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn shortened(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(80)
        .map_or(text.len(), |(index, _)| index);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host names, wildcards of one label and addresses in canonical form are site names.
    #[test]
    fn site_names_are_accepted() {
        let long = format!("{}.example", "a".repeat(63));
        for name in [
            "localhost",
            "a.b",
            "*.a.b",
            "xn--bcher-kva.example",
            "127.0.0.1",
            "::1",
            &long,
        ] {
            assert_eq!(Ok(()), check_site_name(name), "{name}");
        }
    }

    /// Names in any other form are refused, so that names can be compared byte by byte.
    #[test]
    fn other_forms_are_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = format!("{}example", "abcdefg.".repeat(31));
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "A.b",
            "a_b.c",
            "-a.b",
            "a-.b",
            "*",
            "*.",
            "a.*.b",
            "*.*.b",
            "bücher.example",
            "[::1]",
            "0:0:0:0:0:0:0:1",
            "127.1",
            "256.1.1.1",
            "::1%eth0",
            "a b",
            &long_label,
            &long_name,
        ] {
            assert!(check_site_name(name).is_err(), "{name}");
        }
    }

    /// A key authorisation is a token and a thumbprint, both in the alphabet that paths are safe with.
    #[test]
    fn key_authorisations_are_a_token_and_a_thumbprint() {
        let read = |text: &str| key_authorisation(Json::Text(text.to_owned()));
        let thumbprint = "-".repeat(43);
        let longest = "a".repeat(256);
        for token in ["a", "Zz09-_", &longest] {
            assert_eq!(Ok(()), check_token(token));
            assert!(read(&format!("{token}.{thumbprint}")).is_ok());
        }
        for token in ["", "a/b", "..", "a.b", "a b", "é", &format!("{longest}a")] {
            assert!(check_token(token).is_err(), "{token}");
            assert!(read(&format!("{token}.{thumbprint}")).is_err(), "{token}");
        }
        for thumbprint in ["", "a", &"a".repeat(44), &"/".repeat(43)] {
            assert!(read(&format!("a.{thumbprint}")).is_err(), "{thumbprint}");
        }
    }

    /// A listener's address is in canonical form and has a port.
    #[test]
    fn socket_addresses_are_canonical() {
        let read = |text: &str| socket_address(Json::Text(text.to_owned()));
        for good in ["0.0.0.0:443", "[::]:443", "[2001:db8::1]:8443"] {
            assert_eq!(good, read(good).unwrap().to_string());
        }
        for bad in [
            "0.0.0.0",
            "0.0.0.0:0",
            "0.0.0.0:0443",
            "::1:443",
            "localhost:1",
            "[::0]:1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
