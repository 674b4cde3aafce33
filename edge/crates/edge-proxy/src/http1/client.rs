//! An HTTP/1 client, as forwarding sees it.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::budget::SMALL;
use edge_forward::peer_end::Reset;
use edge_forward::{Buffer, Client, ClientFault, Deadline, Piece, SiteHsts, Text};
use edge_http::page::{Page, Reply, write_page};
use edge_http::write::{self, ConnectionNote, LAST_CHUNK, Message, ResponseOnward};
use edge_http::{BodyKind, Method, RequestHead, ResponseHead, Version};
use tokio::io::{AsyncRead, AsyncWrite};

use super::request_reader::RequestReader;
use crate::counted::Counted;
use crate::date::date_now;

/// For how long and how much we go on reading what nobody wants, so that the client reads our
/// answer before it learns that the connection is gone (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;

/// One connection of a client, and the request that it is in the middle of.
pub(crate) struct Http1Client<S> {
    stream: Counted<S>,
    reader: RequestReader,
    /// Heads and pages that wait to be sent, and how much of them was.
    outbox: Text,
    outbox_sent: usize,
    /// Where in the outbox the response begins, while it can be taken back.
    response_at: Option<usize>,
    request: RequestFacts,
    /// Once the client has ended its side.
    reset: Option<Reset>,
    response_body: BodyKind,
    /// Whether the connection stays after the response that was begun last.
    persists: bool,
}

/// What the response depends on.
#[derive(Clone, Copy)]
struct RequestFacts {
    is_head: bool,
    persists: bool,
    version: Version,
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> Http1Client<S> {
    /// A client that has sent nothing yet.
    pub(crate) fn new(stream: Counted<S>) -> Self {
        Self {
            stream,
            reader: RequestReader::new(),
            outbox: Text::default(),
            outbox_sent: 0,
            response_at: None,
            request: RequestFacts {
                is_head: false,
                persists: false,
                version: Version::Http11,
            },
            reset: None,
            response_body: BodyKind::None,
            persists: true,
        }
    }

    /// What was received and not yet used.
    pub(crate) fn received(&self) -> &[u8] {
        self.reader.received()
    }

    /// The first bytes that were received mean nothing.
    pub(crate) fn skip(&mut self, count: usize) {
        self.reader.skip(count);
    }

    /// Receive more, in room for so many bytes at most; while nothing comes, none is held.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.reader.poll_receive(context, &mut self.stream, most)
    }

    /// The head at the start of what was received was read.
    pub(crate) fn begin_request(&mut self, head: &RequestHead) {
        self.reader.begin_request(head);
        self.request = RequestFacts {
            is_head: head.method == Method::Head,
            persists: head.persists,
            version: head.version,
        };
    }

    /// The connection ends with the answer to the request at hand.
    pub(crate) fn end_with_answer(&mut self) {
        self.request.persists = false;
    }

    /// Nobody can tell where in the stream a request begins: read no more of it.
    pub(crate) fn stop_reading(&mut self) {
        self.reader.stop();
        self.request = RequestFacts {
            is_head: false,
            persists: false,
            ..self.request
        };
    }

    /// Whether another request may follow.
    pub(crate) fn may_continue(&self) -> bool {
        self.persists && self.request_has_ended()
    }

    /// Decide whether the connection stays, and say so in the response that begins.
    fn connection_note(&mut self) -> ConnectionNote {
        self.persists =
            self.request.persists && self.request_has_ended() && !self.stream.is_draining();
        ConnectionNote::new(self.persists, self.request.version)
    }

