//! [`Client`] for a stream of HTTP/2.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::budget::is_scarce;
use edge_forward::{Buffer, Client, ClientFault, Deadline, Framing, Piece, RecycledVec, SiteHsts};
use edge_http::field_section::{write_interim, write_page, write_response};
use edge_http::http2::ErrorCode;
use edge_http::page::Page;
use edge_http::write::Message;
use edge_http::{BodyKind, Method, ResponseHead};

use super::shared::Shared;
use crate::date::date_now;

/// How long a client may take to read a response that was sent before the end of its request.
const LINGER: Duration = Duration::from_secs(2);

/// One stream of a client, which is closed on drop.
pub(super) struct Http2Client {
    shared: Shared,
    stream: u32,
    is_chunked: bool,
    has_ended: bool,
    /// The piece of the request's body to send to the server, and the number of bytes that were sent.
    piece: RecycledVec,
    sent: usize,
    framing: Framing,
    response: ResponseState,
    is_head: bool,
}

/// The state of the response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseState {
    Pending,
    Started,
    Complete,
    Aborted,
}

impl Http2Client {
    /// Create the client of a stream whose request head was read.
    pub(super) fn new(shared: Shared, stream: u32, method: Method, has_ended: bool) -> Self {
        Self {
            shared,
            stream,
            is_chunked: false,
            has_ended,
            piece: RecycledVec::default(),
            sent: 0,
            framing: Framing::NONE,
            response: ResponseState::Pending,
            is_head: method == Method::Head,
        }
    }

    /// Set the framing of the request's body for the server.
    pub(super) fn frame_body(&mut self, body: BodyKind) {
        self.is_chunked = body == BodyKind::Chunked;
        if self.is_chunked && self.has_ended {
            self.framing = Framing::LAST;
        }
    }

    /// After a response that was sent before the end of the request, wait before the stream is reset (RFC
    /// 9113 §8.1), since some clients discard a response that is followed by a reset. The stream's
    /// window stays closed, so that the client stops sending.
    pub(super) async fn linger(self, deadline: &mut Deadline) {
        if self.has_ended || self.response != ResponseState::Complete {
            return;
        }
        deadline.set(LINGER);
        self.shared.state().set_server_blocked(self.stream, false);
        poll_fn(|context| {
            if self.poll_end(context).is_ready() {
                return Poll::Ready(());
            }
            deadline.poll_due(context)
        })
        .await;
    }

    /// Wait for the end of the request, and discard its bytes.
    fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        let has_ended = state.http2.stream_state(self.stream).is_none_or(|stream| {
            stream.received.clear();
            stream.has_ended || stream.fault.is_some()
        });
        if has_ended || state.is_closed(self.stream) {
            return Poll::Ready(());
        }
        state.register(self.stream, context);
        Poll::Pending
    }

    /// Update the response's state after its head was sent.
    fn head_sent(&mut self, is_sent: bool, is_last: bool) -> Result<(), ClientFault> {
        if !is_sent {
            return Err(ClientFault::Disconnected);
        }
        self.response = if is_last {
            ResponseState::Complete
        } else {
            ResponseState::Started
        };
        Ok(())
    }

    fn send(&mut self, bytes: &[u8], is_last: bool) {
        self.shared.state().send(self.stream, bytes, is_last);
        if is_last {
            self.response = ResponseState::Complete;
        }
    }
}

