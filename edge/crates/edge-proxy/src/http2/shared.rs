//! What a connection's session and its streams' tasks share: the protocol's state, and who waits for
//! what.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use edge_contract::Http2Cutoff;
use edge_forward::budget::{Reservation, is_scarce};
use edge_forward::{ClientFault, Text};
use edge_http::http2::{Connection, ErrorCode};

use super::send_queue::SendQueue;
use super::stream::{StreamState, keep_waker};

/// Above so many unsent bytes no more is read: the client does not read either.
const MOST_UNSENT: usize = 128 * 1024;
/// Bytes of bodies that a client may have sent and no server taken before it is not listened to,
/// while memory is scarce and no answer waits for a window; its windows alone let it send far more.
/// What a server has no room for is not read at all.
const MOST_UNTAKEN: usize = 16 * 1024;

/// The state behind a connection and its streams.
pub(super) struct State {
    pub(super) http2: Connection<StreamState>,
    sending: SendQueue,
    session: Option<Waker>,
    /// Whether no more is read of what the client sends.
    is_paused: bool,
    held: Reservation,
    /// Why a stream wants the connection's end.
    pub(super) cutoff: Option<Http2Cutoff>,
    /// Nothing is sent any more.
    is_over: bool,
}

/// A handle to it.
#[derive(Clone)]
pub(super) struct Shared(Rc<RefCell<State>>);

impl Shared {
    pub(super) fn new(http2: Connection<StreamState>) -> Self {
        Self(Rc::new(RefCell::new(State {
            http2,
            sending: SendQueue::default(),
            session: None,
            is_paused: false,
            held: Reservation::default(),
            cutoff: None,
            is_over: false,
        })))
    }

    /// The state; nobody keeps it over a wait.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }
}

impl State {
    /// Have the session woken when there is something to send.
    pub(super) fn register_session(&mut self, context: &Context<'_>) {
        keep_waker(&mut self.session, context);
    }

    /// The connection, with memory for what is to be sent.
    pub(super) fn sender(&mut self) -> &mut Connection<StreamState> {
        if self.http2.output().capacity() == 0 {
            std::mem::swap(self.http2.output(), &mut *Text::long());
        }
        &mut self.http2
    }

    /// The session has sent what the socket takes. What waits is held in its own size, unless
    /// there is plenty.
    pub(super) fn note_sent(&mut self, is_all: bool) {
        let output = self.http2.output();
        if output.is_empty() {
            // The worker keeps the memory for whoever is next.
            std::mem::swap(output, &mut *Text::default());
        } else if is_scarce() {
            output.shrink_to_fit();
        }
        self.note_held();
        self.sending.set_socket_full(!is_all);
        if is_all {
            self.wake_next();
        }
    }

    fn note_held(&mut self) {
        let output = self.http2.output().capacity();
        self.held.set(output + self.http2.unreleased_bytes());
    }

    /// Whether to read no more before the client has taken more of what was sent to it, or servers
    /// of what it sent.
    ///
    /// While an answer waits for a window the client is heard up to the windows that it was given:
    /// its `WINDOW_UPDATE` may lie behind all that (RFC 9113 §5.2.2).
    pub(super) fn pauses_reading(&mut self) -> bool {
        if self.http2.output_bytes() > MOST_UNSENT {
            return true;
        }
        self.note_held();
        self.is_paused = is_scarce()
            && (self.http2.unreleased_bytes() > MOST_UNTAKEN || self.is_server_blocked())
            && !self.waits_for_window();
        self.is_paused
    }

    /// Whether a server takes no more of what is still to come.
    fn is_server_blocked(&mut self) -> bool {
        self.http2.stream_states().any(|it| it.is_server_blocked)
    }

    /// Whether the client has been sent all that its windows let through, and an answer is not whole.
    fn waits_for_window(&mut self) -> bool {
        !self.sending.is_socket_full()
            && self
                .http2
                .stream_states()
                .any(|stream| stream.stalled_at.is_some())
    }

    /// Whether streams should have their turn with what has come before more is read.
    pub(super) fn lets_streams_run(&self) -> bool {
        is_scarce() && self.http2.unreleased_bytes() > 0
    }

    /// Whether a stream's server takes no more of what is still to come for it.
    pub(super) fn set_server_blocked(&mut self, id: u32, is_blocked: bool) {
        if let Some(stream) = self.http2.stream_state(id)
            && std::mem::replace(
                &mut stream.is_server_blocked,
                is_blocked && !stream.has_ended,
            )
            && !is_blocked
        {
            self.wake_session();
        }
    }

    /// Let the session send what is there, and listen again.
    pub(super) fn wake_session(&mut self) {
        self.note_held();
        if (self.http2.output_bytes() > 0 || self.is_paused)
            && let Some(waker) = self.session.take()
        {
            waker.wake();
        }
    }

    /// Have a stream's task woken when something happens to the stream.
    pub(super) fn register(&mut self, id: u32, context: &Context<'_>) {
        if let Some(stream) = self.http2.stream_state(id) {
            stream.register(context);
        }
    }

    /// Something happened to a stream.
    pub(super) fn wake(&mut self, id: u32) {
        if let Some(stream) = self.http2.stream_state(id) {
            stream.wake();
        }
    }

    /// Whether nothing can be said on a stream any more.
    pub(super) fn is_closed(&self, id: u32) -> bool {
        self.is_over || self.http2.send_capacity(id).is_none()
    }

