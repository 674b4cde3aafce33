//! Buffers whose memory is returned to the worker while they are empty.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use edge_http::write::{CHUNK_START_BYTES, LAST_CHUNK, chunk_start};
use tokio::io::{AsyncRead, ReadBuf};

use crate::budget::{FRAME, LARGE, SCARCE, SMALL, is_scarce};
use crate::free_list::Block;

/// Room before the bytes, for a chunk's size line.
const BEFORE: usize = CHUNK_START_BYTES;
/// Room after the bytes, for a chunk's end and the last chunk.
const AFTER: usize = 2 + LAST_CHUNK.len();

/// Bytes that were read and not yet consumed, with room for the framing of a chunk around them.
///
/// An empty buffer of size 0 owns no memory. A dropped buffer's memory is reused by the worker.
#[derive(Default)]
pub struct Buffer {
    bytes: Block,
    filled: Range<usize>,
}

impl Buffer {
    /// Create an empty buffer with room for `size` bytes.
    #[must_use]
    pub fn with_room(size: usize) -> Self {
        Self {
            bytes: Block::of(BEFORE + size + AFTER),
            filled: BEFORE..BEFORE,
        }
    }

    /// The bytes that were read and not yet consumed.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.filled.clone()]
    }

    /// The bytes that were read and not yet consumed, mutable.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled.clone()]
    }

    /// Whether no unconsumed bytes are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// The number of bytes that can still be read into the buffer.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.filled.end + AFTER)
    }

    /// The capacity in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len().saturating_sub(BEFORE + AFTER)
    }

    /// Read once; returns the number of bytes, 0 at the end of the stream.
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

    /// Remove the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        self.filled.start = (self.filled.start + count).min(self.filled.end);
        if self.is_empty() && !self.bytes.is_empty() {
            self.filled = BEFORE..BEFORE;
        }
    }

    /// Clear the buffer and set its size.
    pub fn reset(&mut self, size: usize) {
        if self.size() == size {
            self.filled = BEFORE..BEFORE;
        } else {
            *self = Self::with_room(size);
        }
    }

    /// Move the bytes to the front of a new buffer with room for `size` bytes, or all of them if that is more.
    pub fn move_to_room(&mut self, size: usize) {
        let mut other = Self::with_room(size.max(self.filled.len()));
        let end = BEFORE + self.filled.len();
        other.bytes[BEFORE..end].copy_from_slice(self.filled());
        other.filled.end = end;
        *self = other;
    }

    /// Release unused memory before a wait: all of it if the buffer is empty, and the room around the bytes
    /// while memory is scarce. Moves the bytes, which invalidates positions.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        } else if is_scarce() && self.size() > self.filled.len() {
            self.move_to_room(0);
        }
    }

    /// The position of a range of [`Self::filled`], for [`Self::part`].
    #[must_use]
    pub fn position(&self, range: &Range<usize>) -> Range<usize> {
        self.filled.start + range.start..self.filled.start + range.end
    }

    /// The bytes at a position.
    #[must_use]
    pub fn part(&self, position: Range<usize>) -> &[u8] {
        &self.bytes[position]
    }

    /// Write the framing of a chunk around the bytes at a position, and return the chunk's position.
    ///
    /// The range must not be empty, since an empty chunk is the last one (RFC 9112 §7.1), and the
    /// bytes around it must be consumed. `is_last` appends the last chunk.
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
            self.bytes.recycle();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Reservation, SCARCITY_THRESHOLD};

    fn filled_with(text: &[u8]) -> Buffer {
        let mut buffer = Buffer::with_room(SMALL);
        let end = buffer.filled.end;
        buffer.filled.end = buffer.put(end, text);
        buffer
    }

    #[test]
    fn memory_of_dropped_buffers_is_reused() {
        let first = Buffer::with_room(SMALL);
        let address = first.bytes.as_ptr();
        drop(first);
        assert_eq!(address, Buffer::with_room(SMALL).bytes.as_ptr());
    }

    #[test]
    fn a_shrunk_buffer_is_as_small_as_its_bytes_while_memory_is_scarce() {
        let mut buffer = filled_with(b"abc");
        buffer.consume(1);
        buffer.shrink();
        assert_eq!((b"bc".as_slice(), SMALL), (buffer.filled(), buffer.size()));
        let mut held = Reservation::default();
        held.set(SCARCITY_THRESHOLD);
        buffer.shrink();
        assert_eq!((b"bc".as_slice(), 2), (buffer.filled(), buffer.size()));
    }

    #[test]
    fn an_empty_shrunk_buffer_owns_no_memory() {
        let mut buffer = filled_with(b"ab");
        buffer.consume(1);
        buffer.shrink();
        assert_eq!(b"b", buffer.filled());
        buffer.consume(1);
        buffer.shrink();
        assert_eq!((0, 0), (buffer.bytes.len(), buffer.room()));
    }

    #[test]
    fn a_chunk_is_framed_in_place() {
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
    fn growing_keeps_the_bytes() {
        let mut buffer = filled_with(b"head");
        buffer.consume(1);
        buffer.move_to_room(LARGE);
        assert_eq!(
            (b"ead".as_slice(), LARGE - 3),
            (buffer.filled(), buffer.room())
        );
    }
}
