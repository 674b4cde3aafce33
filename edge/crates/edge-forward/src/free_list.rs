//! Free lists of a worker: memory that is reused by its connections.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use edge_http::Field;

use crate::budget;

/// The most allocations in one free list.
const MAX_FREE: usize = 64;
/// The largest allocation that is reused, in bytes. Larger ones are rare.
const LARGEST: usize = 132 * 1024;
/// The largest capacity for a head, in bytes. Larger vectors are only reused for heads with bodies.
const MAX_FOR_HEAD: usize = 4 * 1024;

thread_local! {
    /// A worker is one thread, so thread-local lists are those of the worker.
    static FREE_LISTS: RefCell<FreeLists> = const { RefCell::new(FreeLists::new()) };
}

struct FreeLists {
    /// Blocks of a few sizes, the last used at the end.
    blocks: Vec<Box<[u8]>>,
    vecs: Vec<Vec<u8>>,
    /// Vectors with a larger capacity than heads need.
    large_vecs: Vec<Vec<u8>>,
    fields: Vec<Vec<Field>>,
}

impl FreeLists {
    const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            vecs: Vec::new(),
            large_vecs: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn vecs(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.vecs
    }

    fn large_vecs(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.large_vecs
    }

    fn block_of(&mut self, size: usize) -> Option<Box<[u8]>> {
        let index = self.blocks.iter().rposition(|it| it.len() == size)?;
        Some(self.blocks.swap_remove(index))
    }
}

/// A block of memory that is counted in the worker's budget until it is dropped.
#[derive(Default)]
pub(crate) struct Block(Box<[u8]>);

impl Block {
    /// Get a block of `size` bytes with arbitrary content.
    pub(crate) fn of(size: usize) -> Self {
        let block = FREE_LISTS.with_borrow_mut(|lists| lists.block_of(size));
        budget::reserve(size);
        Self(block.unwrap_or_else(|| vec![0; size].into_boxed_slice()))
    }

    /// Put the memory into the worker's free list.
    pub(crate) fn recycle(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        budget::release(bytes.len());
        recycle(bytes.len(), bytes, |lists| &mut lists.blocks);
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        budget::release(self.0.len());
    }
}

/// A byte vector whose memory is returned to the worker's free list.
#[derive(Default)]
pub struct RecycledVec(Vec<u8>);

/// A list for the fields of a head, whose memory is returned to the worker's free list.
#[derive(Default)]
pub struct FieldList(Vec<Field>);

impl RecycledVec {
    /// An empty vector for a head.
    #[must_use]
    pub fn new() -> Self {
        Self(
            FREE_LISTS
                .with_borrow_mut(|lists| lists.vecs.pop())
                .unwrap_or_default(),
        )
    }

    /// An empty vector for heads and bodies.
    #[must_use]
    pub fn large() -> Self {
        Self(
            FREE_LISTS
                .with_borrow_mut(|lists| lists.large_vecs.pop().or_else(|| lists.vecs.pop()))
                .unwrap_or_default(),
        )
    }

    /// A copy of a text with exactly its capacity. Shrinking a vector in place would fragment the heap.
    #[must_use]
    pub fn exact(text: &[u8]) -> Self {
        Self(text.to_vec())
    }
}

impl FieldList {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self(
            FREE_LISTS
                .with_borrow_mut(|lists| lists.fields.pop())
                .unwrap_or_default(),
        )
    }
}

impl Deref for RecycledVec {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for RecycledVec {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Deref for FieldList {
    type Target = Vec<Field>;

    fn deref(&self) -> &Vec<Field> {
        &self.0
    }
}

impl DerefMut for FieldList {
    fn deref_mut(&mut self) -> &mut Vec<Field> {
        &mut self.0
    }
}

impl Drop for RecycledVec {
    fn drop(&mut self) {
        self.0.clear();
        let text = std::mem::take(&mut self.0);
        let kind = if text.capacity() > MAX_FOR_HEAD {
            FreeLists::large_vecs
        } else {
            FreeLists::vecs
        };
        recycle(text.capacity(), text, kind);
    }
}

impl Drop for FieldList {
    fn drop(&mut self) {
        self.0.clear();
        let fields = std::mem::take(&mut self.0);
        recycle(fields.capacity() * size_of::<Field>(), fields, |lists| {
            &mut lists.fields
        });
    }
}

fn recycle<T>(size: usize, piece: T, list: fn(&mut FreeLists) -> &mut Vec<T>) {
    if !(1..=LARGEST).contains(&size) {
        return;
    }
    // While the thread ends, its lists may have been dropped already.
    let _ = FREE_LISTS.try_with(|lists| {
        let mut lists = lists.borrow_mut();
        let pieces = list(&mut lists);
        if pieces.len() < MAX_FREE {
            pieces.push(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_does_not_use_memory_of_large_vecs() {
        let mut text = RecycledVec::large();
        text.reserve(64 * 1024);
        drop(text);
        assert!(RecycledVec::new().capacity() <= MAX_FOR_HEAD);
        assert!(RecycledVec::large().capacity() >= 64 * 1024);
    }
}
