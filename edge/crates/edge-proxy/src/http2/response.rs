//! Responses in HTTP/2's form (RFC 9113 §8.3.2): a server's, and our own.

use bytes::Bytes;
use edge_http::ResponseHead;
use edge_http::page::{self, Page};
use edge_http::write::{Message, covers, kept_fields};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    STRICT_TRANSPORT_SECURITY,
};
use http::{Response, StatusCode};

use crate::client::ClientFault;
use crate::context::SiteHsts;
use crate::http1::policy_of;
use crate::moment::date_now;

/// A server's final response.
pub(super) fn final_response(
    message: Message<'_, ResponseHead>,
    hsts: Option<&SiteHsts>,
) -> Result<Response<()>, ClientFault> {
    let head = message.head;
    let mut headers = headers(message, hsts);
    if let Some(length) = head.content_length.filter(|_| head.status != 204) {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if !head.has_date {
        insert(&mut headers, DATE, &date_now());
    }
    with_headers(head.status, headers)
}

/// A server's interim response.
pub(super) fn interim_response(
    message: Message<'_, ResponseHead>,
) -> Result<Response<()>, ClientFault> {
    with_headers(message.head.status, headers(message, None))
}

/// The response that a page of ours comes with.
pub(super) fn page_response(
    page: &Page,
    length: usize,
    hsts: Option<&SiteHsts>,
) -> Result<Response<()>, ClientFault> {
    let mut headers = HeaderMap::new();
    insert(&mut headers, CACHE_CONTROL, page::CACHE_CONTROL);
    insert(&mut headers, CONTENT_TYPE, page::CONTENT_TYPE);
    headers.insert(CONTENT_LENGTH, length.into());
    insert(&mut headers, DATE, &date_now());
    if let Some(hsts) = hsts {
        insert(&mut headers, STRICT_TRANSPORT_SECURITY, &hsts.value);
    }
    with_headers(page.status, headers)
}

fn with_headers(status: u16, headers: HeaderMap) -> Result<Response<()>, ClientFault> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| ClientFault::Gone)?;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The fields that go on to the client; their values share one copy of the server's head.
fn headers(message: Message<'_, ResponseHead>, hsts: Option<&SiteHsts>) -> HeaderMap {
    let Message {
        input,
        head,
        fields,
    } = message;
    let copy = Bytes::copy_from_slice(&input[..head.length]);
    let shared = Message {
        input: &copy,
        head,
        fields,
    };
    let policy = hsts.map(policy_of);
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in kept_fields(shared, policy, false) {
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_maybe_shared(copy.slice_ref(value));
        // Both were checked when they were read, by rules that are no wider than these.
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    if let Some(hsts) = hsts
        && !covers(input, fields, policy_of(hsts))
    {
        insert(&mut headers, STRICT_TRANSPORT_SECURITY, &hsts.value);
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}
