//! A counter with one writing thread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter with one writing thread, so that adding is a load and a store, without a locked instruction.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Add to the value. To be called by the owning thread only.
    pub(crate) fn add(&self, amount: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// Set the value. To be called by the owning thread only.
    pub(crate) fn set(&self, amount: u64) {
        self.0.store(amount, Relaxed);
    }

    /// The current value, from any thread.
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
