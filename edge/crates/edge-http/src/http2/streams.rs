//! The streams of a connection (RFC 9113 §5.1), with the caller's state of each.
//!
//! ```text
//! idle ──HEADERS──► open ──END_STREAM received──► half-closed (remote) ─┐ the caller closes it
//!   │                ├──END_STREAM sent─────────► half-closed (local) ──┼──────────► closed
//!   │                └──RST_STREAM, by either───► reset ────────────────┘
//!   └──HEADERS beyond the limit, or after GOAWAY──► closed
//! ```
//! A stream that both sides have ended exists until the caller closes it. A malformed one goes
//! through the same states, with its body ignored, and is reset at the end of its response. Frames on
//! a closed stream are counted against its window, up to its `END_STREAM`.

use std::collections::VecDeque;

use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::flow::{ReceiveWindow, SendWindow};

/// The most closed streams that are remembered; more than can have frames in flight.
const MAX_CLOSED: usize = 256;

/// A stream that the caller has not closed.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "both sides close and reset independently of each other (RFC 9113 §5.1)"
)]
pub(super) struct Stream<T> {
    pub(super) id: u32,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// The number of body bytes that the caller has not released.
    pub(super) unreleased: u32,
    /// The number of body bytes that are left of the Content-Length.
    pub(super) remaining: Option<u64>,
    /// Whether the client has ended its direction.
    pub(super) is_remote_closed: bool,
    /// Whether the server has ended its direction.
    pub(super) is_local_closed: bool,
    /// Whether either side has reset it.
    pub(super) is_reset: bool,
    /// Whether the request is malformed, so that the rest is ignored and the stream ends with a reset (RFC
    /// 9113 §8.1.1).
    pub(super) is_malformed: bool,
    /// The position of the last header block, until a body follows it.
    pub(super) head_position: Option<u64>,
    /// The caller's state.
    pub(super) state: T,
}

impl<T> Stream<T> {
    /// Record the end of the response if `is_last`; return whether its frame has `END_STREAM`.
    pub(super) fn end_with(&mut self, is_last: bool) -> bool {
        self.is_local_closed = is_last && !self.is_malformed;
        self.is_local_closed
    }

    /// Count bytes of the body; `false` if they do not add up to the Content-Length.
    pub(super) fn count_body(&mut self, bytes: usize, has_ended: bool) -> bool {
        let Some(remaining) = &mut self.remaining else {
            return true;
        };
        match remaining.checked_sub(bytes as u64) {
            Some(left) => {
                *remaining = left;
                left == 0 || !has_ended
            }
            None => false,
        }
    }
}

/// The open streams in the order of their numbers, and recently closed ones.
#[derive(Debug)]
pub(super) struct Streams<T> {
    open: Vec<Stream<T>>,
    closed: ClosedStreams,
    /// The highest stream that the client has opened.
    highest: u32,
}

impl<T> Default for Streams<T> {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            closed: ClosedStreams::default(),
            highest: 0,
        }
    }
}

impl<T> Streams<T> {
    /// The number of open streams.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The highest number of a stream that the client has opened.
    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether the client has opened a stream with this number, which may be closed by now.
    pub(super) fn was_opened(&self, id: u32) -> bool {
        id <= self.highest && !id.is_multiple_of(2)
    }

    /// Whether the client may open a stream with this number next.
    pub(super) fn may_open(&self, id: u32) -> bool {
        id > self.highest && !id.is_multiple_of(2)
    }

    /// Record that the client has opened a stream with this number; all lower idle ones are closed by that.
    pub(super) fn record_opened(&mut self, id: u32) {
        self.highest = id;
    }

    /// Add the stream that was opened last.
    pub(super) fn push(&mut self, stream: Stream<T>) {
        self.open.push(stream);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Stream<T>> {
        self.open.get(self.index(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream<T>> {
        let index = self.index(id)?;
        self.open.get_mut(index)
    }

    /// Close a stream. Frames in flight for it are not errors.
    pub(super) fn close(&mut self, id: u32) -> Option<Stream<T>> {
        let stream = self.open.remove(self.index(id)?);
        if !stream.is_remote_closed {
            self.closed.push(id, stream.receive_window);
        }
        Some(stream)
    }

    /// Close a stream that was refused, on which the client may send as much as its window allows.
    pub(super) fn refuse(&mut self, id: u32, window: ReceiveWindow) {
        self.closed.push(id, window);
    }

    /// Count bytes on a stream that is not open. They are allowed within its window and up to its end if the
    /// server closed it.
    pub(super) fn receive_on_closed(
        &mut self,
        id: u32,
        bytes: u32,
        has_ended: bool,
    ) -> Result<(), Cutoff> {
        if !self.was_opened(id) {
            return Err(Reason::ProtocolViolated.into());
        }
        let window = self.closed.get_mut(id).ok_or(Reason::StreamClosed)?;
        window.receive(bytes)?;
        if has_ended {
            self.closed.remove(id);
        }
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream<T>> {
        self.open.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream<T>> {
        self.open.iter_mut()
    }

    /// Release memory, when no stream is open.
    pub(super) fn release_memory(&mut self) {
        self.open = Vec::new();
    }

    fn index(&self, id: u32) -> Option<usize> {
        self.open.binary_search_by_key(&id, |stream| stream.id).ok()
    }
}

/// Streams that the server closed before the client ended them, with what the client may still send.
#[derive(Debug, Default)]
struct ClosedStreams(VecDeque<(u32, ReceiveWindow)>);

impl ClosedStreams {
    fn push(&mut self, id: u32, window: ReceiveWindow) {
        if self.0.len() == MAX_CLOSED {
            self.0.pop_front();
        }
        self.0.push_back((id, window));
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut ReceiveWindow> {
        let mut entries = self.0.iter_mut();
        entries.find(|it| it.0 == id).map(|it| &mut it.1)
    }

    /// Remove a stream whose end the client has sent.
    fn remove(&mut self, id: u32) {
        self.0.retain(|it| it.0 != id);
    }
}