    /// The connection has ended: so do its streams.
    pub(super) fn end(&mut self) {
        self.is_over = true;
        self.wake_all();
    }

    /// Something happened to all streams.
    pub(super) fn wake_all(&mut self) {
        self.http2.stream_states().for_each(StreamState::wake);
    }

    /// Wait for room to send up to so many bytes on a stream; say how many.
    pub(super) fn poll_room(
        &mut self,
        context: &Context<'_>,
        id: u32,
        wanted: usize,
    ) -> Poll<Result<usize, ClientFault>> {
        let window = match self.http2.send_capacity(id) {
            Some(window) if !self.is_over => window,
            _ => return Poll::Ready(Err(ClientFault::Gone)),
        };
        let room = self.room();
        if window == 0 && room > 0 {
            // This stream's own window is closed: nobody else shall wait for that.
            self.leave_queue(id);
            return self.wait_for_window(id, context);
        }
        let is_first = self.sending.first().is_none_or(|first| first == id);
        if room == 0 || !is_first {
            self.join_queue(id);
            return self.wait_for_window(id, context);
        }
        self.leave_queue(id);
        if let Some(stream) = self.http2.stream_state(id) {
            stream.stalled_at = None;
        }
        let share = self.sending.share_of(room);
        Poll::Ready(Ok(wanted.min(window).min(share)))
    }

    /// Before a stream reads more from its server: wait until the socket has taken what was sent,
    /// while memory is scarce. So a slow reader holds one piece for each connection, not several.
    pub(super) fn poll_wanted(&mut self, context: &Context<'_>, id: u32) -> Poll<()> {
        let waits = self.sending.is_socket_full() || self.http2.output_bytes() > 0;
        if waits && is_scarce() && !self.is_closed(id) {
            self.join_queue(id);
            self.register(id, context);
            return Poll::Pending;
        }
        self.leave_queue(id);
        Poll::Ready(())
    }

    /// How much all streams together may send now.
    fn room(&self) -> usize {
        self.sending
            .room(self.http2.output_bytes(), self.http2.send_window())
    }

    fn wait_for_window<T>(&mut self, id: u32, context: &Context<'_>) -> Poll<T> {
        let sent = self.sending.sent();
        if let Some(stream) = self.http2.stream_state(id)
            && stream
                .stalled_at
                .replace(stream.stalled_at.unwrap_or(sent))
                .is_none()
            && self.is_paused
        {
            self.wake_session(); // It may have to listen again.
        }
        self.register(id, context);
        Poll::Pending
    }

    fn join_queue(&mut self, id: u32) {
        if let Some(stream) = self.http2.stream_state(id) {
            self.sending.join(id, stream);
        }
    }

    fn leave_queue(&mut self, id: u32) {
        if let Some(stream) = self.http2.stream_state(id)
            && self.sending.leave(id, stream)
        {
            self.wake_next();
        }
    }

    /// If there is room, let the stream have it that waits longest.
    pub(super) fn wake_next(&mut self) {
        if self.room() > 0
            && let Some(id) = self.sending.first()
        {
            self.wake(id);
        }
    }

    /// The client has opened windows.
    pub(super) fn windows_grew(&mut self) {
        let stalled = self
            .http2
            .stream_states()
            .filter(|stream| stream.stalled_at.is_some() && !stream.is_queued);
        stalled.for_each(StreamState::wake);
        self.wake_next();
    }

    /// Send bytes of a body: no more than [`State::poll_room`] said.
    pub(super) fn send(&mut self, id: u32, bytes: &[u8], is_last: bool) {
        self.sender().send_data(id, bytes, is_last);
        self.sending.note_written(bytes.len());
        self.wake_session();
    }

    /// Reset a stream.
    pub(super) fn reset(&mut self, id: u32, code: ErrorCode) {
        if self.is_client_stalled(id) {
            self.cutoff = Some(Http2Cutoff::WindowStalled);
        }
        self.http2.reset(id, code);
        self.wake_session();
    }

    /// Whether a stream that is given up shows that the client takes nothing at all.
    ///
    /// To let one response wait, for good, is a client's right, and costs it that stream. But when
    /// since then nothing has gone out on any other, and all of them wait for windows, or the one
    /// window for all is what is shut, then nobody is there to send to; nor is there any right to
    /// one such response after the other.
    fn is_client_stalled(&mut self, id: u32) -> bool {
        let stalled_at = self
            .http2
            .stream_state(id)
            .and_then(|stream| stream.stalled_at);
        let Some(stalled_at) = stalled_at.filter(|_| self.http2.send_capacity(id) == Some(0))
        else {
            return false;
        };
        if self.is_paused {
            return false; // Whatever the client has said of its windows, nobody has listened.
        }
        let nothing_moved = stalled_at == self.sending.sent();
        let all_wait = self
            .http2
            .stream_states()
            .all(|stream| stream.stalled_at.is_some());
        let is_shut_for_all = self.http2.has_stream_window(id);
        nothing_moved && (all_wait || is_shut_for_all) || self.http2.count_stall().is_err()
    }

    /// Nobody waits for a stream any more.
    pub(super) fn close(&mut self, id: u32) {
        self.leave_queue(id);
        self.http2.close(id);
        self.wake_session();
    }
}
