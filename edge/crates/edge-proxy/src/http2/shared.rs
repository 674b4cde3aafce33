//! The state that a connection's session and its streams' tasks share: that of the protocol, and wakers.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use edge_contract::Http2Cutoff;
use edge_forward::budget::{Reservation, is_scarce};
use edge_forward::{ClientFault, RecycledVec};
use edge_http::http2::{Connection, ErrorCode};

use super::send_queue::SendQueue;
use super::stream::{StreamState, store_waker};

/// Reading pauses above this many output bytes, since the client does not read.
const MAX_UNSENT: usize = 128 * 1024;
/// Reading pauses above this many bytes of request bodies that no server has accepted, while memory is
/// scarce and no response waits for a window. The receive windows are far larger.
const MAX_UNRELEASED: usize = 16 * 1024;

/// The state of a connection and its streams.
pub(super) struct State {
    pub(super) http2: Connection<StreamState>,
    sending: SendQueue,
    session: Option<Waker>,
    /// Whether reading is paused.
    is_paused: bool,
    reservation: Reservation,
    /// Set by a stream that requires the connection to end.
    pub(super) cutoff: Option<Http2Cutoff>,
    /// Whether the session has ended.
    is_ended: bool,
}

/// A handle to the state.
#[derive(Clone)]
pub(super) struct Shared(Rc<RefCell<State>>);

impl Shared {
    pub(super) fn new(http2: Connection<StreamState>) -> Self {
        Self(Rc::new(RefCell::new(State {
            http2,
            sending: SendQueue::default(),
            session: None,
            is_paused: false,
            reservation: Reservation::default(),
            cutoff: None,
            is_ended: false,
        })))
    }

    /// The state. The borrow must not be held across an await.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }
}

impl State {
    /// Wake the session when there is output.
    pub(super) fn register_session(&mut self, context: &Context<'_>) {
        store_waker(&mut self.session, context);
    }

    /// The connection, with memory for output.
    pub(super) fn sender(&mut self) -> &mut Connection<StreamState> {
        if self.http2.output().capacity() == 0 {
            std::mem::swap(self.http2.output(), &mut *RecycledVec::large());
        }
        &mut self.http2
    }

    /// Update the state after the session has written output; `is_all` if the socket accepted everything.
    /// While memory is scarce, the rest is shrunk to its size.
    pub(super) fn record_sent(&mut self, is_all: bool) {
        let output = self.http2.output();
        if output.is_empty() {
            // Return the memory to the worker's free list.
            std::mem::swap(output, &mut *RecycledVec::default());
        } else if is_scarce() {
            output.shrink_to_fit();
        }
        self.update_reservation();
        self.sending.set_socket_full(!is_all);
        if is_all {
            self.wake_next();
        }
    }

    fn update_reservation(&mut self) {
        let output = self.http2.output().capacity();
        self.reservation.set(output + self.http2.unreleased_bytes());
    }

    /// Whether to pause reading until the client has read more output, or servers have accepted more
    /// of its request bodies.
    ///
    /// While a response waits for a window, everything that the receive windows allow is read, since the
    /// client's `WINDOW_UPDATE` may follow it (RFC 9113 §5.2.2).
    pub(super) fn pauses_reading(&mut self) -> bool {
        if self.http2.output_bytes() > MAX_UNSENT {
            return true;
        }
        self.update_reservation();
        self.is_paused = is_scarce()
            && (self.http2.unreleased_bytes() > MAX_UNRELEASED || self.is_server_blocked())
            && !self.waits_for_window();
        self.is_paused
    }

    /// Whether a stream's server accepts no more of the request.
    fn is_server_blocked(&mut self) -> bool {
        self.http2.stream_states().any(|it| it.is_server_blocked)
    }

    /// Whether a response waits for a window of the client, and all output was written.
    fn waits_for_window(&mut self) -> bool {
        !self.sending.is_socket_full()
            && self
                .http2
                .stream_states()
                .any(|stream| stream.stalled_at.is_some())
    }

    /// Whether the streams' tasks should run before more is read.
    pub(super) fn yields_to_streams(&self) -> bool {
        is_scarce() && self.http2.unreleased_bytes() > 0
    }

