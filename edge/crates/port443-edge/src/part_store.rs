//! The parts that were put: those of the running snapshot, and those that came lately.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_contract::{Hash, Part, Parts};

/// How long a part is kept for a snapshot that needs it.
const PATIENCE: Duration = Duration::from_secs(600);
/// The most parts that are kept without being needed; beyond it the oldest are forgotten.
const MAX_WAITING: usize = 200_000;

/// Parts by hash, and when those that came lately were put.
#[derive(Default)]
pub(crate) struct PartStore {
    parts: Parts,
    /// What the running snapshot needs.
    needed: HashSet<Hash>,
    put_at: HashMap<Hash, Instant>,
}

impl PartStore {
    /// Start with the parts of a boot copy.
    pub(crate) fn of(parts: Parts) -> Self {
        let needed = parts.keys().copied().collect();
        Self {
            parts,
            needed,
            put_at: HashMap::new(),
        }
    }

    /// Keep parts until an apply needs them; one that is known already stays the same object.
    pub(crate) fn put(&mut self, parts: Vec<(Hash, Part)>, now: Instant) {
        for (hash, part) in parts {
            self.parts.entry(hash).or_insert_with(|| Arc::new(part));
            self.put_at.insert(hash, now);
        }
        self.forget_surplus();
    }

    /// Which of these are not here.
    pub(crate) fn missing(&self, wanted: &[Hash]) -> Vec<Hash> {
        wanted
            .iter()
            .filter(|hash| !self.parts.contains_key(hash))
            .copied()
            .collect()
    }

    /// Drop what the snapshot that runs now does not need, unless it was put lately.
    pub(crate) fn keep(&mut self, needed: HashSet<Hash>, now: Instant) {
        self.needed = needed;
        self.put_at
            .retain(|_, at| now.saturating_duration_since(*at) < PATIENCE);
        self.parts
            .retain(|hash, _| self.needed.contains(hash) || self.put_at.contains_key(hash));
    }

    /// All of them.
    pub(crate) fn all(&self) -> &Parts {
        &self.parts
    }

    fn forget_surplus(&mut self) {
        let surplus = self
            .parts
            .len()
            .saturating_sub(self.needed.len() + MAX_WAITING);
        if surplus == 0 {
            return;
        }
        let waiting = self
            .put_at
            .iter()
            .filter(|(hash, _)| !self.needed.contains(hash));
        let mut by_age: Vec<(Instant, Hash)> = waiting.map(|(hash, at)| (*at, *hash)).collect();
        by_age.sort_unstable();
        for (_, hash) in by_age.into_iter().take(surplus) {
            self.put_at.remove(&hash);
            self.parts.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use edge_contract::TicketKey;

    use super::*;

    fn part(seed: u32) -> (Hash, Part) {
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(&seed.to_be_bytes());
        (
            Hash::of(&seed.to_string()),
            Part::TicketKey(TicketKey { secret }),
        )
    }

    /// A part that was put twice stays the same object, so that what runs on it goes on.
    #[test]
    fn known_parts_stay_the_same_object() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1)], now);
        let first = Arc::clone(&store.all()[&part(1).0]);
        store.put(vec![part(1)], now);
        assert!(Arc::ptr_eq(&first, &store.all()[&part(1).0]));
    }

    /// Parts of two alternating snapshots are there for both, whichever ran last.
    #[test]
    fn parts_outlive_their_snapshot_for_a_while() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1), part(2)], now);
        store.keep(HashSet::from([part(1).0]), now);
        store.keep(HashSet::from([part(2).0]), now);
        assert!(store.missing(&[part(1).0]).is_empty());
        store.keep(HashSet::from([part(2).0]), now + PATIENCE);
        assert_eq!(vec![part(1).0], store.missing(&[part(1).0, part(2).0]));
    }

    /// An apply drops unreferenced parts, but not those that were put recently.
    #[test]
    fn unneeded_parts_are_dropped_in_time() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1), part(2)], now);
        let later = now + PATIENCE;
        store.put(vec![part(3)], later);
        store.keep(HashSet::from([part(1).0]), later);
        assert_eq!(
            vec![part(2).0],
            store.missing(&[part(1).0, part(2).0, part(3).0])
        );
    }

    /// A client that puts and never applies cannot fill the memory; the oldest parts go first.
    #[test]
    fn waiting_parts_are_bounded() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(0)], now);
        let many = u32::try_from(MAX_WAITING).unwrap();
        store.put(
            (1..=many).map(part).collect(),
            now + Duration::from_millis(1),
        );
        assert_eq!(MAX_WAITING, store.all().len());
        assert_eq!(vec![part(0).0], store.missing(&[part(0).0, part(many).0]));
    }
}
