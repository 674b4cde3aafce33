//! Streams that we closed before the client did: what is still under way for them is no fault.

use std::collections::VecDeque;

/// More than can be under way at once.
const MOST: usize = 256;

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct ClosedStreams(VecDeque<u32>);

impl ClosedStreams {
    pub(super) fn push(&mut self, stream: u32) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(stream);
    }

    pub(super) fn contains(&self, stream: u32) -> bool {
        self.0.contains(&stream)
    }
}
