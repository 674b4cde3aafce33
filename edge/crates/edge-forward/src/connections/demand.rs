//! How many connections to one server were in use at the same time in the last seconds.

use std::cell::Cell;

use super::permits::{ConnectionLimit, ConnectionPermit};

/// Each second, one in so many of the unneeded connections is closed: half of them in 5 seconds.
const RELEASE_DIVISOR: u64 = 8;

/// The open connections of one server, and the most that were busy at the same time recently.
pub(super) struct Demand {
    open: ConnectionLimit,
    most_busy: Cell<u64>,
    needed: Cell<u64>,
}

impl Demand {
    /// Create it without connections.
    pub(super) fn new() -> Self {
        Self {
            open: ConnectionLimit::new(u64::MAX),
            most_busy: Cell::new(0),
            needed: Cell::new(0),
        }
    }

    /// Count an open connection until the permit is dropped.
    pub(super) fn open(&self) -> Option<ConnectionPermit> {
        self.open.try_acquire()
    }

    /// Record that a connection became busy, which leaves so many idle.
    pub(super) fn record_busy(&self, idle: usize) {
        let busy = self.busy(idle);
        if busy > self.most_busy.get() {
            self.most_busy.set(busy);
        }
    }

    /// Called each second: how many of so many idle connections to keep.
    pub(super) fn idle_to_keep(&self, idle: usize) -> u64 {
        let busy = self.busy(idle);
        let most_busy = self.most_busy.replace(busy);
        let excess = self.needed.get().saturating_sub(most_busy);
        let needed = most_busy + excess - excess.div_ceil(RELEASE_DIVISOR);
        self.needed.set(needed);
        needed.saturating_sub(busy)
    }

    fn busy(&self, idle: usize) -> u64 {
        self.open.in_use().saturating_sub(idle as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_were_busy_are_kept() {
        let demand = Demand::new();
        let held: Vec<_> = (0..100).map(|_| demand.open()).collect();
        demand.record_busy(0);
        for _ in 0..10 {
            assert_eq!(100, demand.idle_to_keep(100));
            demand.record_busy(0);
        }
        assert_eq!(30, demand.idle_to_keep(30), "70 are busy, 100 were");
        drop(held);
    }

    #[test]
    fn unneeded_connections_are_closed_slowly() {
        let demand = Demand::new();
        let held: Vec<_> = (0..100).map(|_| demand.open()).collect();
        demand.record_busy(0);
        let kept: Vec<u64> = (0..40).map(|_| demand.idle_to_keep(100)).collect();
        assert_eq!([100, 87, 76, 66, 57], kept[..5]);
        assert_eq!(0, kept[39]);
        drop(held);
    }
}
