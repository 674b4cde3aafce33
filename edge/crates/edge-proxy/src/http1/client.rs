//! [`Client`] for HTTP/1.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::budget::SMALL;
use edge_forward::peer_end::Reset;
use edge_forward::{Buffer, Client, ClientFault, Deadline, Piece, RecycledVec, SiteHsts};
use edge_http::page::{Page, PageOptions, write_page};
use edge_http::write::{self, ConnectionField, LAST_CHUNK, Message, ResponseOptions};
use edge_http::{BodyKind, Method, RequestHead, ResponseHead, Version};
use tokio::io::{AsyncRead, AsyncWrite};

use super::request_reader::RequestReader;
use crate::counted_stream::CountedStream;
use crate::date::date_now;

/// How long and how many bytes are read and discarded before the connection is closed, so that the client
/// reads the response before the connection is reset (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;

/// One connection of a client, and its current request.
pub(crate) struct Http1Client<S> {
    stream: CountedStream<S>,
    reader: RequestReader,
    /// Heads and pages to write, and the number of bytes that were written.
    output: RecycledVec,
    output_written: usize,
    /// The start of the response in `output`, while it can be discarded.
    response_start: Option<usize>,
    request: RequestFacts,
    /// Set once the client has closed its direction.
    reset: Option<Reset>,
    response_body: BodyKind,
    /// Whether the connection persists after the current response.
    persists: bool,
}

