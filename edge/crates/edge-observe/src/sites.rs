//! Requests by site and status class. The counters of a site last as long as snapshots contain it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The number of cache lines that the workers' counts of a site are spread over.
const STRIPES: usize = 8;

/// The request counters of one site; cheap to clone.
#[derive(Clone, Default)]
pub struct SiteSlot(Arc<Counts>);

#[derive(Default)]
struct Counts {
    responses: [Stripe; STRIPES],
    /// Active requests on all workers, if the site limits them.
    active: AtomicU64,
}

/// Counts one active request of a site that limits them, until it is dropped.
pub struct ActiveRequest(SiteSlot);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.0.active.fetch_sub(1, Relaxed);
    }
}

#[derive(Default)]
#[repr(align(64))]
struct Stripe([AtomicU64; CLASSES.len()]);

impl SiteSlot {
    /// Count one more active request, unless the limit is reached.
    #[must_use]
    pub fn begin_request(&self, limit: u64) -> Option<ActiveRequest> {
        let increment = |count: u64| (count < limit).then_some(count + 1);
        let begun = self.0.active.fetch_update(Relaxed, Relaxed, increment);
        begun.ok().map(|_| ActiveRequest(self.clone()))
    }

    pub(crate) fn count(&self, worker: usize, status: u16) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.0.responses[worker % STRIPES].0[class].fetch_add(1, Relaxed);
    }

    /// The number of requests by status class, without zeros.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let total = |class: usize| {
            self.0
                .responses
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

/// The slots of all sites of a snapshot, including those in quarantine.
#[derive(Clone, Default)]
pub struct SiteSlots(BTreeMap<String, SiteSlot>);

impl SiteSlots {
    /// The slots for another snapshot's sites. Sites that are in both keep their slot.
    #[must_use]
    pub fn carried<'a>(&self, sites: impl Iterator<Item = &'a String>) -> Self {
        let slot = |id: &'a String| (id.clone(), self.slot(id));
        Self(sites.map(slot).collect())
    }

    /// The slot of a site; a new one if the snapshot has no such site.
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

    /// Active requests are limited, and the limit may change from one request to the next.
    #[test]
    fn active_requests_are_limited() {
        let slot = SiteSlot::default();
        let first = slot.begin_request(1);
        assert!(first.is_some() && slot.begin_request(1).is_none());
        let second = slot.clone().begin_request(2);
        assert!(second.is_some() && slot.begin_request(2).is_none());
        drop((first, second));
        assert!(slot.begin_request(1).is_some());
    }

    /// A site that is in both snapshots keeps its counts; one that was removed in between starts at 0.
    #[test]
    fn counts_last_while_the_site_exists() {
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

    /// A status outside the five classes is counted in the nearest one.
    #[test]
    fn invalid_statuses_are_counted() {
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
