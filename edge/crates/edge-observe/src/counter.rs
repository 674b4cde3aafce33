//! A number that one thread writes and another reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number with one writer: raising it is a load and a store, no locked instruction.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Raise the number; only the thread that owns the counter may do so.
    pub(crate) fn add(&self, amount: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// Put another number in its place; only the thread that owns the counter may do so.
    pub(crate) fn set(&self, amount: u64) {
        self.0.store(amount, Relaxed);
    }

    /// The number now; any thread may ask.
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
