//! Buffers that a connection holds only while bytes are in them; the worker keeps the spare ones.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use edge_http::write::{CHUNK_START_BYTES, LAST_CHUNK, chunk_start};
use tokio::io::{AsyncRead, ReadBuf};

use crate::budget::{FRAME, LARGE, SCARCE, SMALL, is_scarce};
use crate::spare::Block;

/// Before the bytes: a chunk's size line. Behind them: its end and the last chunk.
const BEFORE: usize = CHUNK_START_BYTES;
const BEHIND: usize = 2 + LAST_CHUNK.len();

/// Bytes that were read and not yet used, with room around them.
///
/// Without room it owns no memory; when it is dropped the worker keeps its memory for the next.
#[derive(Default)]
pub struct Buffer {
    bytes: Block,
    filled: Range<usize>,
}

impl Buffer {
    /// An empty buffer with room for so many bytes.
    #[must_use]
    pub fn with_room(size: usize) -> Self {
        Self {
            bytes: Block::of(BEFORE + size + BEHIND),
            filled: BEFORE..BEFORE,
        }
    }

    /// The bytes that were read and not yet used.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.filled.clone()]
    }

    /// The same, to be rearranged.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled.clone()]
    }

    /// Whether there is nothing to use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// How many bytes can still be read into it.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.filled.end + BEHIND)
    }

    /// How many bytes it can hold.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len().saturating_sub(BEFORE + BEHIND)
    }

    /// Read once; 0 is the end of the stream.
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        let end = self.filled.end + self.room();
        let mut room = ReadBuf::new(&mut self.bytes[self.filled.end..end]);
        ready!(Pin::new(stream).poll_read(context, &mut room))?;
        let count = room.filled().len();
        self.filled.end += count;
        Poll::Ready(Ok(count))
    }

    /// The first bytes were used.
    pub fn consume(&mut self, count: usize) {
        self.filled.start = (self.filled.start + count).min(self.filled.end);
        if self.is_empty() && !self.bytes.is_empty() {
            self.filled = BEFORE..BEFORE;
        }
    }

    /// Forget what is in it, and hold room for so many bytes.
    pub fn renew(&mut self, size: usize) {
        if self.size() == size {
            self.filled = BEFORE..BEFORE;
        } else {
            *self = Self::with_room(size);
        }
    }

    /// Move the bytes to the front of room for so many; for all of them at least.
    pub fn move_to_room(&mut self, size: usize) {
        let mut other = Self::with_room(size.max(self.filled.len()));
        let end = BEFORE + self.filled.len();
        other.bytes[BEFORE..end].copy_from_slice(self.filled());
        other.filled.end = end;
        *self = other;
    }

    /// Before a wait: give the memory back when nothing is in it. While memory is scarce, hold no
    /// more than what is in it needs; that moves, so its positions are void.
    pub fn settle(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        } else if is_scarce() && self.size() > self.filled.len() {
            self.move_to_room(0);
        }
    }

    /// Where a range of [`Self::filled`] lies, for [`Self::part`].
    #[must_use]
    pub fn position(&self, range: &Range<usize>) -> Range<usize> {
        self.filled.start + range.start..self.filled.start + range.end
    }

    /// The bytes at a position.
    #[must_use]
    pub fn part(&self, position: Range<usize>) -> &[u8] {
        &self.bytes[position]
    }

    /// Make a chunk of the bytes at a position, where they are, and say where it lies.
    ///
    /// There must be some, since an empty chunk is the last one (RFC 9112 §7.1), and what stood
    /// around them must be used already. The last chunk follows when `is_last`.
    pub fn frame_chunk(&mut self, position: Range<usize>, is_last: bool) -> Range<usize> {
        let Range { start, end } = position;
        let mut space = [0; CHUNK_START_BYTES];
        let line = chunk_start(&mut space, end - start);
        let first = start - (CHUNK_START_BYTES - line);
        self.bytes[first..start].copy_from_slice(&space[line..]);
        let end = self.put(end, b"\r\n");
        first..if is_last {
            self.put(end, LAST_CHUNK)
        } else {
            end
        }
    }

    fn put(&mut self, at: usize, text: &[u8]) -> usize {
        let end = at + text.len();
        self.bytes[at..end].copy_from_slice(text);
        end
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if matches!(self.size(), SCARCE | SMALL | FRAME | LARGE) {
            self.bytes.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{PLENTY, Reservation};

    fn filled_with(text: &[u8]) -> Buffer {
        let mut buffer = Buffer::with_room(SMALL);
        let end = buffer.filled.end;
        buffer.filled.end = buffer.put(end, text);
        buffer
    }

    #[test]
    fn memory_is_kept_by_the_worker_and_used_again() {
        let first = Buffer::with_room(SMALL);
        let address = first.bytes.as_ptr();
        drop(first);
        assert_eq!(address, Buffer::with_room(SMALL).bytes.as_ptr());
    }

    #[test]
    fn a_settled_buffer_is_as_small_as_its_bytes_while_memory_is_scarce() {
        let mut buffer = filled_with(b"abc");
        buffer.consume(1);
        buffer.settle();
        assert_eq!((b"bc".as_slice(), SMALL), (buffer.filled(), buffer.size()));
        let mut held = Reservation::default();
        held.set(PLENTY);
        buffer.settle();
        assert_eq!((b"bc".as_slice(), 2), (buffer.filled(), buffer.size()));
    }

    #[test]
    fn a_settled_buffer_owns_nothing() {
        let mut buffer = filled_with(b"ab");
        buffer.consume(1);
        buffer.settle();
        assert_eq!(b"b", buffer.filled());
        buffer.consume(1);
        buffer.settle();
        assert_eq!((0, 0), (buffer.bytes.len(), buffer.room()));
    }

    #[test]
    fn a_chunk_is_framed_where_it_lies() {
        let mut buffer = filled_with(b"0123456789abcdefgh");
        let position = buffer.position(&(0..18));
        let chunk = buffer.frame_chunk(position.clone(), false);
        assert_eq!(b"12\r\n0123456789abcdefgh\r\n", buffer.part(chunk));
        let chunk = buffer.frame_chunk(position, true);
        assert_eq!(b"12\r\n0123456789abcdefgh\r\n0\r\n\r\n", buffer.part(chunk));
    }

    #[test]
    fn a_full_buffer_can_frame_its_last_byte() {
        let mut buffer = filled_with(&[b'x'; SMALL]);
        assert_eq!(0, buffer.room());
        let position = buffer.position(&(0..SMALL));
        let chunk = buffer.frame_chunk(position, true);
        assert!(buffer.part(chunk).ends_with(b"x\r\n0\r\n\r\n"));
    }

    #[test]
    fn growing_keeps_what_is_there() {
        let mut buffer = filled_with(b"head");
        buffer.consume(1);
        buffer.move_to_room(LARGE);
        assert_eq!(
            (b"ead".as_slice(), LARGE - 3),
            (buffer.filled(), buffer.room())
        );
    }
}
