//! The streams of a connection (RFC 9113 §5.1), and what the connection's driver keeps with each.
//!
//! ```text
//! idle ──HEADERS──► open ──END_STREAM received──► half-closed (remote) ─┐ the driver closes it
//!   │                ├──END_STREAM sent─────────► half-closed (local) ──┼──────────► closed
//!   │                └──RST_STREAM, by either───► reset ────────────────┘
//!   └──HEADERS beyond the limit, or after GOAWAY──► closed
//! ```
//! A stream that both sides have ended stays until its driver closes it. One that is malformed goes
//! through the same states, with its body dropped, and is reset at the end of its response. What
//! still arrives on a closed stream is counted against its window, up to its `END_STREAM`.

use super::closed_streams::ClosedStreams;
use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::flow::{ReceiveWindow, SendWindow};

/// A stream that is not closed, or whose driver has not let it go yet.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "both sides close and break off independently of each other (RFC 9113 §5.1)"
)]
pub(super) struct Stream<T> {
    pub(super) id: u32,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// Bytes that the driver has got and not yet released.
    pub(super) unreleased: u32,
    /// Bytes of the body that are still to come by its content-length.
    pub(super) remaining: Option<u64>,
    /// The client has sent the stream's end.
    pub(super) is_remote_closed: bool,
    /// We have.
    pub(super) is_local_closed: bool,
    /// One side has reset it.
    pub(super) is_reset: bool,
    /// The request breaks the protocol: what comes is dropped, and the stream ends in a reset
    /// (RFC 9113 §8.1.1).
    pub(super) is_malformed: bool,
    /// Where the header block that was written last begins, until a body follows it.
    pub(super) head_position: Option<u64>,
    /// The driver's.
    pub(super) state: T,
}

impl<T> Stream<T> {
    /// Note whether the response ends; return whether the frame that ends it ends the stream.
    pub(super) fn end_with(&mut self, is_last: bool) -> bool {
        self.is_local_closed = is_last && !self.is_malformed;
        self.is_local_closed
    }

    /// Count bytes of the body; `false` when they do not add up to its content-length.
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

/// The open streams in the order of their numbers, and the closed ones as far as they matter.
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
    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The highest number that the client has opened a stream with.
    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether the client has opened a stream of that number, which may be closed by now.
    pub(super) fn was_opened(&self, id: u32) -> bool {
        id <= self.highest && !id.is_multiple_of(2)
    }

    /// Whether the client may open a stream of that number next.
    pub(super) fn may_open(&self, id: u32) -> bool {
        id > self.highest && !id.is_multiple_of(2)
    }

    /// The client has opened a stream of that number; all lower ones are opened with it.
    pub(super) fn note_opened(&mut self, id: u32) {
        self.highest = id;
    }

    /// Add the stream that was opened last.
    pub(super) fn push(&mut self, stream: Stream<T>) {
        self.open.push(stream);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Stream<T>> {
        self.open.get(self.place(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream<T>> {
        let place = self.place(id)?;
        self.open.get_mut(place)
    }

    /// Close a stream; what is under way for it is no fault of the client's.
    pub(super) fn close(&mut self, id: u32) -> Option<Stream<T>> {
        let stream = self.open.remove(self.place(id)?);
        if !stream.is_remote_closed {
            self.closed.push(id, stream.receive_window);
        }
        Some(stream)
    }

    /// Close a stream that was never taken, for which the client may send as much as its window
    /// lets through.
    pub(super) fn refuse(&mut self, id: u32, window: ReceiveWindow) {
        self.closed.push(id, window);
    }

    /// Count what comes for a stream that is not open: as much as its window let through, and up
    /// to its end, when we closed it.
    pub(super) fn receive_late(
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
            self.closed.forget(id);
        }
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream<T>> {
        self.open.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream<T>> {
        self.open.iter_mut()
    }

    /// Give the memory back, when no stream is open.
    pub(super) fn release_memory(&mut self) {
        self.open = Vec::new();
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.open.binary_search_by_key(&id, |stream| stream.id).ok()
    }
}
