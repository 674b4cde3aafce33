use rustix::net::sockopt::set_socket_linger;
use tokio::net::UnixStream;

use super::*;
use crate::counted::Counted;
use crate::http1::Http1Client;
use crate::pool::tests::worker;
use crate::upstream::tests::connected;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n";

/// Send a request on a warm connection that its server has reset, or closes when it has got it.
///
/// Whether it may be repeated then: one that may not take effect twice, and one that may.
async fn lost(is_reset: bool) -> [bool; 2] {
    let (socket, _other_end) = UnixStream::pair().unwrap();
    let mut client = Http1Client::new(Counted::new(socket, worker()));
    let (_pool, mut connection, peer) = connected().await;
    connection.is_reused = true;
    let mut exchange = Exchange::new(connection, HEAD, 0);
    let mut peer = Some(peer);
    if is_reset {
        set_socket_linger(peer.take().unwrap(), Some(Duration::ZERO)).unwrap();
    }
    poll_fn(|context| Poll::Ready(exchange.poll_upload(context, &mut client)))
        .await
        .unwrap();
    drop(peer);
    let limits = HeadLimits::with_bytes(1024);
    let head = poll_fn(|context| exchange.poll_head(context, Method::Other, &limits)).await;
    assert_eq!(Some(UpstreamFailure::ClosedEarly), head.err());
    [false, true].map(|is_repeatable| may_repeat(&exchange, is_repeatable))
}

#[tokio::test]
async fn a_request_of_which_nothing_was_sent_may_be_sent_again() {
    assert_eq!([true, true], lost(true).await);
}

#[tokio::test]
async fn a_request_that_was_sent_may_be_sent_again_only_if_it_may_take_effect_twice() {
    assert_eq!([false, true], lost(false).await);
}
