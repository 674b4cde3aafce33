//! One request and its response on one connection to a server.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use edge_contract::{RequestRefusal, UpstreamFailure};
use edge_http::write::Message;
use edge_http::{
    BodyReader, HeadLimits, Method, ResponseFault, ResponseHead, head_may_be_complete,
    parse_response,
};
use tokio::io::AsyncWrite;

use crate::budget::{LARGE, SMALL, is_scarce, piece_room, small_room};
use crate::buffer::Buffer;
use crate::client::{Client, ClientFault, Piece};
use crate::connections::ServerConnection;
use crate::free_list::FieldList;

/// The server's side of an exchange.
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent")]
pub(crate) struct Exchange<'a> {
    /// The connection, which can be reused once [`Exchange::is_clean`].
    pub(crate) connection: ServerConnection,
    /// Bytes that were received from the server and not forwarded yet.
    pub(crate) received: Buffer,
    request_head: &'a [u8],
    request_head_sent: usize,
    upload: Upload,
    is_truncated: bool,
    /// The most bytes that the request's body may still have.
    body_left: u64,
    fields: FieldList,
    /// The number of bytes of an incomplete head that were scanned.
    seen: usize,
    body: BodyReader,
    /// Whether the last read filled the buffer.
    is_fast: bool,
    has_response_begun: bool,
    has_progressed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Upload {
    Running,
    /// The connection must become writable before more of the request is read.
    Waiting,
    Ended,
    /// The client's request is truncated, and the connection's sending direction was shut down.
    Truncated,
    /// Writing failed. The server may have sent a response before.
    Broken,
}

impl<'a> Exchange<'a> {
    /// Create an exchange of which nothing is sent yet. The request's body may have `body_bytes` bytes.
    pub(crate) fn new(
        connection: ServerConnection,
        request_head: &'a [u8],
        body_bytes: u64,
    ) -> Self {
        Self {
            connection,
            received: Buffer::default(),
            request_head,
            request_head_sent: 0,
            upload: Upload::Running,
            is_truncated: false,
            body_left: body_bytes,
            fields: FieldList::new(),
            seen: 0,
            body: BodyReader::Ended,
            is_fast: false,
            has_response_begun: false,
            has_progressed: false,
        }
    }

