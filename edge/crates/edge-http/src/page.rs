//! Answers of our own: short plain pages, and the redirect from port 80.

use std::io::Write as _;
use std::net::IpAddr;

use crate::fields::authority::AuthorityHost;
use crate::fields::line::field;
use crate::http1::write::{ConnectionNote, content_length, status_line};
use crate::status::reason_phrase;

/// The media type of every page.
pub const CONTENT_TYPE: &[u8] = b"text/plain; charset=utf-8";
/// Pages tell of a moment, not of a resource, so nobody shall keep them.
pub const CACHE_CONTROL: &[u8] = b"no-store";

/// A short page: the status, and one sentence on what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The sentence.
    pub sentence: &'static str,
}

impl Page {
    /// The page's text.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{} {}\n{}\n",
            self.status,
            reason_phrase(self.status),
            self.sentence
        )
    }
}

/// What goes with an answer of our own on an HTTP/1 connection.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The time (RFC 9110 §6.6.1).
    pub date: &'a [u8],
    /// What the client is told about the connection.
    pub connection: ConnectionNote,
    /// Whether the request was HEAD, which is answered without the body.
    pub is_head: bool,
    /// The site's Strict-Transport-Security value, where the connection has a site.
    pub hsts: Option<&'a [u8]>,
}

/// Append a page as an HTTP/1 response.
pub fn write_page(out: &mut Vec<u8>, page: &Page, reply: &Reply<'_>) {
    status_line(out, page.status, reason_phrase(page.status).as_bytes());
    field(out, b"Cache-Control", CACHE_CONTROL);
    finish(out, &page.text(), reply);
}

/// Write where a request in clear is sent: the same host and path on https.
///
/// The port is left out where it is the default.
pub fn location(out: &mut Vec<u8>, host: AuthorityHost<'_>, port: u16, target: [&[u8]; 2]) {
    // Writing to a vector cannot fail.
    let _ = match host {
        AuthorityHost::Address(IpAddr::V6(address)) => write!(out, "https://[{address}]"),
        AuthorityHost::Address(IpAddr::V4(address)) => write!(out, "https://{address}"),
        AuthorityHost::Name(name) => write!(out, "https://{name}"),
    };
    if port != 443 {
        let _ = write!(out, ":{port}");
    }
    // The asterisk of OPTIONS is no path (RFC 9112 §3.2.4).
    if target.concat() != b"*" {
        out.extend_from_slice(target[0]);
        out.extend_from_slice(target[1]);
    }
}

/// Append the redirect from port 80 to a [`location`].
///
/// 308 keeps method and body (RFC 9110 §15.4.9).
pub fn write_redirect(out: &mut Vec<u8>, location: &[u8], is_cacheable: bool, reply: &Reply<'_>) {
    status_line(out, 308, reason_phrase(308).as_bytes());
    field(out, b"Location", location);
    if !is_cacheable {
        field(out, b"Cache-Control", CACHE_CONTROL);
    }
    finish(
        out,
        "308 Permanent Redirect\nThis site is served over https.\n",
        reply,
    );
}

fn finish(out: &mut Vec<u8>, text: &str, reply: &Reply<'_>) {
    field(out, b"Content-Type", CONTENT_TYPE);
    content_length(out, text.len() as u64);
    if let Some(hsts) = reply.hsts {
        field(out, b"Strict-Transport-Security", hsts);
    }
    field(out, b"Date", reply.date);
    reply.connection.write(out);
    out.extend_from_slice(b"\r\n");
    if !reply.is_head {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::authority::Authority;

    const REPLY: Reply<'_> = Reply {
        date: b"Sun, 06 Nov 1994 08:49:37 GMT",
        connection: ConnectionNote::Close,
        is_head: false,
        hsts: None,
    };

    fn text(out: Vec<u8>) -> String {
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_has_its_length_and_its_sentence() {
        let mut out = Vec::new();
        write_page(
            &mut out,
            &Page {
                status: 502,
                sentence: "It broke.",
            },
            &REPLY,
        );
        let expected = "HTTP/1.1 502 Bad Gateway\r\nCache-Control: no-store\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 26\r\n\
            Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n\
            502 Bad Gateway\nIt broke.\n";
        assert_eq!(expected, text(out));
    }

    #[test]
    fn an_answer_to_head_has_the_length_and_no_body() {
        let mut out = Vec::new();
        let reply = Reply {
            is_head: true,
            hsts: Some(b"max-age=300"),
            ..REPLY
        };
        write_page(
            &mut out,
            &Page {
                status: 503,
                sentence: "Later.",
            },
            &reply,
        );
        let answer = text(out);
        assert!(answer.contains("Content-Length: 31\r\n"), "{answer}");
        assert!(answer.contains("Strict-Transport-Security: max-age=300\r\n"));
        assert!(answer.ends_with("\r\n\r\n"));
    }

    #[test]
    fn a_location_names_the_port_unless_it_is_443() {
        let written = |host: &str, port, target| {
            let mut out = Vec::new();
            let host = Authority::parse(host.as_bytes()).unwrap().host;
            location(&mut out, host, port, target);
            text(out)
        };
        assert_eq!(
            "https://[::1]:8443/a?b",
            written("[::1]:80", 8443, [b"", b"/a?b"])
        );
        assert_eq!(
            "https://a.example/?b",
            written("a.example:8080", 443, [b"/", b"?b"])
        );
        assert_eq!("https://127.0.0.1", written("127.0.0.1", 443, [b"*", b""]));
    }

    #[test]
    fn a_redirect_says_whether_it_may_be_kept() {
        for (is_cacheable, count) in [(true, 0), (false, 1)] {
            let mut out = Vec::new();
            write_redirect(&mut out, b"https://a/", is_cacheable, &REPLY);
            let answer = text(out);
            assert!(
                answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://a/\r\n")
            );
            assert_eq!(count, answer.matches("Cache-Control: no-store\r\n").count());
        }
    }
}
