//! What servers are told about the client: Forwarded (RFC 7239), its older cousins, and Client-Cert.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::line::field;
use crate::bytes::write_decimal;

/// A client, as the connection shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its address.
    pub address: IpAddr,
    /// The certificate that it has shown and that was verified; DER in base64.
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

/// The client's side of a request, as a server may believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded<'a> {
    /// Who asks.
    pub peer: Peer<'a>,
    /// The authority that the client asked for; it was parsed before.
    pub host: Option<&'a [u8]>,
}

impl Forwarded<'_> {
    /// Append the fields: `Forwarded`, `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`,
    /// and `Client-Cert` (RFC 9440 §2.2) where there is one.
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
            // A byte sequence of RFC 8941 stands between colons.
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

/// What `Display` does, without its cost: most clients come so.
fn write_ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        write_decimal(out, octet.into());
    }
}

/// RFC 7239 §6: an IPv6 address stands in brackets, and those are no token.
fn write_node(out: &mut Vec<u8>, address: IpAddr) {
    if address.is_ipv4() {
        return write_address(out, address);
    }
    out.extend_from_slice(b"\"[");
    write_address(out, address);
    out.extend_from_slice(b"]\"");
}

/// An authority holds no quote and no backslash, so nothing in it needs an escape.
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
    fn all_four_fields_say_the_same() {
        let expected = "Forwarded: for=192.0.2.1;host=a.example;proto=https\r\n\
            X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\
            X-Forwarded-Host: a.example\r\n";
        assert_eq!(expected, written("::ffff:192.0.2.1", Some("a.example")));
    }

    #[test]
    fn a_verified_certificate_is_passed_on() {
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
    fn what_is_no_token_is_quoted() {
        let expected = "Forwarded: for=\"[2001:db8::1]\";host=\"a.example:8443\";proto=https\r\n";
        assert!(written("2001:db8::1", Some("a.example:8443")).starts_with(expected));
        assert!(written("::1", None).starts_with("Forwarded: for=\"[::1]\";proto=https\r\n"));
    }
}
