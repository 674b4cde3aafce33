//! Answers of our own: short plain pages, and the redirect from port 80.

use crate::status::reason_phrase;
use crate::write::{ConnectionNote, content_length, field, status_line};

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

/// Append the redirect from port 80 to `https`, to the same host and path.
///
/// 308 keeps method and body (RFC 9110 §15.4.9). `port` is left out where it is the default.
pub fn write_redirect(
    out: &mut Vec<u8>,
    (host, port): (&[u8], u16),
    target: [&[u8]; 2],
    is_cacheable: bool,
    reply: &Reply<'_>,
) {
    status_line(out, 308, reason_phrase(308).as_bytes());
    out.extend_from_slice(b"Location: https://");
    out.extend_from_slice(host);
    if port != 443 {
        out.extend_from_slice(format!(":{port}").as_bytes());
    }
    out.extend_from_slice(target[0]);
    out.extend_from_slice(target[1]);
    out.extend_from_slice(b"\r\n");
    if !is_cacheable {
        field(out, b"Cache-Control", b"no-store");
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
    fn a_redirect_names_the_port_unless_it_is_443() {
        let mut out = Vec::new();
        write_redirect(&mut out, (b"[::1]", 8443), [b"", b"/a?b"], false, &REPLY);
        write_redirect(&mut out, (b"a.example", 443), [b"/", b"?b"], true, &REPLY);
        let answers = text(out);
        assert!(answers.contains("Location: https://[::1]:8443/a?b\r\nCache-Control: no-store"));
        assert!(answers.contains("Location: https://a.example/?b\r\nContent-Type"));
    }
}
