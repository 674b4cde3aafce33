//! Responses as field lines (RFC 9113 §8.3.2, RFC 9114 §4.3.2): those of servers, and error pages.

use crate::fields::hsts::HstsPolicy;
use crate::http1::response::ResponseHead;
use crate::http1::write::{Message, covers, forwarded_fields};
use crate::page::{self, Page};

/// Encodes the lines of a response's header section for one version of HTTP.
pub trait ResponseEncoder {
    /// Write the status. Must be called before all fields.
    fn status(&mut self, status: u16);

    /// Write a field. Its name may be in any case; name and value must be valid.
    fn field(&mut self, name: &[u8], value: &[u8]);

    /// Write the length of the body.
    fn content_length(&mut self, bytes: u64) {
        let mut digits = itoa::Buffer::new();
        self.field(b"content-length", digits.format(bytes).as_bytes());
    }
}

/// Write a server's final response. `hsts` is the site's policy and header value; `date` is called for
/// the Date of a response that has none (RFC 9110 §6.6.1).
pub fn write_response(
    out: &mut impl ResponseEncoder,
    message: Message<'_, ResponseHead>,
    hsts: Option<(HstsPolicy, &[u8])>,
    date: impl FnOnce() -> [u8; crate::DATE_BYTES],
) {
    let head = message.head;
    out.status(head.status);
    for (name, value) in forwarded_fields(message, hsts.map(|it| it.0), false) {
        out.field(name, value);
    }
    if let Some(length) = head.content_length.filter(|_| head.status != 204) {
        out.content_length(length);
    }
    if let Some((policy, value)) = hsts
        && !covers(message.input, message.fields, policy)
    {
        out.field(b"strict-transport-security", value);
    }
    if !head.has_date {
        out.field(b"date", &date());
    }
}

/// Write a server's interim response.
pub fn write_interim(out: &mut impl ResponseEncoder, message: Message<'_, ResponseHead>) {
    out.status(message.head.status);
    for (name, value) in forwarded_fields(message, None, false) {
        out.field(name, value);
    }
}

/// Write the head of an error page; `length` is `None` if its text is not sent. `hsts` is the site's
/// Strict-Transport-Security value.
pub fn write_page(
    out: &mut impl ResponseEncoder,
    page: &Page,
    length: Option<usize>,
    hsts: Option<&[u8]>,
    date: &[u8],
) {
    out.status(page.status);
    out.field(b"cache-control", page::CACHE_CONTROL);
    if let Some(length) = length {
        out.field(b"content-type", page::CONTENT_TYPE);
        out.content_length(length as u64);
    }
    out.field(b"date", date);
    if let Some(hsts) = hsts {
        out.field(b"strict-transport-security", hsts);
    }
}
