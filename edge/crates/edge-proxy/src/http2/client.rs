//! An HTTP/2 client's stream, as forwarding sees it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::budget::is_scarce;
use edge_forward::{Buffer, Client, ClientFault, Deadline, Framing, Piece, SiteHsts, Text};
use edge_http::field_section::{write_interim, write_page, write_response};
use edge_http::http2::ErrorCode;
use edge_http::page::Page;
use edge_http::write::Message;
use edge_http::{BodyKind, Method, ResponseHead};

use super::shared::Shared;
use crate::date::date_now;

/// For how long a client may take to read an early answer.
const LINGER: Duration = Duration::from_secs(2);

/// One stream of a client; when it is dropped, the stream is closed.
pub(super) struct Http2Client {
    shared: Shared,
    stream: u32,
    is_chunked: bool,
    has_ended: bool,
    /// The piece of the request's body that waits for the server, and how much of it is sent.
    piece: Text,
    sent: usize,
    framing: Framing,
    answer: Answer,
    is_head: bool,
}

/// How far the answer has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Owed,
    Open,
    Whole,
    Aborted,
}

impl Http2Client {
    /// A client whose request's head was read.
    pub(super) fn new(shared: Shared, stream: u32, method: Method, has_ended: bool) -> Self {
        Self {
            shared,
            stream,
            is_chunked: false,
            has_ended,
            piece: Text::default(),
            sent: 0,
            framing: Framing::NONE,
            answer: Answer::Owed,
            is_head: method == Method::Head,
        }
    }

    /// Tell how the request's body goes to the server.
    pub(super) fn frame_body(&mut self, body: BodyKind) {
        self.is_chunked = body == BodyKind::Chunked;
        if self.is_chunked && self.has_ended {
            self.framing = Framing::LAST;
        }
    }

    /// After an answer that came before the end of the request: let the client read it before the
    /// stream is reset (RFC 9113 §8.1), since some take the reset for the answer. Its window stays
    /// closed, so that it does not go on sending what nobody reads.
    pub(super) async fn linger(self, deadline: &mut Deadline) {
        if self.has_ended || self.answer != Answer::Whole {
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

    /// Wait for the request's end, dropping what comes.
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

    /// Mark how far the answer is when its head was sent.
    fn head_sent(&mut self, is_sent: bool, is_last: bool) -> Result<(), ClientFault> {
        if !is_sent {
            return Err(ClientFault::Gone);
        }
        self.answer = if is_last { Answer::Whole } else { Answer::Open };
        Ok(())
    }

    fn send(&mut self, bytes: &[u8], is_last: bool) {
        self.shared.state().send(self.stream, bytes, is_last);
        if is_last {
            self.answer = Answer::Whole;
        }
    }
}

impl Client for Http2Client {
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        let mut state = self.shared.state();
        if state.is_closed(self.stream) {
            return Poll::Ready(Err(ClientFault::Gone));
        }
        let Some(stream) = state.http2.stream_state(self.stream) else {
            return Poll::Ready(Err(ClientFault::Gone));
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
            // Only now may the client send as much again.
            let mut state = self.shared.state();
            let bytes = u32::try_from(own).unwrap_or(u32::MAX);
            state.http2.release(self.stream, bytes);
            state.wake_session();
        }
        if self.sent == self.piece.len() {
            // The worker keeps the memory for whoever is next.
            self.piece = Text::default();
            self.sent = 0;
        }
    }

    fn set_server_blocked(&mut self, is_waiting: bool) {
        if is_waiting && is_scarce() {
            self.piece = Text::of_its_size(&self.piece[self.sent..]);
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
        // A client that is gone shows so at the next step.
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
        if self.answer == Answer::Whole {
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
        if piece.is_last && self.answer != Answer::Whole {
            self.send(b"", true);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        // The connection's own task sends what its streams have ready.
        if self.answer != Answer::Whole {
            ready!(self.shared.state().poll_wanted(context, self.stream));
        }
        Poll::Ready(Ok(()))
    }

    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>) {
        let text = page.text();
        let mut state = self.shared.state();
        if state.is_closed(self.stream) {
            return;
        }
        // Nobody waits for a window with a page: where it does not fit, its status has to do.
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
        let is_taken =
            self.answer == Answer::Open && self.shared.state().http2.retract_head(self.stream);
        if is_taken {
            self.answer = Answer::Owed;
        }
        is_taken
    }

    fn abort(&mut self) {
        if matches!(self.answer, Answer::Owed | Answer::Open) {
            self.answer = Answer::Aborted;
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