impl Client for Http2Client {
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        let mut state = self.shared.state();
        if state.is_closed(self.stream) {
            return Poll::Ready(Err(ClientFault::Disconnected));
        }
        let Some(stream) = state.http2.stream_state(self.stream) else {
            return Poll::Ready(Err(ClientFault::Disconnected));
        };
        if let Some(refusal) = stream.fault {
            return Poll::Ready(Err(ClientFault::Refused(refusal)));
        }
        if !stream.received.is_empty() {
            std::mem::swap(&mut self.piece, &mut stream.received);
            if self.is_chunked {
                self.framing = Framing::chunk(self.piece.len(), false);
            }
            return Poll::Ready(Ok(()));
        }
        if stream.has_ended {
            self.has_ended = true;
            if self.is_chunked {
                self.framing = Framing::LAST;
            }
            return Poll::Ready(Ok(()));
        }
        state.register(self.stream, context);
        Poll::Pending
    }

    fn request_parts(&self) -> [&[u8]; 3] {
        [
            self.framing.before(),
            &self.piece[self.sent..],
            self.framing.after(),
        ]
    }

    fn consume_request(&mut self, count: usize) {
        let own = self.framing.consume(count, self.piece.len() - self.sent);
        self.sent += own;
        if own > 0 {
            // Reopen the client's window by as much.
            let mut state = self.shared.state();
            let bytes = u32::try_from(own).unwrap_or(u32::MAX);
            state.http2.release(self.stream, bytes);
            state.wake_session();
        }
        if self.sent == self.piece.len() {
            // Return the memory to the worker's free list.
            self.piece = RecycledVec::default();
            self.sent = 0;
        }
    }

    fn set_server_blocked(&mut self, is_waiting: bool) {
        if is_waiting && is_scarce() {
            self.piece = RecycledVec::exact(&self.piece[self.sent..]);
            self.sent = 0;
        }
        self.shared
            .state()
            .set_server_blocked(self.stream, is_waiting);
    }

    fn request_has_ended(&self) -> bool {
        self.has_ended && self.request_parts().iter().all(|part| part.is_empty())
    }

    fn poll_disconnected(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        if state.is_closed(self.stream) {
            return Poll::Ready(());
        }
        state.register(self.stream, context);
        Poll::Pending
    }

    fn send_interim(&mut self, message: Message<'_, ResponseHead>) {
        let mut state = self.shared.state();
        // A failure is detected at the next step.
        state
            .sender()
            .send_head(self.stream, false, |fields| write_interim(fields, message));
        state.wake_session();
    }

    fn start_response(
        &mut self,
        message: Message<'_, ResponseHead>,
        hsts: Option<&SiteHsts>,
    ) -> Result<(), ClientFault> {
        let is_last = matches!(message.head.body, BodyKind::None | BodyKind::Length(0));
        let mut state = self.shared.state();
        let is_sent = !state.is_closed(self.stream)
            && state.sender().send_head(self.stream, is_last, |fields| {
                let hsts = hsts.map(|it| (it.to_compare(), it.value.as_slice()));
                write_response(fields, message, hsts, date_now);
            });
        state.wake_session();
        drop(state);
        self.head_sent(is_sent, is_last)
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        piece: &mut Piece,
    ) -> Poll<Result<(), ClientFault>> {
        if self.response == ResponseState::Complete {
            return Poll::Ready(Ok(()));
        }
        while !piece.position.is_empty() {
            let wanted = piece.position.len();
            let room = self.shared.state().poll_room(context, self.stream, wanted);
            let count = ready!(room)?;
            let end = piece.position.start + count;
            let bytes = buffer.part(piece.position.start..end);
            piece.position.start = end;
            self.send(bytes, piece.is_last && piece.position.is_empty());
        }
        if piece.is_last && self.response != ResponseState::Complete {
            self.send(b"", true);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        // The session's task writes the output.
        if self.response != ResponseState::Complete {
            ready!(self.shared.state().poll_may_read(context, self.stream));
        }
        Poll::Ready(Ok(()))
    }

    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>) {
        let text = page.text();
        let mut state = self.shared.state();
        if state.is_closed(self.stream) {
            return;
        }
        // If the page exceeds the window, send only its status instead of waiting.
        let fits = state.http2.send_capacity(self.stream) >= Some(text.len());
        let is_last = self.is_head || !fits;
        let length = (self.is_head || fits).then_some(text.len());
        let is_sent = state.sender().send_head(self.stream, is_last, |fields| {
            let hsts = hsts.map(|it| it.value.as_slice());
            write_page(fields, page, length, hsts, &date_now());
        });
        state.wake_session();
        drop(state);
        if self.head_sent(is_sent, is_last).is_ok() && !is_last {
            self.send(text.as_bytes(), true);
        }
    }

    fn discard_unsent_response(&mut self) -> bool {
        let is_discarded = self.response == ResponseState::Started
            && self.shared.state().http2.retract_head(self.stream);
        if is_discarded {
            self.response = ResponseState::Pending;
        }
        is_discarded
    }

    fn abort(&mut self) {
        if matches!(
            self.response,
            ResponseState::Pending | ResponseState::Started
        ) {
            self.response = ResponseState::Aborted;
            let mut state = self.shared.state();
            state.reset(self.stream, ErrorCode::INTERNAL_ERROR);
        }
    }
}

impl Drop for Http2Client {
    fn drop(&mut self) {
        self.shared.state().close(self.stream);
    }
}
