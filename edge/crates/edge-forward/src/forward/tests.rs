use std::task::{Context, Poll};

use edge_http::page::Page;
use edge_http::write::Message;
use edge_http::{HeadLimits, Method};
use rustix::net::sockopt::set_socket_linger;

use super::*;
use crate::buffer::Buffer;
use crate::client::Piece;
use crate::connections::tests::connected;
use crate::site::SiteHsts;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n";

/// A client whose request has no body, and which is sent no response.
struct Waiting;

impl Client for Waiting {
    fn poll_request(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        Poll::Ready(Ok(()))
    }

    fn request_parts(&self) -> [&[u8]; 3] {
        [b"", b"", b""]
    }

    fn consume_request(&mut self, count: usize) {
        assert_eq!(0, count);
    }

    fn set_server_blocked(&mut self, _: bool) {}

    fn request_has_ended(&self) -> bool {
        true
    }

    fn poll_disconnected(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn send_interim(&mut self, _: Message<'_, ResponseHead>) {
        panic!("there is no response");
    }

    fn start_response(
        &mut self,
        _: Message<'_, ResponseHead>,
        _: Option<&SiteHsts>,
    ) -> Result<(), ClientFault> {
        panic!("there is no response");
    }

    fn poll_send(
        &mut self,
        _: &mut Context<'_>,
        _: &mut Buffer,
        _: &mut Piece,
    ) -> Poll<Result<(), ClientFault>> {
        panic!("there is no response");
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        Poll::Ready(Ok(()))
    }

    fn send_page(&mut self, _: &Page, _: Option<&SiteHsts>) {
        panic!("there is no response");
    }

    fn discard_unsent_response(&mut self) -> bool {
        false
    }

    fn abort(&mut self) {}
}

/// Send a request on a reused connection that the server has reset, or closes after the request.
///
/// Returns whether it may be repeated: if it is not idempotent, and if it is.
async fn lost(is_reset: bool) -> [bool; 2] {
    let (mut connection, peer) = connected().await;
    connection.is_reused = true;
    let mut exchange = Exchange::new(connection, HEAD, 0);
    let mut peer = Some(peer);
    if is_reset {
        set_socket_linger(peer.take().unwrap(), Some(Duration::ZERO)).unwrap();
    }
    poll_fn(|context| Poll::Ready(exchange.poll_upload(context, &mut Waiting)))
        .await
        .unwrap();
    drop(peer);
    let limits = HeadLimits::with_bytes(1024);
    let head = poll_fn(|context| exchange.poll_head(context, Method::Other, &limits)).await;
    assert_eq!(Some(UpstreamFailure::ClosedEarly), head.err());
    [false, true].map(|is_repeatable| may_repeat(&exchange, is_repeatable))
}

#[tokio::test]
async fn a_request_of_which_nothing_was_sent_may_be_repeated() {
    assert_eq!([true, true], lost(true).await);
}

#[tokio::test]
async fn a_request_that_was_sent_may_be_repeated_only_if_it_is_idempotent() {
    assert_eq!([false, true], lost(false).await);
}
