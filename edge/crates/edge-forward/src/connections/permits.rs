//! How many connections one worker holds of a pool.

use std::cell::Cell;
use std::rc::Rc;

/// A limit on connections: each has a permit from before it is made until it is closed, be it busy,
/// idle or a tunnel.
pub(crate) struct ConnectionLimit {
    most: u64,
    in_use: Rc<Cell<u64>>,
}

/// The permit of one connection; given back by whatever end the connection or its making finds.
pub(crate) struct ConnectionPermit(Rc<Cell<u64>>);

impl ConnectionLimit {
    /// So many permits, all free.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            in_use: Rc::default(),
        }
    }

    /// Take a free permit; `None` when there is none.
    pub(crate) fn try_acquire(&self) -> Option<ConnectionPermit> {
        let in_use = self.in_use.get();
        (in_use < self.most).then(|| {
            self.in_use.set(in_use + 1);
            ConnectionPermit(Rc::clone(&self.in_use))
        })
    }

    /// How many are in use.
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
    fn a_permit_that_is_given_back_can_be_taken_again() {
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
