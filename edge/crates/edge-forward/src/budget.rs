//! The memory budget of a worker: the bytes that its connections buffer, and the size of their next
//! reads.
//!
//! Each worker thread has its own. All buffered bytes of peers are counted here: a
//! [`Buffer`](crate::Buffer) counts its own capacity, and HTTP/2 counts bodies and output with a
//! [`Reservation`].

use std::cell::Cell;

use edge_http::http2::{FRAME_HEADER_BYTES, MAX_FRAME_BYTES};

/// Buffer size for a head, or for a typical response.
pub const SMALL: usize = 16 * 1024;
/// Buffer size for the longest HTTP/2 frame.
pub const FRAME: usize = FRAME_HEADER_BYTES + MAX_FRAME_BYTES;
/// Buffer size for a long body, for fewer and larger reads.
pub const LARGE: usize = 128 * 1024;
/// Buffer size while memory is scarce.
pub const SCARCE: usize = 8 * 1024;
/// Memory is scarce from this many reserved bytes on. Connections that make progress release
/// their buffers at each wait; only those with a slow reader keep them.
pub(crate) const SCARCITY_THRESHOLD: usize = 4 * 1024 * 1024;

thread_local! {
    static RESERVED: Cell<usize> = const { Cell::new(0) };
}

/// The number of bytes that the worker's connections buffer.
#[must_use]
pub fn reserved() -> usize {
    RESERVED.get()
}

/// Whether memory is scarce, so that buffers should be as small as possible.
#[must_use]
pub fn is_scarce() -> bool {
    RESERVED.get() >= SCARCITY_THRESHOLD
}

/// The buffer size for a head, or for a short body.
#[must_use]
pub fn small_room() -> usize {
    if is_scarce() { SCARCE } else { SMALL }
}

/// The buffer size for the next piece of a long body: a large one if the source is fast.
#[must_use]
pub fn piece_room(is_fast: bool) -> usize {
    if is_fast && !is_scarce() {
        LARGE
    } else {
        small_room()
    }
}

/// Add to the reserved bytes.
pub(crate) fn reserve(bytes: usize) {
    RESERVED.set(RESERVED.get() + bytes);
}

/// Subtract from the reserved bytes.
pub(crate) fn release(bytes: usize) {
    RESERVED.set(RESERVED.get() - bytes);
}

/// Counts bytes that are buffered outside of a [`Buffer`](crate::Buffer), until it is dropped.
#[derive(Default)]
pub struct Reservation(usize);

impl Reservation {
    /// Set the number of bytes.
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
    fn pieces_are_small_while_memory_is_scarce() {
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
        reservation.set(SCARCITY_THRESHOLD - 1 - reserved());
        assert!(!is_scarce());
        reservation.set(SCARCITY_THRESHOLD - LARGE);
        assert!(is_scarce());
        drop(buffer);
        assert!(!is_scarce());
        drop(reservation);
        assert_eq!(0, reserved());
    }
}
