//! The dynamic table of a client (RFC 7541 §2.3.2).

use std::collections::VecDeque;

use crate::field_section::line::{FieldLine, LineKind};

/// The overhead that is added to the size of each entry (RFC 7541 §4.1).
const ENTRY_OVERHEAD: usize = 32;
/// The initial and largest size (RFC 9113 §6.5.2).
const MAX_BYTES: usize = 4096;

/// The entries, newest first. Their bytes are in one vector, which is allocated with the first entry.
pub(super) struct Table {
    entries: VecDeque<Entry>,
    bytes: Vec<u8>,
    /// The start of the oldest entry in `bytes`.
    oldest: usize,
    size: usize,
    limit: usize,
}

struct Entry {
    name: usize,
    value: usize,
    kind: LineKind,
    is_valid: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: Vec::new(),
            oldest: 0,
            size: 0,
            limit: MAX_BYTES,
        }
    }
}

impl Table {
    /// Set the size of the table; `None` if it is too large.
    pub(super) fn set_limit(&mut self, limit: usize) -> Option<()> {
        if limit > MAX_BYTES {
            return None;
        }
        self.limit = limit;
        self.evict(0);
        Some(())
    }

    /// The entry at an index, counted from the newest.
    pub(super) fn get(&self, index: usize) -> Option<FieldLine<'_>> {
        let entry = self.entries.get(index)?;
        let newer = self.entries.iter().take(index + 1);
        let distance: usize = newer.map(Entry::bytes).sum();
        let start = self.bytes.len() - distance;
        let (name, value) = self.bytes[start..start + entry.bytes()].split_at(entry.name);
        Some(FieldLine {
            name,
            value,
            kind: entry.kind,
            is_valid: entry.is_valid,
        })
    }

    /// Insert a field; the oldest entries are evicted to make room.
    pub(super) fn insert(&mut self, line: &FieldLine<'_>) {
        let entry = Entry {
            name: line.name.len(),
            value: line.value.len(),
            kind: line.kind,
            is_valid: line.is_valid,
        };
        let size = entry.bytes() + ENTRY_OVERHEAD;
        self.evict(size);
        if size > self.limit {
            return;
        }
        if self.oldest > MAX_BYTES {
            self.bytes.drain(..self.oldest);
            self.oldest = 0;
        }
        self.bytes.extend_from_slice(line.name);
        self.bytes.extend_from_slice(line.value);
        self.size += size;
        self.entries.push_front(entry);
    }

    /// Evict the oldest entries until so many bytes fit.
    fn evict(&mut self, size: usize) {
        while self.size + size > self.limit {
            let Some(entry) = self.entries.pop_back() else {
                return;
            };
            self.oldest += entry.bytes();
            self.size -= entry.bytes() + ENTRY_OVERHEAD;
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.name + self.value
    }
}