    /// Set whether a stream's server accepts no more of the request.
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

    /// Wake the session to write output, or to resume reading.
    pub(super) fn wake_session(&mut self) {
        self.update_reservation();
        if (self.http2.output_bytes() > 0 || self.is_paused)
            && let Some(waker) = self.session.take()
        {
            waker.wake();
        }
    }

    /// Wake a stream's task at its next event.
    pub(super) fn register(&mut self, id: u32, context: &Context<'_>) {
        if let Some(stream) = self.http2.stream_state(id) {
            stream.register(context);
        }
    }

    /// Wake a stream's task.
    pub(super) fn wake(&mut self, id: u32) {
        if let Some(stream) = self.http2.stream_state(id) {
            stream.wake();
        }
    }

    /// Whether nothing can be sent on a stream any more.
    pub(super) fn is_closed(&self, id: u32) -> bool {
        self.is_ended || self.http2.send_capacity(id).is_none()
    }

    /// End the connection and all of its streams.
    pub(super) fn end(&mut self) {
        self.is_ended = true;
        self.wake_all();
    }

    /// Wake the tasks of all streams.
    pub(super) fn wake_all(&mut self) {
        self.http2.stream_states().for_each(StreamState::wake);
    }

    /// Wait until up to `wanted` bytes can be sent on a stream; returns how many.
    pub(super) fn poll_room(
        &mut self,
        context: &Context<'_>,
        id: u32,
        wanted: usize,
    ) -> Poll<Result<usize, ClientFault>> {
        let window = match self.http2.send_capacity(id) {
            Some(window) if !self.is_ended => window,
            _ => return Poll::Ready(Err(ClientFault::Disconnected)),
        };
        let room = self.room();
        if window == 0 && room > 0 {
            // Only this stream's window is closed, so it must not block the others in the queue.
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

    /// Wait until a stream may read more from its server. While memory is scarce, all output must be
    /// written first, so that a slow reader causes one buffered piece for each connection.
    pub(super) fn poll_may_read(&mut self, context: &Context<'_>, id: u32) -> Poll<()> {
        let waits = self.sending.is_socket_full() || self.http2.output_bytes() > 0;
        if waits && is_scarce() && !self.is_closed(id) {
            self.join_queue(id);
            self.register(id, context);
            return Poll::Pending;
        }
        self.leave_queue(id);
        Poll::Ready(())
    }

    /// The number of bytes that all streams together may send now.
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
            self.wake_session(); // It may have to resume reading.
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

    /// If there is room, wake the stream that has been waiting for longest.
    pub(super) fn wake_next(&mut self) {
        if self.room() > 0
            && let Some(id) = self.sending.first()
        {
            self.wake(id);
        }
    }

    /// Wake stalled streams after the client has increased windows.
    pub(super) fn windows_opened(&mut self) {
        let stalled = self
            .http2
            .stream_states()
            .filter(|stream| stream.stalled_at.is_some() && !stream.is_queued);
        stalled.for_each(StreamState::wake);
        self.wake_next();
    }

    /// Send bytes of a body, no more than [`State::poll_room`] returned.
    pub(super) fn send(&mut self, id: u32, bytes: &[u8], is_last: bool) {
        self.sender().send_data(id, bytes, is_last);
        self.sending.record_written(bytes.len());
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

    /// Whether a stream that timed out waiting for a window shows that the client reads nothing at all.
    ///
    /// A client may stall one response, which costs it that stream. The connection is cut off if nothing
    /// was sent on any stream since then, and either all streams wait for windows or the connection's
    /// window is closed; and also if it stalls many responses one after another.
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
            return false; // A WINDOW_UPDATE may be unread.
        }
        let nothing_moved = stalled_at == self.sending.sent();
        let all_wait = self
            .http2
            .stream_states()
            .all(|stream| stream.stalled_at.is_some());
        let is_shut_for_all = self.http2.has_stream_window(id);
        nothing_moved && (all_wait || is_shut_for_all) || self.http2.count_stall().is_err()
    }

    /// Close a stream whose task has ended.
    pub(super) fn close(&mut self, id: u32) {
        self.leave_queue(id);
        self.http2.close(id);
        self.wake_session();
    }
}
