//! Plain HTTP on a TLS port: a response with the https URL.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use edge_forward::{Destination, ListenerRuntime, NameRefusal, Running};
use edge_http::write::{self, ConnectionField};
use edge_http::{
    Authority, AuthorityHost, HeadLimits, Method, RequestHead, head_may_be_complete, page,
    parse_request, reason_phrase,
};
use edge_tls::lingering_close;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::date::date_now;

/// The longest head that is read, in bytes. The response to a longer one contains no path.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Respond to a plain request, whose first bytes have been read, with a 400 that contains the https URL.
pub(crate) async fn respond(
    tcp: &mut TcpStream,
    mut bytes: Vec<u8>,
    running: &Running,
    listener: &ListenerRuntime,
) {
    let Ok(local) = tcp.local_addr() else { return };
    let limits = HeadLimits::with_bytes(MAX_HEAD_BYTES);
    let time = Duration::from_millis(running.limits.header_timeout_ms);
    let head = timeout(time, read_head(tcp, &mut bytes, &limits))
        .await
        .ok()
        .flatten();
    let address = Address {
        running,
        local,
        port: listener.document.https_port,
    };
    let is_head = head.is_some_and(|head| head.method == Method::Head);
    lingering_close(tcp, &response(&address.of(head.as_ref(), &bytes), is_head)).await;
}

/// Read the head; `None` if it is malformed, too long or incomplete.
async fn read_head(
    tcp: &mut TcpStream,
    bytes: &mut Vec<u8>,
    limits: &HeadLimits,
) -> Option<RequestHead> {
    let mut fields = Vec::new();
    let mut chunk = [0; 1024];
    let mut seen = 0;
    loop {
        let may_be_complete = seen == 0 || head_may_be_complete(bytes, seen, limits);
        if may_be_complete && let Some(head) = parse_request(bytes, limits, &mut fields).ok()? {
            return Some(head);
        }
        seen = bytes.len();
        match tcp.read(&mut chunk).await.ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// The parts of an https URL that do not depend on the request.
struct Address<'a> {
    running: &'a Running,
    local: SocketAddr,
    port: u16,
}

impl Address<'_> {
    /// The https URL for a request. A host that no site has is replaced by the local address.
    fn of(&self, head: Option<&RequestHead>, bytes: &[u8]) -> String {
        let host = head
            .and_then(|head| head.host)
            .and_then(|host| self.known(host.of(bytes)));
        let host = host.unwrap_or_else(|| in_url(self.local.ip().to_canonical()));
        let port = if self.port == 443 {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        let path = head.map_or_else(|| "/".to_owned(), |head| path(head, bytes));
        format!("https://{host}{port}{path}")
    }

    /// The host in the form of a URL, if a site has that name.
    fn known(&self, host: &[u8]) -> Option<String> {
        let (name, shown) = match Authority::parse(host)?.host {
            AuthorityHost::Address(address) => (address.to_string(), in_url(address)),
            AuthorityHost::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                (name.clone(), name)
            }
        };
        match self.running.destination(&name) {
            Destination::Site(_) | Destination::Refused(NameRefusal::Pending(_)) => Some(shown),
            Destination::Challenge(_)
            | Destination::Refused(
                NameRefusal::Unknown | NameRefusal::Quarantined(_) | NameRefusal::NoChallenge,
            ) => None,
        }
    }
}

fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The path of a parsed target, which contains only valid characters.
fn path(head: &RequestHead, bytes: &[u8]) -> String {
    let path = format!(
        "{}{}",
        head.target.prefix,
        String::from_utf8_lossy(head.target.text.of(bytes))
    );
    if path.starts_with('/') {
        path
    } else {
        "/".to_owned()
    }
}

fn response(address: &str, is_head: bool) -> Vec<u8> {
    let text = format!("400 Bad Request\nThis port requires https. The URL is {address}\n");
    let mut out = Vec::with_capacity(512);
    write::status_line(&mut out, 400, reason_phrase(400).as_bytes());
    write::field(&mut out, b"Cache-Control", page::CACHE_CONTROL);
    write::field(&mut out, b"Content-Type", page::CONTENT_TYPE);
    write::content_length(&mut out, text.len() as u64);
    write::field(&mut out, b"Date", &date_now());
    ConnectionField::Close.write(&mut out);
    out.extend_from_slice(b"\r\n");
    if !is_head {
        out.extend_from_slice(text.as_bytes());
    }
    out
}
