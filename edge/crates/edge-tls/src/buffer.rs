//! Byte queues whose memory is returned to the thread's free list while a connection is idle.

use std::cell::{Cell, RefCell};

/// The size of a large buffer, in bytes: room for eight full records and some small ones, so that a large
/// body needs few system calls.
const LARGE_BYTES: usize = 136 * 1024;
/// The most bytes that stay in a small buffer while the rest of a record is awaited.
const SMALL_BYTES: usize = 4 * 1024;
/// The most large buffers in the free list.
const MAX_FREE: usize = 16;
/// The most large buffers in use. Connections that make progress release theirs at each wait; only
/// those whose peer does not read keep them. Beyond this number, buffers have the size of their bytes.
const MAX_LARGE: usize = 32;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static LARGE_IN_USE: Cell<usize> = const { Cell::new(0) };
}

/// Whether another large buffer may be used.
pub(crate) fn large_available() -> bool {
    LARGE_IN_USE.get() < MAX_LARGE
}

fn take_large() -> Vec<u8> {
    LARGE_IN_USE.set(LARGE_IN_USE.get() + 1);
    FREE.with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| vec![0; LARGE_BYTES])
}

fn recycle(store: Vec<u8>) {
    if store.len() == LARGE_BYTES {
        LARGE_IN_USE.set(LARGE_IN_USE.get() - 1);
        FREE.with_borrow_mut(|free| {
            if free.len() < MAX_FREE {
                free.push(store);
            }
        });
    }
}

/// Allocate a buffer that is not of the large size.
fn allocate(needed: usize) -> Vec<u8> {
    vec![
        0;
        if needed == LARGE_BYTES {
            LARGE_BYTES + 1
        } else {
            needed
        }
    ]
}

/// A byte queue that owns no memory while it is empty, after [`Buffer::shrink`].
#[derive(Default)]
pub(crate) struct Buffer {
    store: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it uses a large buffer.
    pub(crate) fn is_large(&self) -> bool {
        self.store.len() == LARGE_BYTES
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.store[self.start..self.end]
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.start..self.end]
    }

    /// Remove bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room for at least `count` bytes at the back. Call `extend_by` after writing to it.
    pub(crate) fn room(&mut self, count: usize) -> &mut [u8] {
        if self.store.len() - self.end < count {
            self.make_room(count);
        }
        &mut self.store[self.end..]
    }

    fn make_room(&mut self, count: usize) {
        self.store.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.len());
        let needed = self.end + count;
        if needed <= self.store.len() {
            return;
        }
        let mut larger = if needed <= LARGE_BYTES && large_available() {
            take_large()
        } else {
            allocate(needed.max(SMALL_BYTES))
        };
        larger[..self.end].copy_from_slice(&self.store[..self.end]);
        recycle(std::mem::replace(&mut self.store, larger));
    }

    /// Append bytes that were written to `room`.
    pub(crate) fn extend_by(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.store.len());
    }

    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.extend_by(bytes.len());
    }

    /// Release unused memory before a wait. A large buffer is kept while it contains many bytes.
    pub(crate) fn shrink(&mut self) {
        let length = self.len();
        if self.is_large() && length > SMALL_BYTES || self.store.len() == length {
            return;
        }
        let kept = self.filled().to_vec();
        recycle(std::mem::replace(&mut self.store, kept));
        (self.start, self.end) = (0, length);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        recycle(std::mem::take(&mut self.store));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Bytes come out in the order in which they went in, whatever is consumed and shrunk in between.
        #[test]
        fn a_buffer_is_a_queue(steps in prop::collection::vec((0_usize..5000, 0_usize..5000, any::<bool>()), 0..40)) {
            let (mut buffer, mut expected, mut next) = (Buffer::default(), Vec::new(), 0_u8);
            for (put, take, shrink) in steps {
                let bytes: Vec<u8> = (0..put).map(|_| { next = next.wrapping_add(1); next }).collect();
                buffer.extend_from_slice(&bytes);
                expected.extend_from_slice(&bytes);
                let take = take.min(buffer.len());
                buffer.consume(take);
                expected.drain(..take);
                if shrink {
                    buffer.shrink();
                }
                prop_assert_eq!(expected.as_slice(), buffer.filled());
            }
        }
    }

    /// An idle connection holds no memory.
    #[test]
    fn an_empty_shrunk_buffer_owns_no_memory() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"record");
        buffer.consume(6);
        buffer.shrink();
        assert_eq!(0, buffer.store.capacity());
    }

    /// Beyond the limit on large buffers, a buffer is as small as possible.
    #[test]
    fn large_buffers_are_limited() {
        let fill = |_| {
            let mut buffer = Buffer::default();
            buffer.extend_from_slice(&[0; 8 * 1024]);
            buffer
        };
        let held: Vec<Buffer> = (0..MAX_LARGE + 9).map(fill).collect();
        assert!(!large_available());
        assert_eq!(MAX_LARGE, held.iter().filter(|it| it.is_large()).count());
        assert_eq!(8 * 1024, held[MAX_LARGE].store.capacity());
        drop(held);
        assert_eq!(0, LARGE_IN_USE.get());
    }

    /// An incomplete record uses only its own size.
    #[test]
    fn a_shrunk_buffer_has_the_size_of_its_bytes() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"rec");
        buffer.shrink();
        assert_eq!(
            (b"rec".as_slice(), 3),
            (buffer.filled(), buffer.store.capacity())
        );
    }
}
