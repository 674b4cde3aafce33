//! Buffers for bytes on their way, lent by the thread and given back when a connection is silent.

use std::cell::{Cell, RefCell};

/// Room for eight full records and some small ones, so that a large body costs few system calls.
const LENT: usize = 136 * 1024;
/// What a connection may keep for itself while it waits for the rest of a record.
const KEPT: usize = 4 * 1024;
/// How many buffers a thread keeps ready.
const SHELF: usize = 16;
/// How many it lends at once. Connections that move give theirs back at each wait; only those
/// whose peer takes nothing keep them, and beyond these few each gets no more than it needs.
const MOST_LENT: usize = 32;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static LENT_NOW: Cell<usize> = const { Cell::new(0) };
}

/// Whether the thread has a large buffer to lend.
pub(crate) fn can_lend() -> bool {
    LENT_NOW.get() < MOST_LENT
}

fn lend() -> Vec<u8> {
    LENT_NOW.set(LENT_NOW.get() + 1);
    FREE.with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| vec![0; LENT])
}

fn give_back(store: Vec<u8>) {
    if store.len() == LENT {
        LENT_NOW.set(LENT_NOW.get() - 1);
        FREE.with_borrow_mut(|free| {
            if free.len() < SHELF {
                free.push(store);
            }
        });
    }
}

/// A store of its own, never as long as one that is lent.
fn own(needed: usize) -> Vec<u8> {
    vec![0; if needed == LENT { LENT + 1 } else { needed }]
}

/// A queue of bytes that owns no memory while it is empty and [`Buffer::settle`]d.
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

    /// Whether a large piece fits without memory of its own.
    pub(crate) fn is_lent(&self) -> bool {
        self.store.len() == LENT
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.store[self.start..self.end]
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.start..self.end]
    }

    /// Take bytes off the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Free room at the back: at least `count` bytes, which are then announced by `extend_by`.
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
        let mut larger = if needed <= LENT && can_lend() {
            lend()
        } else {
            own(needed.max(KEPT))
        };
        larger[..self.end].copy_from_slice(&self.store[..self.end]);
        give_back(std::mem::replace(&mut self.store, larger));
    }

    /// The bytes that were written into `room` count from now on.
    pub(crate) fn extend_by(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.store.len());
    }

    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.extend_by(bytes.len());
    }

    /// Hold no more memory than the bytes need; for the time of a wait. What is lent stays while
    /// there is much in it.
    pub(crate) fn settle(&mut self) {
        let length = self.len();
        if self.is_lent() && length > KEPT || self.store.len() == length {
            return;
        }
        let kept = self.filled().to_vec();
        give_back(std::mem::replace(&mut self.store, kept));
        (self.start, self.end) = (0, length);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.store));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What goes in comes out in order, whatever is consumed and settled between.
        #[test]
        fn a_buffer_is_a_queue(steps in prop::collection::vec((0_usize..5000, 0_usize..5000, any::<bool>()), 0..40)) {
            let (mut buffer, mut expected, mut next) = (Buffer::default(), Vec::new(), 0_u8);
            for (put, take, settle) in steps {
                let bytes: Vec<u8> = (0..put).map(|_| { next = next.wrapping_add(1); next }).collect();
                buffer.extend_from_slice(&bytes);
                expected.extend_from_slice(&bytes);
                let take = take.min(buffer.len());
                buffer.consume(take);
                expected.drain(..take);
                if settle {
                    buffer.settle();
                }
                prop_assert_eq!(expected.as_slice(), buffer.filled());
            }
        }
    }

    /// A silent connection holds no memory.
    #[test]
    fn a_settled_empty_buffer_owns_nothing() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"record");
        buffer.consume(6);
        buffer.settle();
        assert_eq!(0, buffer.store.capacity());
    }

    /// Beyond what the thread lends, a buffer is as small as its bytes allow.
    #[test]
    fn few_large_buffers_are_lent_at_once() {
        let fill = |_| {
            let mut buffer = Buffer::default();
            buffer.extend_from_slice(&[0; 8 * 1024]);
            buffer
        };
        let held: Vec<Buffer> = (0..MOST_LENT + 9).map(fill).collect();
        assert!(!can_lend());
        assert_eq!(MOST_LENT, held.iter().filter(|it| it.is_lent()).count());
        assert_eq!(8 * 1024, held[MOST_LENT].store.capacity());
        drop(held);
        assert_eq!(0, LENT_NOW.get());
    }

    /// The start of a record costs no more than itself.
    #[test]
    fn a_settled_rest_is_held_in_its_own_size() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"rec");
        buffer.settle();
        assert_eq!(
            (b"rec".as_slice(), 3),
            (buffer.filled(), buffer.store.capacity())
        );
    }
}
