//! Who may send next on a connection, and how much.

use std::collections::VecDeque;

use edge_forward::budget::{SCARCE, is_scarce};

use super::stream::StreamState;

/// Bytes that may wait for the socket before streams have to wait themselves.
const MOST_WAITING: usize = 48 * 1024;
/// Bytes that a stream may send at once while others wait.
const FAIR_SHARE: usize = 16 * 1024;

/// The streams that wait for room, first come first served, and what went out on all of them.
#[derive(Default)]
pub(super) struct SendQueue {
    waiting: VecDeque<u32>,
    /// Bytes of bodies that were sent, on all streams.
    sent: u64,
    /// Whether the socket has not yet taken all that was sent.
    is_socket_full: bool,
}

impl SendQueue {
    /// The stream that waits longest.
    pub(super) fn first(&self) -> Option<u32> {
        self.waiting.front().copied()
    }

    pub(super) fn join(&mut self, id: u32, stream: &mut StreamState) {
        if !std::mem::replace(&mut stream.is_queued, true) {
            self.waiting.push_back(id);
        }
    }

    /// Take a stream out; return whether it was in.
    pub(super) fn leave(&mut self, id: u32, stream: &mut StreamState) -> bool {
        let was_queued = std::mem::take(&mut stream.is_queued);
        if was_queued {
            self.waiting.retain(|&it| it != id);
        }
        was_queued
    }

    /// How many bytes all streams together may write, of those that the client's window lets
    /// through, with so many that wait for the socket.
    pub(super) fn room(&self, waiting_bytes: usize, window: usize) -> usize {
        let most = match (is_scarce(), self.is_socket_full) {
            (false, _) => MOST_WAITING,
            (true, false) => SCARCE,
            (true, true) => 0,
        };
        most.saturating_sub(waiting_bytes).min(window)
    }

    /// How much of that room one stream may take at once.
    pub(super) fn share_of(&self, room: usize) -> usize {
        if self.waiting.is_empty() {
            room
        } else {
            room.min(FAIR_SHARE)
        }
    }

    /// Count bytes that are written.
    pub(super) fn note_written(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Bytes of bodies that were written on all streams.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether the socket has taken all that was written.
    pub(super) fn set_socket_full(&mut self, is_full: bool) {
        self.is_socket_full = is_full;
    }

    /// Whether the socket has not yet taken all that was written.
    pub(super) fn is_socket_full(&self) -> bool {
        self.is_socket_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_wait_in_the_order_in_which_they_came_and_once_each() {
        let mut queue = SendQueue::default();
        let mut streams = [1, 3, 5].map(|id| (id, StreamState::default()));
        for (id, stream) in &mut streams {
            queue.join(*id, stream);
            queue.join(*id, stream);
        }
        assert!(queue.leave(1, &mut streams[0].1));
        assert!(!queue.leave(1, &mut streams[0].1));
        assert_eq!(Some(3), queue.first());
        queue.leave(3, &mut streams[1].1);
        queue.leave(5, &mut streams[2].1);
        assert_eq!(None, queue.first());
    }

    #[test]
    fn a_stream_alone_may_take_all_room_and_one_of_several_its_share() {
        let mut queue = SendQueue::default();
        let room = queue.room(0, usize::MAX);
        assert_eq!(MOST_WAITING, room);
        assert_eq!(0, queue.room(MOST_WAITING + 1, usize::MAX));
        assert_eq!(7, queue.room(0, 7));
        assert_eq!(room, queue.share_of(room));
        queue.join(1, &mut StreamState::default());
        assert_eq!(FAIR_SHARE, queue.share_of(room));
    }
}
