//! Streams that we closed before the client did: what is still under way for them is no fault.

use std::collections::VecDeque;

/// More than can be under way at once.
const MOST: usize = 256;

/// A stream whose end the client has not said yet.
#[derive(Debug)]
pub(super) struct ClosedStream {
    id: u32,
    /// Bytes that the client may still send: nobody opens the window any more.
    pub(super) receive_window: u32,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct ClosedStreams(VecDeque<ClosedStream>);

impl ClosedStreams {
    /// Remember a stream, and what may still be under way for it.
    pub(super) fn push(&mut self, id: u32, receive_window: u32) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(ClosedStream { id, receive_window });
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut ClosedStream> {
        self.0.iter_mut().find(|it| it.id == id)
    }

    /// The client has said the stream's end: nothing follows.
    pub(super) fn forget(&mut self, id: u32) {
        self.0.retain(|it| it.id != id);
    }
}
