//! The limit on one worker's connections to a pool.

use std::cell::Cell;
use std::rc::Rc;

/// A limit on connections. Each holds a permit from before it is opened until it is closed, whether
/// it is busy, idle or a tunnel.
pub(crate) struct ConnectionLimit {
    max: u64,
    in_use: Rc<Cell<u64>>,
}

/// The permit of one connection, released on drop.
pub(crate) struct ConnectionPermit(Rc<Cell<u64>>);

impl ConnectionLimit {
    /// Create a limit of so many permits.
    pub(crate) fn new(max: u64) -> Self {
        Self {
            max,
            in_use: Rc::default(),
        }
    }

    /// Acquire a permit; `None` if the limit is reached.
    pub(crate) fn try_acquire(&self) -> Option<ConnectionPermit> {
        let in_use = self.in_use.get();
        (in_use < self.max).then(|| {
            self.in_use.set(in_use + 1);
            ConnectionPermit(Rc::clone(&self.in_use))
        })
    }

    /// The number of permits in use.
    pub(crate) fn in_use(&self) -> u64 {
        self.in_use.get()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_permit_can_be_acquired_again() {
        let limit = ConnectionLimit::new(2);
        assert_eq!(0, limit.in_use());
        let held = [limit.try_acquire(), limit.try_acquire()];
        assert!(held.iter().all(Option::is_some) && limit.try_acquire().is_none());
        drop(held);
        assert!(limit.in_use() == 0 && limit.try_acquire().is_some());
    }

    #[test]
    fn a_permit_outlives_its_limit() {
        let limit = ConnectionLimit::new(1);
        let permit = limit.try_acquire();
        drop(limit);
        drop(permit);
    }
}
