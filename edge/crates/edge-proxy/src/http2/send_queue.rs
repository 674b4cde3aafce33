//! Scheduling of the streams that send on a connection.

use std::collections::VecDeque;

use edge_forward::budget::{SCARCE, is_scarce};

use super::stream::StreamState;

/// The most output bytes that wait for the socket before streams have to wait.
const MAX_WAITING: usize = 48 * 1024;
/// The most bytes that a stream may write in one step while others wait.
const FAIR_SHARE: usize = 16 * 1024;

/// The streams that wait to send, in FIFO order, and the bytes that all streams have written.
#[derive(Default)]
pub(super) struct SendQueue {
    waiting: VecDeque<u32>,
    /// The number of body bytes that were written on all streams.
    sent: u64,
    /// Whether output is left that the socket did not accept.
    is_socket_full: bool,
}

impl SendQueue {
    /// The stream that has been waiting for longest.
    pub(super) fn first(&self) -> Option<u32> {
        self.waiting.front().copied()
    }

    pub(super) fn join(&mut self, id: u32, stream: &mut StreamState) {
        if !std::mem::replace(&mut stream.is_queued, true) {
            self.waiting.push_back(id);
        }
    }

    /// Remove a stream; return whether it was in the queue.
    pub(super) fn leave(&mut self, id: u32, stream: &mut StreamState) -> bool {
        let was_queued = std::mem::take(&mut stream.is_queued);
        if was_queued {
            self.waiting.retain(|&it| it != id);
        }
        was_queued
    }

    /// The number of bytes that all streams together may write, with so many output bytes waiting for the
    /// socket and this connection window.
    pub(super) fn room(&self, waiting_bytes: usize, window: usize) -> usize {
        let limit = match (is_scarce(), self.is_socket_full) {
            (false, _) => MAX_WAITING,
            (true, false) => SCARCE,
            (true, true) => 0,
        };
        limit.saturating_sub(waiting_bytes).min(window)
    }

    /// The part of that room that one stream may use in one step.
    pub(super) fn share_of(&self, room: usize) -> usize {
        if self.waiting.is_empty() {
            room
        } else {
            room.min(FAIR_SHARE)
        }
    }

    /// Count bytes that were written.
    pub(super) fn record_written(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// The number of body bytes that were written on all streams.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Set whether output is left that the socket did not accept.
    pub(super) fn set_socket_full(&mut self, is_full: bool) {
        self.is_socket_full = is_full;
    }

    /// Whether output is left that the socket did not accept.
    pub(super) fn is_socket_full(&self) -> bool {
        self.is_socket_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_queued_once_in_fifo_order() {
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
    fn a_single_stream_gets_all_room_and_one_of_several_its_share() {
        let mut queue = SendQueue::default();
        let room = queue.room(0, usize::MAX);
        assert_eq!(MAX_WAITING, room);
        assert_eq!(0, queue.room(MAX_WAITING + 1, usize::MAX));
        assert_eq!(7, queue.room(0, 7));
        assert_eq!(room, queue.share_of(room));
        queue.join(1, &mut StreamState::default());
        assert_eq!(FAIR_SHARE, queue.share_of(room));
    }
}
