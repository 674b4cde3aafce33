//! Streams that we closed before the client did: what is still under way for them is no fault.

use std::collections::VecDeque;

use super::flow::ReceiveWindow;

/// More than can be under way at once.
const MOST: usize = 256;

/// The last of them, with what the client may still send: nobody opens the window any more.
#[derive(Debug, Default)]
pub(super) struct ClosedStreams(VecDeque<(u32, ReceiveWindow)>);

impl ClosedStreams {
    /// Remember a stream whose end the client has not sent.
    pub(super) fn push(&mut self, id: u32, window: ReceiveWindow) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((id, window));
    }

    /// The window of a stream that is remembered.
    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut ReceiveWindow> {
        let mut entries = self.0.iter_mut();
        entries.find(|it| it.0 == id).map(|it| &mut it.1)
    }

    /// The client has sent the stream's end: nothing follows.
    pub(super) fn forget(&mut self, id: u32) {
        self.0.retain(|it| it.0 != id);
    }
}
