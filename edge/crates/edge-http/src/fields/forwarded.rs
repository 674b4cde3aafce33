//! Fields for servers about the client: Forwarded (RFC 7239), X-Forwarded-*, and Client-Cert (RFC 9440).

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::line::field;
use crate::bytes::write_decimal;

/// A client's address and certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its address.
    pub address: IpAddr,
    /// The verified certificate; DER in base64.
    pub certificate: Option<&'a str>,
}

impl From<IpAddr> for Peer<'_> {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            certificate: None,
        }
    }
}

/// The client and host of a request, for the fields that servers may trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded<'a> {
    /// The client.
    pub peer: Peer<'a>,
    /// The authority of the request, which must be valid.
    pub host: Option<&'a [u8]>,
}

impl Forwarded<'_> {
    /// Append the fields: `Forwarded`, `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`,
    /// and `Client-Cert` (RFC 9440 §2.2) if there is a certificate.
    pub fn write(&self, out: &mut Vec<u8>) {
        let peer = self.peer.address.to_canonical();
        out.extend_from_slice(b"Forwarded: for=");
        write_node(out, peer);
        if let Some(host) = self.host {
            out.extend_from_slice(b";host=");
            write_quoted_if_needed(out, host);
        }
        out.extend_from_slice(b";proto=https\r\nX-Forwarded-For: ");
        write_address(out, peer);
        out.extend_from_slice(b"\r\nX-Forwarded-Proto: https\r\n");
        if let Some(host) = self.host {
            field(out, b"X-Forwarded-Host", host);
        }
        if let Some(certificate) = self.peer.certificate {
            // A byte sequence of RFC 8941 is enclosed in colons.
            out.extend_from_slice(b"Client-Cert: :");
            out.extend_from_slice(certificate.as_bytes());
            out.extend_from_slice(b":\r\n");
        }
    }
}

fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => write_ipv4(out, address),
        // Writing to a vector cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// The same as `Display`, but faster.
fn write_ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        write_decimal(out, octet.into());
    }
}

/// RFC 7239 §6: an IPv6 address is in brackets, and therefore quoted.
fn write_node(out: &mut Vec<u8>, address: IpAddr) {
    if address.is_ipv4() {
        return write_address(out, address);
    }
    out.extend_from_slice(b"\"[");
    write_address(out, address);
    out.extend_from_slice(b"]\"");
}

/// An authority contains neither quotes nor backslashes, so nothing needs an escape.
fn write_quoted_if_needed(out: &mut Vec<u8>, host: &[u8]) {
    let quote = if host.contains(&b':') {
        b"\"".as_slice()
    } else {
        b""
    };
    out.extend_from_slice(quote);
    out.extend_from_slice(host);
    out.extend_from_slice(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(peer: &str, host: Option<&str>) -> String {
        let mut out = Vec::new();
        let peer = peer.parse::<IpAddr>().unwrap().into();
        Forwarded {
            peer,
            host: host.map(str::as_bytes),
        }
        .write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn all_four_fields_are_written() {
        let expected = "Forwarded: for=192.0.2.1;host=a.example;proto=https\r\n\
            X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\
            X-Forwarded-Host: a.example\r\n";
        assert_eq!(expected, written("::ffff:192.0.2.1", Some("a.example")));
    }

    #[test]
    fn a_verified_certificate_is_forwarded() {
        let address = IpAddr::from([192, 0, 2, 1]);
        let certificate = Some("MA==");
        let mut out = Vec::new();
        let peer = Peer {
            address,
            certificate,
        };
        Forwarded { peer, host: None }.write(&mut out);
        assert!(out.ends_with(b"\r\nClient-Cert: :MA==:\r\n"));
    }

    #[test]
    fn values_that_are_not_tokens_are_quoted() {
        let expected = "Forwarded: for=\"[2001:db8::1]\";host=\"a.example:8443\";proto=https\r\n";
        assert!(written("2001:db8::1", Some("a.example:8443")).starts_with(expected));
        assert!(written("::1", None).starts_with("Forwarded: for=\"[::1]\";proto=https\r\n"));
    }
}
