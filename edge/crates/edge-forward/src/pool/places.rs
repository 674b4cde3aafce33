//! How many connections one worker holds of a pool.

use std::cell::Cell;
use std::rc::Rc;

/// A pool's places: each connection has one from before it is opened until it is closed, be it
/// busy, idle or a tunnel.
pub(crate) struct Places {
    most: u64,
    taken: Rc<Cell<u64>>,
}

/// The place of one connection; given back by whatever end the connection or its opening finds.
pub(crate) struct Place(Rc<Cell<u64>>);

impl Places {
    /// So many places, all free.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            taken: Rc::default(),
        }
    }

    /// Take a free place; `None` when there is none.
    pub(crate) fn take(&self) -> Option<Place> {
        let taken = self.taken.get();
        (taken < self.most).then(|| {
            self.taken.set(taken + 1);
            Place(Rc::clone(&self.taken))
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Whether no place is taken.
    pub(crate) fn are_free(&self) -> bool {
        self.taken.get() == 0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again() {
        let places = Places::new(2);
        assert!(places.are_free());
        let held = [places.take(), places.take()];
        assert!(held.iter().all(Option::is_some) && places.take().is_none());
        drop(held);
        assert!(places.are_free() && places.take().is_some());
    }

    #[test]
    fn a_place_outlives_its_pool() {
        let places = Places::new(1);
        let place = places.take();
        drop(places);
        drop(place);
    }
}
