//! Memory that a worker keeps for the next connection that needs some.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use edge_http::Field;

use crate::budget;

/// Spare pieces of one kind that a worker keeps.
const MOST_SPARE: usize = 64;
/// Larger pieces were made for something rare.
const LARGEST: usize = 132 * 1024;
/// A text with more room than this is not for a head: whoever waits with a head holds no more.
const MOST_FOR_HEAD: usize = 4 * 1024;

thread_local! {
    /// A worker is one thread, so what belongs to the thread belongs to the worker.
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare::new()) };
}

struct Spare {
    /// Of a few sizes; the ones that were used last are at the end.
    blocks: Vec<Box<[u8]>>,
    texts: Vec<Vec<u8>>,
    /// Texts that were made for more than a head.
    long_texts: Vec<Vec<u8>>,
    fields: Vec<Vec<Field>>,
}

impl Spare {
    const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            texts: Vec::new(),
            long_texts: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn texts(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.texts
    }

    fn long_texts(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.long_texts
    }

    fn block_of(&mut self, size: usize) -> Option<Box<[u8]>> {
        let index = self.blocks.iter().rposition(|it| it.len() == size)?;
        Some(self.blocks.swap_remove(index))
    }
}

/// Room for bytes, reserved in the worker's budget for as long as it is owned.
#[derive(Default)]
pub(crate) struct Block(Box<[u8]>);

impl Block {
    /// So many bytes, of any content.
    pub(crate) fn of(size: usize) -> Self {
        let spare = SPARE.with_borrow_mut(|spare| spare.block_of(size));
        budget::reserve(size);
        Self(spare.unwrap_or_else(|| vec![0; size].into_boxed_slice()))
    }

    /// Let the worker have the memory, for the next who needs a block of that size.
    pub(crate) fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        budget::release(bytes.len());
        keep(bytes.len(), bytes, |spare| &mut spare.blocks);
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

/// A vector to write into; its memory goes back to the worker.
#[derive(Default)]
pub struct Text(Vec<u8>);

/// A list for the fields of a head; its memory goes back to the worker.
#[derive(Default)]
pub struct FieldList(Vec<Field>);

impl Text {
    /// An empty one, for a head.
    #[must_use]
    pub fn new() -> Self {
        Self(
            SPARE
                .with_borrow_mut(|spare| spare.texts.pop())
                .unwrap_or_default(),
        )
    }

    /// An empty one, for heads and bodies.
    #[must_use]
    pub fn long() -> Self {
        Self(
            SPARE
                .with_borrow_mut(|spare| spare.long_texts.pop().or_else(|| spare.texts.pop()))
                .unwrap_or_default(),
        )
    }

    /// One with this in it and no room for more. What is cut down where it lies would leave a hole
    /// behind it that nothing fits into.
    #[must_use]
    pub fn of_its_size(text: &[u8]) -> Self {
        Self(text.to_vec())
    }
}

impl FieldList {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(
            SPARE
                .with_borrow_mut(|spare| spare.fields.pop())
                .unwrap_or_default(),
        )
    }
}

impl Deref for Text {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Text {
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

impl Drop for Text {
    fn drop(&mut self) {
        self.0.clear();
        let text = std::mem::take(&mut self.0);
        let kind = if text.capacity() > MOST_FOR_HEAD {
            Spare::long_texts
        } else {
            Spare::texts
        };
        keep(text.capacity(), text, kind);
    }
}

impl Drop for FieldList {
    fn drop(&mut self) {
        self.0.clear();
        let fields = std::mem::take(&mut self.0);
        keep(fields.capacity() * size_of::<Field>(), fields, |spare| {
            &mut spare.fields
        });
    }
}

fn keep<T>(size: usize, piece: T, place: fn(&mut Spare) -> &mut Vec<T>) {
    if !(1..=LARGEST).contains(&size) {
        return;
    }
    // When the thread ends, its spare pieces may be gone already.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let pieces = place(&mut spare);
        if pieces.len() < MOST_SPARE {
            pieces.push(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_does_not_sit_in_memory_that_was_made_for_more() {
        let mut text = Text::long();
        text.reserve(64 * 1024);
        drop(text);
        assert!(Text::new().capacity() <= MOST_FOR_HEAD);
        assert!(Text::long().capacity() >= 64 * 1024);
    }
}
