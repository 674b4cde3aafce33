//! How many connections to one server the last seconds have needed.

use std::cell::Cell;

use super::permits::{ConnectionLimit, ConnectionPermit};

/// Each second, one in so many of the connections that were not needed is let go: half in 5 seconds.
const LET_GO: u64 = 8;

/// The connections of one server that are open, and the most that were busy at once of late.
pub(super) struct Demand {
    open: ConnectionLimit,
    most_busy: Cell<u64>,
    needed: Cell<u64>,
}

impl Demand {
    /// Nothing is open yet.
    pub(super) fn new() -> Self {
        Self {
            open: ConnectionLimit::new(u64::MAX),
            most_busy: Cell::new(0),
            needed: Cell::new(0),
        }
    }

    /// Count an open connection for as long as its permit is held.
    pub(super) fn open(&self) -> Option<ConnectionPermit> {
        self.open.try_acquire()
    }

    /// A connection has become busy; so many are idle now.
    pub(super) fn note_busy(&self, idle: usize) {
        let busy = self.busy(idle);
        if busy > self.most_busy.get() {
            self.most_busy.set(busy);
        }
    }

    /// A second has passed: of so many idle connections, how many shall stay.
    pub(super) fn idle_to_keep(&self, idle: usize) -> u64 {
        let busy = self.busy(idle);
        let most_busy = self.most_busy.replace(busy);
        let excess = self.needed.get().saturating_sub(most_busy);
        let needed = most_busy + excess - excess.div_ceil(LET_GO);
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
    fn what_was_busy_at_once_is_kept() {
        let demand = Demand::new();
        let held: Vec<_> = (0..100).map(|_| demand.open()).collect();
        demand.note_busy(0);
        for _ in 0..10 {
            assert_eq!(100, demand.idle_to_keep(100));
            demand.note_busy(0);
        }
        assert_eq!(30, demand.idle_to_keep(30), "70 are busy, 100 were");
        drop(held);
    }

    #[test]
    fn what_was_not_needed_is_let_go_slowly() {
        let demand = Demand::new();
        let held: Vec<_> = (0..100).map(|_| demand.open()).collect();
        demand.note_busy(0);
        let kept: Vec<u64> = (0..40).map(|_| demand.idle_to_keep(100)).collect();
        assert_eq!([100, 87, 76, 66, 57], kept[..5]);
        assert_eq!(0, kept[39]);
        drop(held);
    }
}