    /// Whether the whole request was sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.upload == Upload::Ended
    }

    /// Whether the client's request is truncated, so that the server is not to blame for a failure.
    pub(crate) fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    /// Whether the request is still being sent, and the server is not what it waits for.
    pub(crate) fn is_sending_request(&self) -> bool {
        self.upload == Upload::Running
    }

    /// Whether nothing of the request was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        self.request_head_sent == 0
    }

    /// Whether anything was received from the server.
    pub(crate) fn has_response_begun(&self) -> bool {
        self.has_response_begun
    }

    /// Record that bytes of the response were sent to the client.
    pub(crate) fn record_progress(&mut self) {
        self.has_progressed = true;
    }

    /// Whether bytes were transferred in either direction since the last call.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.has_progressed)
    }

    /// Whether request and response are complete and no bytes are left, so that the connection can be reused.
    pub(crate) fn is_clean(&self) -> bool {
        self.upload == Upload::Ended && self.body.has_ended() && self.received.is_empty()
    }

    /// Send as much of the request as possible. The error is a fault of the client.
    pub(crate) fn poll_upload(
        &mut self,
        context: &mut Context<'_>,
        client: &mut impl Client,
    ) -> Result<(), ClientFault> {
        let has_waited = self.upload == Upload::Waiting;
        if has_waited {
            self.upload = Upload::Running;
        }
        while self.upload == Upload::Running {
            self.poll_read(context, client)?;
            if self.upload == Upload::Waiting || !self.poll_write(context, client) {
                break;
            }
        }
        let is_waiting = self.upload == Upload::Waiting;
        if has_waited || is_waiting {
            client.set_server_blocked(is_waiting);
        }
        Ok(())
    }

    /// Read from the client if nothing is left to send. While memory is scarce, only once the
    /// connection to the server is writable, so that unsent bytes are not buffered here.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        client: &mut impl Client,
    ) -> Result<(), ClientFault> {
        let is_read = client.request_parts().iter().any(|part| !part.is_empty());
        if is_read || self.is_truncated || client.request_has_ended() {
            return Ok(());
        }
        if is_scarce() && self.connection.poll_room(context).is_pending() {
            self.upload = Upload::Waiting;
            return Ok(());
        }
        match client.poll_request(context) {
            Poll::Ready(Err(ClientFault::Truncated)) => {
                self.is_truncated = true;
                Ok(())
            }
            Poll::Ready(outcome) => outcome.and_then(|()| self.count_body(client)),
            Poll::Pending => Ok(()),
        }
    }

    /// Refuse a body that exceeds the site's limit.
    fn count_body(&mut self, client: &impl Client) -> Result<(), ClientFault> {
        let piece = client.request_parts()[1].len() as u64;
        let left = self.body_left.checked_sub(piece);
        self.body_left = left.ok_or(ClientFault::Refused(RequestRefusal::BodyTooLarge))?;
        Ok(())
    }

    /// Write once; `false` if there is nothing to write, or the connection is not writable.
    fn poll_write(&mut self, context: &mut Context<'_>, client: &mut impl Client) -> bool {
        let head = &self.request_head[self.request_head_sent..];
        let [before, piece, after] = client.request_parts();
        let slices = [head, before, piece, after].map(IoSlice::new);
        let stream = Pin::new(&mut self.connection);
        if slices.iter().all(|slice| slice.is_empty()) {
            if client.request_has_ended() {
                self.upload = Upload::Ended;
            } else if self.is_truncated {
                // Pass the truncation on, so that the server does not wait for more.
                let _ = stream.poll_shutdown(context);
                self.upload = Upload::Truncated;
            }
            return false;
        }
        let written = if slices[1..].iter().all(|slice| slice.is_empty()) {
            stream.poll_write(context, head)
        } else {
            stream.poll_write_vectored(context, &slices)
        };
        match written {
            Poll::Pending => {
                self.upload = Upload::Waiting;
                return false;
            }
            Poll::Ready(Ok(count)) if count > 0 => {
                let of_head = count.min(head.len());
                self.request_head_sent += of_head;
                client.consume_request(count - of_head);
                self.has_progressed = true;
            }
            Poll::Ready(_) => self.upload = Upload::Broken,
        }
        true
    }

    /// Read the next head, of an interim or the final response.
    pub(crate) fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        method: Method,
        limits: &HeadLimits,
    ) -> Poll<Result<ResponseHead, UpstreamFailure>> {
        loop {
            let input = self.received.filled();
            if !input.is_empty()
                && (self.seen == 0 || head_may_be_complete(input, self.seen, limits))
            {
                match parse_response(input, method, limits, &mut self.fields) {
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                    Ok(None) => {}
                    Err(ResponseFault::TooLarge) => {
                        return Poll::Ready(Err(UpstreamFailure::ResponseTooLarge));
                    }
                    Err(_) => return Poll::Ready(Err(UpstreamFailure::ResponseMalformed)),
                }
            }
            self.seen = input.len();
            self.make_room_for_head(limits);
            match ready!(self.poll_receive(context)) {
                Some(0) | None => return Poll::Ready(Err(UpstreamFailure::ClosedEarly)),
                Some(_) => {}
            }
        }
    }

    fn make_room_for_head(&mut self, limits: &HeadLimits) {
        if self.received.is_empty() {
            self.received.reset(small_room());
        } else if self.received.room() == 0 {
            let size = if self.received.size() < LARGE {
                LARGE
            } else {
                self.received.size() * 2
            };
            self.received
                .move_to_room(size.min(limits.bytes.max(LARGE)));
        }
    }

    /// Read once; `None` if the connection failed. While nothing is received, no buffer is held.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        match self.received.poll_fill(context, &mut self.connection) {
            Poll::Ready(outcome) => {
                self.has_response_begun |= outcome.as_ref().is_ok_and(|&count| count > 0);
                Poll::Ready(outcome.ok())
            }
            Poll::Pending => {
                self.received.shrink();
                Poll::Pending
            }
        }
    }

    /// The last head with its fields.
    pub(crate) fn message<'m>(&'m self, head: &'m ResponseHead) -> Message<'m, ResponseHead> {
        Message {
            input: self.received.filled(),
            head,
            fields: &self.fields,
        }
    }

    /// Consume an interim response; another head follows.
    pub(crate) fn pass_interim(&mut self, head: &ResponseHead) {
        self.received.consume(head.length);
        self.seen = 0;
    }

    /// Consume the final response's head; its body follows.
    pub(crate) fn begin_body(&mut self, head: &ResponseHead) {
        self.received.consume(head.length);
        self.body = BodyReader::new(head.body);
    }

    /// Read the next piece of the body into the buffer.
    pub(crate) fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Piece, UpstreamFailure>> {
        loop {
            if let Some(piece) = self.piece()? {
                return Poll::Ready(Ok(piece));
            }
            self.received.reset(self.read_size());
            match ready!(self.poll_receive(context)) {
                Some(0) => {
                    self.body
                        .end_of_input()
                        .map_err(|_| UpstreamFailure::ClosedEarly)?;
                    self.received.shrink();
                }
                Some(count) => {
                    self.is_fast = count == self.received.size();
                    self.has_progressed = true;
                }
                None => return Poll::Ready(Err(UpstreamFailure::ClosedEarly)),
            }
        }
    }

    /// The size of the next read: large for a long body from a fast server.
    fn read_size(&self) -> usize {
        let is_short = self.body.left().is_some_and(|left| left <= SMALL as u64);
        if is_short {
            small_room()
        } else {
            piece_room(self.is_fast)
        }
    }

    /// The piece that is in the buffer already, if any.
    fn piece(&mut self) -> Result<Option<Piece>, UpstreamFailure> {
        let found = self.body.read(self.received.filled_mut());
        let found = found.map_err(|_| UpstreamFailure::ResponseMalformed)?;
        let is_last = self.body.has_ended();
        if found.payload.is_empty() && !is_last {
            self.received.consume(found.used);
            return Ok(None);
        }
        let position = self.received.position(&found.payload);
        Ok(Some(Piece {
            position,
            used: found.used,
            is_last,
            is_framed: false,
        }))
    }
}
