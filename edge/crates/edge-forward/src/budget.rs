//! The worker's memory budget: what its connections hold while they wait, and how much room each
//! gets for its next read.
//!
//! There is one for each worker, which is one thread. Everything that holds bytes from outside over
//! a wait is reserved here: the room of each [`Buffer`](crate::Buffer) by itself, and what HTTP/2
//! holds of bodies and output by a [`Reservation`].

use std::cell::Cell;

use edge_http::http2::{FRAME_HEADER_BYTES, MOST_FRAME_BYTES};

/// Room for a head, or for a response as most are.
pub const SMALL: usize = 16 * 1024;
/// Room for the longest frame of HTTP/2.
pub const FRAME: usize = FRAME_HEADER_BYTES + MOST_FRAME_BYTES;
/// Room for a piece of a body that goes on: fewer, larger reads.
pub const LARGE: usize = 128 * 1024;
/// Room for a piece while memory is scarce.
pub const SCARCE: usize = 8 * 1024;
/// What may be reserved before memory is scarce. Connections that move give theirs back at each
/// wait; only those whose reader is slow keep it.
pub(crate) const PLENTY: usize = 4 * 1024 * 1024;

thread_local! {
    static RESERVED: Cell<usize> = const { Cell::new(0) };
}

/// Bytes that the worker's connections hold.
#[must_use]
pub fn reserved() -> usize {
    RESERVED.get()
}

/// Whether so much is reserved that each connection gets no more than it needs.
#[must_use]
pub fn is_scarce() -> bool {
    RESERVED.get() >= PLENTY
}

/// The room for a head, or for a short body.
#[must_use]
pub fn small_room() -> usize {
    if is_scarce() { SCARCE } else { SMALL }
}

/// The room for the next piece of a long body; a source that is fast gets a large one.
#[must_use]
pub fn piece_room(is_fast: bool) -> usize {
    if is_fast && !is_scarce() {
        LARGE
    } else {
        small_room()
    }
}

/// Count so many bytes more.
pub(crate) fn reserve(bytes: usize) {
    RESERVED.set(RESERVED.get() + bytes);
}

/// Count so many bytes less.
pub(crate) fn release(bytes: usize) {
    RESERVED.set(RESERVED.get() - bytes);
}

/// Bytes that are held outside of a [`Buffer`](crate::Buffer); released when it is dropped.
#[derive(Default)]
pub struct Reservation(usize);

impl Reservation {
    /// It is so many bytes now.
    pub fn set(&mut self, bytes: usize) {
        release(self.0);
        reserve(bytes);
        self.0 = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        release(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Buffer;

    #[test]
    fn pieces_are_small_while_many_are_held() {
        assert_eq!((LARGE, SMALL), (piece_room(true), piece_room(false)));
        let held: Vec<Buffer> = (0..64).map(|_| Buffer::with_room(LARGE)).collect();
        assert_eq!((SCARCE, SCARCE), (piece_room(true), piece_room(false)));
        drop(held);
        assert_eq!(LARGE, piece_room(true));
    }

    #[test]
    fn buffers_and_reservations_count_together() {
        let buffer = Buffer::with_room(LARGE);
        let mut reservation = Reservation::default();
        reservation.set(PLENTY - 1 - reserved());
        assert!(!is_scarce());
        reservation.set(PLENTY - LARGE);
        assert!(is_scarce());
        drop(buffer);
        assert!(!is_scarce());
        drop(reservation);
        assert_eq!(0, reserved());
    }
}
