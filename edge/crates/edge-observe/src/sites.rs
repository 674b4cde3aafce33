//! Requests by site and status class; a site's numbers go on while the site stays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Workers write to different cache lines, up to so many of them.
const STRIPES: usize = 8;

/// Where the requests of one site are counted; cheap to clone.
#[derive(Clone, Default)]
pub struct SiteSlot(Arc<Counts>);

#[derive(Default)]
struct Counts {
    answered: [Stripe; STRIPES],
    /// Of all workers, as far as the site limits them.
    under_way: AtomicU64,
}

/// A limited request that is under way; it ends when this is dropped.
pub struct RequestUnderWay(SiteSlot);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Relaxed);
    }
}

#[derive(Default)]
#[repr(align(64))]
struct Stripe([AtomicU64; CLASSES.len()]);

impl SiteSlot {
    /// Begin a request, unless so many are under way already.
    #[must_use]
    pub fn begin_request(&self, most: u64) -> Option<RequestUnderWay> {
        let one_more = |count: u64| (count < most).then_some(count + 1);
        let begun = self.0.under_way.fetch_update(Relaxed, Relaxed, one_more);
        begun.ok().map(|_| RequestUnderWay(self.clone()))
    }

    pub(crate) fn count(&self, worker: usize, status: u16) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.0.answered[worker % STRIPES].0[class].fetch_add(1, Relaxed);
    }

    /// Requests by status class, those that happened.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let total = |class: usize| {
            self.0
                .answered
                .iter()
                .map(|stripe| stripe.0[class].load(Relaxed))
                .sum()
        };
        let counts = CLASSES
            .into_iter()
            .enumerate()
            .map(move |(class, name)| (name, total(class)));
        counts.filter(|(_, count)| *count > 0)
    }
}

/// The slots of all sites of a snapshot, those in quarantine included.
#[derive(Clone, Default)]
pub struct SiteSlots(BTreeMap<String, SiteSlot>);

impl SiteSlots {
    /// The slots for another snapshot's sites: those that stay keep theirs, those that go lose it.
    #[must_use]
    pub fn carried<'a>(&self, sites: impl Iterator<Item = &'a String>) -> Self {
        let slot = |id: &'a String| (id.clone(), self.slot(id));
        Self(sites.map(slot).collect())
    }

    /// The slot of a site; a new one when the site is not of this snapshot.
    #[must_use]
    pub fn slot(&self, id: &str) -> SiteSlot {
        self.0.get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &SiteSlot)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    /// There are as many requests under way as the limit says, which may change between two.
    #[test]
    fn requests_under_way_are_limited() {
        let slot = SiteSlot::default();
        let first = slot.begin_request(1);
        assert!(first.is_some() && slot.begin_request(1).is_none());
        let second = slot.clone().begin_request(2);
        assert!(second.is_some() && slot.begin_request(2).is_none());
        drop((first, second));
        assert!(slot.begin_request(1).is_some());
    }

    /// A site that stays goes on counting; one that left and came back begins anew.
    #[test]
    fn counts_survive_while_the_site_stays() {
        let first = SiteSlots::default().carried(ids(&["a", "b"]).iter());
        first.slot("a").count(0, 200);
        first.slot("b").count(9, 404);
        let second = first.carried(ids(&["a"]).iter());
        second.slot("a").count(1, 204);
        let third = second.carried(ids(&["a", "b"]).iter());
        assert_eq!(
            vec![("2xx", 2)],
            third.slot("a").counts().collect::<Vec<_>>()
        );
        assert_eq!(0, third.slot("b").counts().count());
    }

    /// A status outside the five classes is counted in the nearest, never lost.
    #[test]
    fn strange_statuses_are_counted() {
        let slot = SiteSlot::default();
        for status in [0, 99, 101, 599, 999] {
            slot.count(0, status);
        }
        assert_eq!(
            vec![("1xx", 3), ("5xx", 2)],
            slot.counts().collect::<Vec<_>>()
        );
    }
}
