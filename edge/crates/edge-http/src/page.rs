//! Generated responses: error pages, the redirect to https, and the answers to ACME challenges.

use std::io::Write as _;
use std::net::IpAddr;

use edge_contract::{RequestRefusal, UpstreamFailure};

use crate::fields::authority::AuthorityHost;
use crate::fields::line::field;
use crate::http1::write::{ConnectionField, content_length, status_line};
use crate::status::reason_phrase;

/// The media type of every page.
pub const CONTENT_TYPE: &[u8] = b"text/plain; charset=utf-8";
/// Pages must not be cached.
pub const CACHE_CONTROL: &[u8] = b"no-store";

/// A page: the status, and a sentence with the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The sentence.
    pub sentence: &'static str,
}

impl From<RequestRefusal> for Page {
    fn from(refusal: RequestRefusal) -> Self {
        let (status, sentence) = (refusal.status(), refusal.sentence());
        Self { status, sentence }
    }
}

impl From<UpstreamFailure> for Page {
    fn from(failure: UpstreamFailure) -> Self {
        let (status, sentence) = (failure.status(), failure.sentence());
        Self { status, sentence }
    }
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

/// The other parts of a generated response on an HTTP/1 connection.
#[derive(Clone, Copy, Debug)]
pub struct PageOptions<'a> {
    /// The time (RFC 9110 §6.6.1).
    pub date: &'a [u8],
    /// The Connection field.
    pub connection: ConnectionField,
    /// Whether the request was HEAD, so that the body is omitted.
    pub is_head: bool,
    /// The site's Strict-Transport-Security value, if it is to be sent.
    pub hsts: Option<&'a [u8]>,
}

/// Append a page as an HTTP/1 response.
pub fn write_page(out: &mut Vec<u8>, page: &Page, options: &PageOptions<'_>) {
    status_line(out, page.status, reason_phrase(page.status).as_bytes());
    field(out, b"Cache-Control", CACHE_CONTROL);
    finish(out, CONTENT_TYPE, &page.text(), options);
}

/// Append the answer to an http-01 challenge, which is the key authorisation alone (RFC 8555 §8.3).
pub fn write_challenge(out: &mut Vec<u8>, key_authorisation: &str, options: &PageOptions<'_>) {
    status_line(out, 200, reason_phrase(200).as_bytes());
    field(out, b"Cache-Control", CACHE_CONTROL);
    finish(out, b"application/octet-stream", key_authorisation, options);
}

/// Append the https URL for a request over plain HTTP: the same host and target.
///
/// The default port is omitted.
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
    // The asterisk of OPTIONS is not a path (RFC 9112 §3.2.4).
    if target.concat() != b"*" {
        out.extend_from_slice(target[0]);
        out.extend_from_slice(target[1]);
    }
}

/// Append the redirect to a [`location`].
///
/// 308 preserves method and body (RFC 9110 §15.4.9).
pub fn write_redirect(
    out: &mut Vec<u8>,
    location: &[u8],
    is_cacheable: bool,
    options: &PageOptions<'_>,
) {
    status_line(out, 308, reason_phrase(308).as_bytes());
    field(out, b"Location", location);
    if !is_cacheable {
        field(out, b"Cache-Control", CACHE_CONTROL);
    }
    finish(
        out,
        CONTENT_TYPE,
        "308 Permanent Redirect\nThis site is served over https.\n",
        options,
    );
}

fn finish(out: &mut Vec<u8>, media_type: &[u8], text: &str, options: &PageOptions<'_>) {
    field(out, b"Content-Type", media_type);
    content_length(out, text.len() as u64);
    if let Some(hsts) = options.hsts {
        field(out, b"Strict-Transport-Security", hsts);
    }
    field(out, b"Date", options.date);
    options.connection.write(out);
    out.extend_from_slice(b"\r\n");
    if !options.is_head {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::authority::Authority;

    const OPTIONS: PageOptions<'_> = PageOptions {
        date: b"Sun, 06 Nov 1994 08:49:37 GMT",
        connection: ConnectionField::Close,
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
            &OPTIONS,
        );
        let expected = "HTTP/1.1 502 Bad Gateway\r\nCache-Control: no-store\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 26\r\n\
            Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n\
            502 Bad Gateway\nIt broke.\n";
        assert_eq!(expected, text(out));
    }

    #[test]
    fn a_response_to_head_has_the_length_and_no_body() {
        let mut out = Vec::new();
        let options = PageOptions {
            is_head: true,
            hsts: Some(b"max-age=300"),
            ..OPTIONS
        };
        write_page(
            &mut out,
            &Page {
                status: 503,
                sentence: "Later.",
            },
            &options,
        );
        let response = text(out);
        assert!(response.contains("Content-Length: 31\r\n"), "{response}");
        assert!(response.contains("Strict-Transport-Security: max-age=300\r\n"));
        assert!(response.ends_with("\r\n\r\n"));
    }

    #[test]
    fn the_answer_to_a_challenge_is_its_text_alone() {
        let mut out = Vec::new();
        write_challenge(&mut out, "token.print", &OPTIONS);
        let expected = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n\
            Content-Type: application/octet-stream\r\nContent-Length: 11\r\n\
            Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\ntoken.print";
        assert_eq!(expected, text(out));
    }

    #[test]
    fn a_location_has_the_port_unless_it_is_443() {
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
    fn a_redirect_has_cache_control_unless_it_is_cacheable() {
        for (is_cacheable, count) in [(true, 0), (false, 1)] {
            let mut out = Vec::new();
            write_redirect(&mut out, b"https://a/", is_cacheable, &OPTIONS);
            let response = text(out);
            assert!(
                response.starts_with("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://a/\r\n")
            );
            assert_eq!(
                count,
                response.matches("Cache-Control: no-store\r\n").count()
            );
        }
    }
}
