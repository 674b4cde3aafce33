//! The parts in memory: those of the running snapshot, and those that were put recently.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_contract::{Hash, Part, Parts};

/// How long a part is stored for a snapshot that may refer to it.
const RETENTION: Duration = Duration::from_secs(600);
/// The most parts that the running snapshot does not refer to; beyond it the oldest are dropped.
const MAX_UNREFERENCED: usize = 200_000;

/// Parts by hash, and when the recent ones were put.
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

    /// Store parts. A part that is stored already stays the same object.
    pub(crate) fn put(&mut self, parts: Vec<(Hash, Part)>, now: Instant) {
        for (hash, part) in parts {
            self.parts.entry(hash).or_insert_with(|| Arc::new(part));
            self.put_at.insert(hash, now);
        }
        self.evict_surplus();
    }

    /// The hashes of which no part is stored.
    pub(crate) fn missing(&self, wanted: &[Hash]) -> Vec<Hash> {
        wanted
            .iter()
            .filter(|hash| !self.parts.contains_key(hash))
            .copied()
            .collect()
    }

    /// Set the parts that the running snapshot refers to, and drop all others but recent ones.
    pub(crate) fn retain(&mut self, needed: HashSet<Hash>, now: Instant) {
        self.needed = needed;
        self.put_at
            .retain(|_, at| now.saturating_duration_since(*at) < RETENTION);
        self.parts
            .retain(|hash, _| self.needed.contains(hash) || self.put_at.contains_key(hash));
    }

    /// All stored parts.
    pub(crate) fn all(&self) -> &Parts {
        &self.parts
    }

    fn evict_surplus(&mut self) {
        let surplus = self
            .parts
            .len()
            .saturating_sub(self.needed.len() + MAX_UNREFERENCED);
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

    /// A part that is put twice stays the same object, so that sites that use it are not rebuilt.
    #[test]
    fn known_parts_stay_the_same_object() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1)], now);
        let first = Arc::clone(&store.all()[&part(1).0]);
        store.put(vec![part(1)], now);
        assert!(Arc::ptr_eq(&first, &store.all()[&part(1).0]));
    }

    /// Parts of two alternating snapshots stay stored for both.
    #[test]
    fn parts_outlive_their_snapshot_for_a_while() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1), part(2)], now);
        store.retain(HashSet::from([part(1).0]), now);
        store.retain(HashSet::from([part(2).0]), now);
        assert!(store.missing(&[part(1).0]).is_empty());
        store.retain(HashSet::from([part(2).0]), now + RETENTION);
        assert_eq!(vec![part(1).0], store.missing(&[part(1).0, part(2).0]));
    }

    /// An apply drops unreferenced parts, but not those that were put recently.
    #[test]
    fn unneeded_parts_are_dropped_in_time() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(1), part(2)], now);
        let later = now + RETENTION;
        store.put(vec![part(3)], later);
        store.retain(HashSet::from([part(1).0]), later);
        assert_eq!(
            vec![part(2).0],
            store.missing(&[part(1).0, part(2).0, part(3).0])
        );
    }

    /// Parts that no apply refers to are bounded; the oldest are dropped first.
    #[test]
    fn unreferenced_parts_are_bounded() {
        let mut store = PartStore::default();
        let now = Instant::now();
        store.put(vec![part(0)], now);
        let many = u32::try_from(MAX_UNREFERENCED).unwrap();
        store.put(
            (1..=many).map(part).collect(),
            now + Duration::from_millis(1),
        );
        assert_eq!(MAX_UNREFERENCED, store.all().len());
        assert_eq!(vec![part(0).0], store.missing(&[part(0).0, part(many).0]));
    }
}