/// The properties of the request on which the response depends.
#[derive(Clone, Copy)]
struct RequestFacts {
    is_head: bool,
    persists: bool,
    version: Version,
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> Http1Client<S> {
    /// Create the client of a new connection.
    pub(crate) fn new(stream: CountedStream<S>) -> Self {
        Self {
            stream,
            reader: RequestReader::new(),
            output: RecycledVec::default(),
            output_written: 0,
            response_start: None,
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

    /// Bytes that were received and not consumed yet.
    pub(crate) fn received(&self) -> &[u8] {
        self.reader.received()
    }

    /// Discard the first `count` received bytes.
    pub(crate) fn skip(&mut self, count: usize) {
        self.reader.skip(count);
    }

    /// Receive more, up to a buffer of `max` bytes. No buffer is held while nothing is received.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        max: usize,
    ) -> Poll<io::Result<usize>> {
        self.reader.poll_receive(context, &mut self.stream, max)
    }

    /// Consume a parsed head, and begin its request.
    pub(crate) fn begin_request(&mut self, head: &RequestHead) {
        self.reader.begin_request(head);
        self.request = RequestFacts {
            is_head: head.method == Method::Head,
            persists: head.persists,
            version: head.version,
        };
    }

    /// Close the connection after the response to the current request.
    pub(crate) fn close_after_response(&mut self) {
        self.request.persists = false;
    }

    /// Read no further requests, since the end of the current one is unknown.
    pub(crate) fn stop_reading(&mut self) {
        self.reader.stop();
        self.request = RequestFacts {
            is_head: false,
            persists: false,
            ..self.request
        };
    }

    /// Whether another request can be read.
    pub(crate) fn can_continue(&self) -> bool {
        self.persists && self.request_has_ended()
    }

    /// Decide whether the connection persists, and return the Connection field of the response.
    fn connection_field(&mut self) -> ConnectionField {
        self.persists =
            self.request.persists && self.request_has_ended() && !self.stream.is_draining();
        ConnectionField::new(self.persists, self.request.version)
    }

    /// Send a response that the edge generates.
    pub(crate) fn send_generated(
        &mut self,
        hsts: Option<&SiteHsts>,
        write: impl FnOnce(&mut Vec<u8>, &PageOptions<'_>),
    ) {
        let options = PageOptions {
            date: &date_now(),
            connection: self.connection_field(),
            is_head: self.request.is_head,
            hsts: hsts.map(|hsts| hsts.value.as_slice()),
        };
        self.prepare_output();
        write(&mut self.output, &options);
    }

    /// Write all output before the deadline.
    pub(crate) async fn flush(&mut self, deadline: &mut Deadline) -> Result<(), ClientFault> {
        poll_fn(|context| match self.poll_flush(context) {
            Poll::Pending => deadline
                .poll_due(context)
                .map(|()| Err(ClientFault::Disconnected)),
            flushed @ Poll::Ready(_) => flushed,
        })
        .await
    }

    /// Shut the connection down, and linger until the client has read what was sent.
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
            let is_ended = is_shut && left == 0 || deadline.poll_due(context).is_ready();
            if is_ended {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// The stream and the bytes that were received after the request, for another protocol.
    pub(crate) fn into_parts(self) -> (CountedStream<S>, Buffer) {
        (self.stream, self.reader.into_received())
    }

    fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        while self.output_written < self.output.len() {
            let waiting = &self.output[self.output_written..];
            self.output_written += ready!(poll_write(&mut self.stream, context, waiting))?;
        }
        self.output_written = 0;
        self.response_start = None;
        self.output = RecycledVec::default();
        Poll::Ready(Ok(()))
    }

    fn prepare_output(&mut self) {
        if self.output.capacity() == 0 {
            self.output = RecycledVec::new();
        }
    }

    /// Frame a piece for the client, and append a small one to the output.
    fn frame(&mut self, buffer: &mut Buffer, piece: &mut Piece) {
        piece.is_framed = true;
        if piece.is_last {
            self.response_start = None;
        }
        if self.response_body == BodyKind::Chunked {
            if !piece.position.is_empty() {
                piece.position = buffer.frame_chunk(piece.position.clone(), piece.is_last);
            } else if piece.is_last {
                self.prepare_output();
                self.output.extend_from_slice(LAST_CHUNK);
            }
        }
        if !self.output.is_empty() && self.output.len() + piece.position.len() <= 2 * SMALL {
            self.output
                .extend_from_slice(buffer.part(piece.position.clone()));
            piece.position.start = piece.position.end;
        }
    }
}

fn poll_write<S: AsyncWrite + Unpin>(
    stream: &mut CountedStream<S>,
    context: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<Result<usize, ClientFault>> {
    match ready!(Pin::new(stream).poll_write(context, bytes)) {
        Ok(count) if count > 0 => Poll::Ready(Ok(count)),
        _ => Poll::Ready(Err(ClientFault::Disconnected)),
    }
}

impl<S: AsyncRead + AsyncWrite + AsFd + Unpin> Client for Http1Client<S> {
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        let taken = ready!(self.reader.poll_body(context, &mut self.stream));
        if taken == Err(ClientFault::Truncated) && self.reset.is_none() {
            self.reset = Some(Reset::of(&self.stream).map_err(|_| ClientFault::Disconnected)?);
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
        // RFC 9110 §15.2: HTTP/1.0 has no interim responses.
        if self.request.version == Version::Http11 {
            self.prepare_output();
            write::interim(&mut self.output, message);
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
            101 => ConnectionField::Upgrade,
            _ => self.connection_field(),
        };
        let options = ResponseOptions {
            body: self.response_body,
            connection,
            hsts: hsts.map(|hsts| (hsts.to_compare(), hsts.value.as_slice())),
            date: &date_now(),
        };
        self.prepare_output();
        self.response_start = Some(self.output.len());
        write::response(&mut self.output, message, &options);
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
        ready!(self.poll_output(context))?;
        while !piece.position.is_empty() {
            let waiting = buffer.part(piece.position.clone());
            piece.position.start += ready!(poll_write(&mut self.stream, context, waiting))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        ready!(self.poll_output(context))?;
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        flushed.map_err(|_| ClientFault::Disconnected)
    }

    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>) {
        self.send_generated(hsts, |out, options| write_page(out, page, options));
    }

    fn discard_unsent_response(&mut self) -> bool {
        let start = self
            .response_start
            .take()
            .filter(|&it| self.output_written <= it);
        if let Some(start) = start {
            self.output.truncate(start);
        }
        start.is_some()
    }

    fn abort(&mut self) {
        // The missing last chunk, bytes or close_notify shows that the response is incomplete.
        self.persists = false;
    }
}

/// The framing of a response for a client of this version.
fn body_for(version: Version, body: BodyKind) -> BodyKind {
    match (body, version) {
        (BodyKind::Chunked | BodyKind::UntilClose, Version::Http11) => BodyKind::Chunked,
        (BodyKind::Chunked | BodyKind::UntilClose, Version::Http10) => BodyKind::UntilClose,
        (known, _) => known,
    }
}
