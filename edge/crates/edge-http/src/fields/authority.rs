//! The authority of a request: a host and an optional port (RFC 9110 §4.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::{HOST, skip};
use edge_contract::RequestRefusal;
use edge_contract::bounds::MAX_HOST_NAME;

/// A host and an optional port, as in Host, `:authority` or an absolute target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// The host.
    pub host: AuthorityHost<'a>,
    /// The port, if there is one.
    pub port: Option<u16>,
}

/// The host of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityHost<'a> {
    /// An IPv6 address, or an IPv4 one in canonical form.
    Address(IpAddr),
    /// A name as it was sent, in any case.
    Name(&'a str),
}

/// The longest name in bytes, with an optional final dot.
const MAX_NAME_BYTES: usize = MAX_HOST_NAME + 1;

impl<'a> Authority<'a> {
    /// Parse an authority strictly: no user information, no escapes, no empty host.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (host, rest) = match text {
            [b'[', inside @ ..] => bracketed(inside)?,
            _ => named(text)?,
        };
        let port = match rest {
            // RFC 3986 §3.2.3: an empty port is the default port.
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port_of(digits)?),
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both are equivalent (RFC 9110 §4.2.3): an absent port is `default_port`, and a final dot
    /// of a name is ignored (RFC 3986 §3.2.2).
    #[must_use]
    pub fn is_same(&self, other: &Authority<'_>, default_port: u16) -> bool {
        let same_host = match (self.host, other.host) {
            (AuthorityHost::Name(one), AuthorityHost::Name(two)) => {
                without_final_dot(one).eq_ignore_ascii_case(without_final_dot(two))
            }
            (one, two) => one == two,
        };
        let port = |it: &Authority<'_>| it.port.unwrap_or(default_port);
        same_host && port(self) == port(other)
    }
}

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The authority of a request that may be in two fields, which must be equivalent (RFC 9112 §3.2.2, RFC
/// 9113 §8.3.1, RFC 9114 §4.3.1).
pub(crate) fn agreed_authority<'a>(
    first: &'a [u8],
    second: Option<&[u8]>,
    default_port: u16,
) -> Result<&'a [u8], RequestRefusal> {
    let authority = Authority::parse(first).ok_or(RequestRefusal::HostMalformed)?;
    if let Some(second) = second {
        let second = Authority::parse(second).ok_or(RequestRefusal::HostMalformed)?;
        if !authority.is_same(&second, default_port) {
            return Err(RequestRefusal::HostDiffers);
        }
    }
    Ok(without_empty_port(first))
}

/// A valid authority without the colon of an empty port.
pub(crate) fn without_empty_port(authority: &[u8]) -> &[u8] {
    authority.strip_suffix(b":").unwrap_or(authority)
}

fn bracketed(inside: &[u8]) -> Option<(AuthorityHost<'_>, &[u8])> {
    let end = inside.iter().position(|&byte| byte == b']')?;
    let address: Ipv6Addr = std::str::from_utf8(&inside[..end]).ok()?.parse().ok()?;
    Some((
        AuthorityHost::Address(IpAddr::V6(address)),
        &inside[end + 1..],
    ))
}

fn named(text: &[u8]) -> Option<(AuthorityHost<'_>, &[u8])> {
    let end = skip(text, 0, &HOST);
    let name = std::str::from_utf8(&text[..end]).ok()?;
    let dots_apart = !name.starts_with('.') && !name.contains("..");
    if name.is_empty() || end > MAX_NAME_BYTES || !dots_apart {
        return None;
    }
    Some((named_host(name), &text[end..]))
}

/// An IPv4 address ends in a digit (RFC 3986 §3.2.2).
fn named_host(name: &str) -> AuthorityHost<'_> {
    if !name.ends_with(|last: char| last.is_ascii_digit()) {
        return AuthorityHost::Name(name);
    }
    name.parse::<Ipv4Addr>()
        .map_or(AuthorityHost::Name(name), |it| {
            AuthorityHost::Address(it.into())
        })
}

fn port_of(digits: &[u8]) -> Option<u16> {
    // At most five digits: implementations differ in how they parse `:000000443`.
    let number = crate::bytes::decimal(digits).filter(|_| digits.len() <= 5)?;
    u16::try_from(number).ok().filter(|&port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_written(text: &str) -> &str {
        std::str::from_utf8(without_empty_port(text.as_bytes())).unwrap()
    }

    fn host(text: &str) -> Option<String> {
        Authority::parse(text.as_bytes()).map(|authority| match authority.host {
            AuthorityHost::Address(address) => format!("address {address}"),
            AuthorityHost::Name(name) => format!("name {name}"),
        })
    }

    #[test]
    fn hosts_and_ports_are_parsed() {
        assert_eq!(Some("name App.example".into()), host("App.example:8443"));
        assert_eq!(Some("address 127.0.0.1".into()), host("127.0.0.1"));
        assert_eq!(Some("address ::1".into()), host("[::1]:443"));
        for (port, text) in [(Some(443), "[::1]:443"), (None, "[::1]:"), (None, "a:")] {
            let read = Authority::parse(text.as_bytes()).map(|a| a.port);
            assert_eq!(Some(port), read, "{text}");
        }
        assert_eq!(["a", "a", "a:1"], ["a:", "a", "a:1"].map(as_written));
    }

    #[test]
    fn invalid_authorities_are_refused() {
        for text in [
            "",
            ":443",
            "a b",
            "a,b",
            "user@host",
            "host::",
            "host:0",
            "host:65536",
            "host:000443",
            "host:4x",
            "[::1",
            "[::1]x",
            "[v1.x]",
            "a..b",
            ".a",
            "a/b",
            "a%41",
            "é",
            "[127.0.0.1]",
        ] {
            assert_eq!(None, host(text), "{text:?}");
        }
    }

    #[test]
    fn case_final_dot_and_default_port_are_equivalent_but_not_another_port() {
        let one = Authority::parse(b"A.example").unwrap();
        let is_same = |other: &str, default| {
            one.is_same(&Authority::parse(other.as_bytes()).unwrap(), default)
        };
        assert!(is_same("a.EXAMPLE", 443));
        assert!(is_same("a.example:443", 443));
        assert!(!is_same("a.example:443", 80));
        assert!(is_same("a.example:80", 80));
        assert!(is_same("a.example:", 443));
        assert!(is_same("A.example.:443", 443));
        assert!(!is_same("a.example.:80", 443));
        assert!(!is_same("b.example", 443));
    }
}
