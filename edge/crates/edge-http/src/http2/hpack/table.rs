//! The table of fields that a client has sent before (RFC 7541 §2.3.2).

use std::collections::VecDeque;

use crate::field_section::line::{FieldLine, LineKind};

/// What an entry counts beside its bytes (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;
/// The size that every table begins with, and that we allow (RFC 9113 §6.5.2).
const MOST_BYTES: usize = 4096;

/// Newest first; its bytes lie in one piece of memory, which is taken when the first entry comes.
pub(super) struct Table {
    entries: VecDeque<Entry>,
    bytes: Vec<u8>,
    /// Where the oldest entry begins in `bytes`.
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
            limit: MOST_BYTES,
        }
    }
}

impl Table {
    /// The client lets the table be of that size; `None` when it is more than we allow.
    pub(super) fn set_limit(&mut self, limit: usize) -> Option<()> {
        if limit > MOST_BYTES {
            return None;
        }
        self.limit = limit;
        self.evict(0);
        Some(())
    }

    /// The entry at a place, counted from the newest.
    pub(super) fn get(&self, place: usize) -> Option<FieldLine<'_>> {
        let entry = self.entries.get(place)?;
        let newer = self.entries.iter().take(place + 1);
        let behind: usize = newer.map(Entry::bytes).sum();
        let start = self.bytes.len() - behind;
        let (name, value) = self.bytes[start..start + entry.bytes()].split_at(entry.name);
        Some(FieldLine {
            name,
            value,
            kind: entry.kind,
            is_valid: entry.is_valid,
        })
    }

    /// Put a field in front; older ones leave to make room.
    pub(super) fn insert(&mut self, line: &FieldLine<'_>) {
        let entry = Entry {
            name: line.name.len(),
            value: line.value.len(),
            kind: line.kind,
            is_valid: line.is_valid,
        };
        let size = entry.bytes() + ENTRY_BYTES;
        self.evict(size);
        if size > self.limit {
            return;
        }
        if self.oldest > MOST_BYTES {
            self.bytes.drain(..self.oldest);
            self.oldest = 0;
        }
        self.bytes.extend_from_slice(line.name);
        self.bytes.extend_from_slice(line.value);
        self.size += size;
        self.entries.push_front(entry);
    }

    /// Let the oldest entries go until so many bytes fit in.
    fn evict(&mut self, size: usize) {
        while self.size + size > self.limit {
            let Some(entry) = self.entries.pop_back() else {
                return;
            };
            self.oldest += entry.bytes();
            self.size -= entry.bytes() + ENTRY_BYTES;
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.name + self.value
    }
}
