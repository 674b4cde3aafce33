//! Responses in HTTP/2's form (RFC 9113 §8.3.2): a server's, and our own.

use edge_forward::SiteHsts;
use edge_http::ResponseHead;
use edge_http::http2::ResponseFields;
use edge_http::page::{self, Page};
use edge_http::write::{Message, covers, kept_fields};

use crate::date::date_now;

/// A server's final response.
pub(super) fn write_final(
    fields: &mut ResponseFields<'_>,
    message: Message<'_, ResponseHead>,
    hsts: Option<&SiteHsts>,
) {
    let head = message.head;
    fields.status(head.status);
    let policy = hsts.map(SiteHsts::to_compare);
    for (name, value) in kept_fields(message, policy, false) {
        fields.field(name, value);
    }
    if let Some(length) = head.content_length.filter(|_| head.status != 204) {
        fields.content_length(length);
    }
    if let Some(hsts) = hsts
        && !covers(message.input, message.fields, hsts.to_compare())
    {
        fields.field(b"strict-transport-security", &hsts.value);
    }
    if !head.has_date {
        fields.field(b"date", &date_now());
    }
}

/// A server's interim response.
pub(super) fn write_interim(fields: &mut ResponseFields<'_>, message: Message<'_, ResponseHead>) {
    fields.status(message.head.status);
    for (name, value) in kept_fields(message, None, false) {
        fields.field(name, value);
    }
}

/// A page of our own; without a length when its text does not follow.
pub(super) fn write_page(
    fields: &mut ResponseFields<'_>,
    page: &Page,
    length: Option<usize>,
    hsts: Option<&SiteHsts>,
) {
    fields.status(page.status);
    fields.field(b"cache-control", page::CACHE_CONTROL);
    if let Some(length) = length {
        fields.field(b"content-type", page::CONTENT_TYPE);
        fields.content_length(length as u64);
    }
    fields.field(b"date", &date_now());
    if let Some(hsts) = hsts {
        fields.field(b"strict-transport-security", &hsts.value);
    }
}