    /// Send an answer of our own.
    pub(crate) fn send_own(
        &mut self,
        hsts: Option<&SiteHsts>,
        write: impl FnOnce(&mut Vec<u8>, &Reply<'_>),
    ) {
        let reply = Reply {
            date: &date_now(),
            connection: self.connection_note(),
            is_head: self.request.is_head,
            hsts: hsts.map(|hsts| hsts.value.as_slice()),
        };
        self.ready_outbox();
        write(&mut self.outbox, &reply);
    }

    /// Send what waits, until the deadline is due.
    pub(crate) async fn flush(&mut self, deadline: &mut Deadline) -> Result<(), ClientFault> {
        poll_fn(|context| match self.poll_flush(context) {
            Poll::Pending => deadline.poll_due(context).map(|()| Err(ClientFault::Gone)),
            flushed @ Poll::Ready(_) => flushed,
        })
        .await
    }

    /// Shut the connection down, and let the client read what was sent before.
    pub(crate) async fn close(mut self, deadline: &mut Deadline) {
        deadline.set(LINGER);
        let mut left = if self.request_has_ended() {
            0
        } else {
            LINGER_BYTES
        };
        let mut is_shut = false;
        poll_fn(|context| {
            if !is_shut {
                is_shut = Pin::new(&mut self.stream).poll_shutdown(context).is_ready();
            }
            while left > 0 {
                match self.reader.poll_discard(context, &mut self.stream) {
                    Poll::Ready(Ok(count)) if count > 0 => left = left.saturating_sub(count),
                    Poll::Ready(_) => left = 0,
                    Poll::Pending => break,
                }
            }
            let is_over = is_shut && left == 0 || deadline.poll_due(context).is_ready();
            if is_over {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// The connection and what it brought after the request, for another protocol.
    pub(crate) fn into_parts(self) -> (Counted<S>, Buffer) {
        (self.stream, self.reader.into_inbox())
    }

    fn poll_outbox(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        while self.outbox_sent < self.outbox.len() {
            let waiting = &self.outbox[self.outbox_sent..];
            self.outbox_sent += ready!(poll_write(&mut self.stream, context, waiting))?;
        }
        self.outbox_sent = 0;
        self.response_at = None;
        self.outbox = Text::default();
        Poll::Ready(Ok(()))
    }

    fn ready_outbox(&mut self) {
        if self.outbox.capacity() == 0 {
            self.outbox = Text::new();
        }
    }

    /// Put the client's framing around a piece, and small pieces behind what waits already.
    fn frame(&mut self, buffer: &mut Buffer, piece: &mut Piece) {
        piece.is_framed = true;
        if piece.is_last {
            self.response_at = None;
        }
        if self.response_body == BodyKind::Chunked {
            if !piece.position.is_empty() {
                piece.position = buffer.frame_chunk(piece.position.clone(), piece.is_last);
            } else if piece.is_last {
                self.ready_outbox();
                self.outbox.extend_from_slice(LAST_CHUNK);
            }
        }
        if !self.outbox.is_empty() && self.outbox.len() + piece.position.len() <= 2 * SMALL {
            self.outbox
                .extend_from_slice(buffer.part(piece.position.clone()));
            piece.position.start = piece.position.end;
        }
    }
}

fn poll_write<S: AsyncWrite + Unpin>(
    stream: &mut Counted<S>,
    context: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<Result<usize, ClientFault>> {
    match ready!(Pin::new(stream).poll_write(context, bytes)) {
        Ok(count) if count > 0 => Poll::Ready(Ok(count)),
        _ => Poll::Ready(Err(ClientFault::Gone)),
    }
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> Client for Http1Client<S> {
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        let taken = ready!(self.reader.poll_body(context, &mut self.stream));
        if taken == Err(ClientFault::Truncated) && self.reset.is_none() {
            self.reset = Some(Reset::of(&self.stream).map_err(|_| ClientFault::Gone)?);
        }
        Poll::Ready(taken)
    }

    fn request_parts(&self) -> [&[u8]; 3] {
        self.reader.parts()
    }

    fn consume_request(&mut self, count: usize) {
        self.reader.consume(count);
    }

    fn set_server_blocked(&mut self, is_waiting: bool) {
        if is_waiting {
            self.reader.shrink();
        }
    }

    fn request_has_ended(&self) -> bool {
        self.reader.request_has_ended()
    }

    fn poll_disconnected(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.reset.is_none() {
            if !self.request_has_ended() {
                return Poll::Pending;
            }
            let ended = ready!(self.reader.poll_end(context, &mut self.stream));
            let Ok(reset) = ended.and_then(|()| Reset::of(&self.stream)) else {
                return Poll::Ready(());
            };
            self.reset = Some(reset);
        }
        self.reset
            .as_mut()
            .map_or(Poll::Pending, |it| it.poll(context))
    }

    fn send_interim(&mut self, message: Message<'_, ResponseHead>) {
        // RFC 9110 §15.2: HTTP/1.0 knows no interim responses.
        if self.request.version == Version::Http11 {
            self.ready_outbox();
            write::interim(&mut self.outbox, message);
        }
    }

    fn start_response(
        &mut self,
        message: Message<'_, ResponseHead>,
        hsts: Option<&SiteHsts>,
    ) -> Result<(), ClientFault> {
        self.response_body = body_for(self.request.version, message.head.body);
        self.request.persists &= self.response_body != BodyKind::UntilClose;
        let connection = match message.head.status {
            101 => ConnectionNote::Upgrade,
            _ => self.connection_note(),
        };
        let onward = ResponseOnward {
            body: self.response_body,
            connection,
            hsts: hsts.map(|hsts| (hsts.to_compare(), hsts.value.as_slice())),
            date: &date_now(),
        };
        self.ready_outbox();
        self.response_at = Some(self.outbox.len());
        write::response(&mut self.outbox, message, &onward);
        Ok(())
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        piece: &mut Piece,
    ) -> Poll<Result<(), ClientFault>> {
        if !piece.is_framed {
            self.frame(buffer, piece);
        }
        ready!(self.poll_outbox(context))?;
        while !piece.position.is_empty() {
            let waiting = buffer.part(piece.position.clone());
            piece.position.start += ready!(poll_write(&mut self.stream, context, waiting))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        ready!(self.poll_outbox(context))?;
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        flushed.map_err(|_| ClientFault::Gone)
    }

    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>) {
        self.send_own(hsts, |out, reply| write_page(out, page, reply));
    }

    fn discard_unsent_response(&mut self) -> bool {
        let start = self.response_at.take().filter(|&it| self.outbox_sent <= it);
        if let Some(start) = start {
            self.outbox.truncate(start);
        }
        start.is_some()
    }

    fn abort(&mut self) {
        // What ends without its last chunk, its length or a close_notify is seen to be broken.
        self.persists = false;
    }
}

/// The framing of a response for a client of that version.
fn body_for(version: Version, body: BodyKind) -> BodyKind {
    match (body, version) {
        (BodyKind::Chunked | BodyKind::UntilClose, Version::Http11) => BodyKind::Chunked,
        (BodyKind::Chunked | BodyKind::UntilClose, Version::Http10) => BodyKind::UntilClose,
        (known, _) => known,
    }
}
