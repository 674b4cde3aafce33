//! Writing frames to an output buffer. It must not know streams, which belong to the connection.

use super::frame::{self, ErrorCode, FRAME_HEADER_BYTES, FrameHeader, MAX_FRAME_BYTES, flag, kind};
use super::hpack::{CLEAR_TABLE, write_field, write_status};
use crate::field_section::ResponseEncoder;

/// The frames that were not written to the socket yet.
pub(super) struct FrameWriter {
    buffer: Vec<u8>,
    /// The number of bytes that were removed from the buffer so far.
    sent: u64,
    /// Whether a header block was written. The first one sets the size of the compression table to 0.
    has_written_block: bool,
}

impl FrameWriter {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            buffer: Vec::with_capacity(capacity),
            sent: 0,
            has_written_block: false,
        }
    }

    pub(super) fn buffer(&self) -> &Vec<u8> {
        &self.buffer
    }

    pub(super) fn buffer_mut(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Remove the first bytes of the buffer, which were written.
    pub(super) fn consume_output(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
        self.sent += bytes as u64;
    }

    /// Write a header block; return its position, for [`FrameWriter::retract_headers`].
    pub(super) fn headers(
        &mut self,
        stream: u32,
        ends_stream: bool,
        write: impl FnOnce(&mut ResponseFields<'_>),
    ) -> u64 {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        if !std::mem::replace(&mut self.has_written_block, true) {
            self.buffer.push(CLEAR_TABLE);
        }
        write(&mut ResponseFields(&mut self.buffer));
        let length = self.buffer.len() - start - FRAME_HEADER_BYTES;
        let end = if ends_stream { flag::END_STREAM } else { 0 };
        if length > MAX_FRAME_BYTES {
            self.split_headers(stream, start, end);
        } else {
            let header = FrameHeader {
                length,
                kind: kind::HEADERS,
                flags: flag::END_HEADERS | end,
                stream,
            };
            self.buffer[start..start + FRAME_HEADER_BYTES].copy_from_slice(&header.bytes());
        }
        self.sent + start as u64
    }

    /// Split a long block into several frames (RFC 9113 §4.3).
    fn split_headers(&mut self, stream: u32, start: usize, end: u8) {
        let block = self.buffer.split_off(start + FRAME_HEADER_BYTES);
        self.buffer.truncate(start);
        let last = block.len().div_ceil(MAX_FRAME_BYTES) - 1;
        for (index, fragment) in block.chunks(MAX_FRAME_BYTES).enumerate() {
            let (kind, flags) = match index {
                0 => (kind::HEADERS, end),
                _ if index == last => (kind::CONTINUATION, flag::END_HEADERS),
                _ => (kind::CONTINUATION, 0),
            };
            frame::write(&mut self.buffer, kind, flags, stream, fragment);
        }
    }

    /// Remove a stream's header block at this position, unless some of it was written; return whether it was
    /// removed. No other frame of the stream may follow it.
    pub(super) fn retract_headers(&mut self, stream: u32, position: u64) -> bool {
        let start = position.checked_sub(self.sent);
        let Some(start) = start.and_then(|it| usize::try_from(it).ok()) else {
            return false;
        };
        let written = self.buffer.split_off(start);
        let mut rest = written.as_slice();
        while let Some(header) = FrameHeader::read(rest) {
            let (frame, after) = rest.split_at(FRAME_HEADER_BYTES + header.length);
            rest = after;
            match header.kind {
                kind::HEADERS | kind::CONTINUATION if header.stream == stream => {
                    self.has_written_block &= frame.get(FRAME_HEADER_BYTES) != Some(&CLEAR_TABLE);
                }
                _ => self.buffer.extend_from_slice(frame),
            }
        }
        true
    }

    /// Write bytes of a body; return the number of frames.
    pub(super) fn data(&mut self, stream: u32, bytes: &[u8], ends_stream: bool) -> u32 {
        let mut rest = bytes;
        let mut frames = 0;
        loop {
            let (piece, after) = rest.split_at(rest.len().min(MAX_FRAME_BYTES));
            rest = after;
            frames += 1;
            let is_last = rest.is_empty();
            let flags = if ends_stream && is_last {
                flag::END_STREAM
            } else {
                0
            };
            frame::write(&mut self.buffer, kind::DATA, flags, stream, piece);
            if is_last {
                return frames;
            }
        }
    }

    pub(super) fn reset(&mut self, stream: u32, code: ErrorCode) {
        self.write(kind::RST_STREAM, 0, stream, &code.0.to_be_bytes());
    }

    pub(super) fn settings(&mut self, payload: &[u8]) {
        self.write(kind::SETTINGS, 0, 0, payload);
    }

    pub(super) fn settings_ack(&mut self) {
        self.write(kind::SETTINGS, flag::ACK, 0, b"");
    }

    pub(super) fn ping(&mut self, payload: [u8; 8]) {
        self.write(kind::PING, 0, 0, &payload);
    }

    pub(super) fn ping_ack(&mut self, payload: [u8; 8]) {
        self.write(kind::PING, flag::ACK, 0, &payload);
    }

    /// Write a window update; stream 0 is the connection.
    pub(super) fn window_update(&mut self, stream: u32, increment: u32) {
        self.write(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes());
    }

    pub(super) fn go_away(&mut self, last_stream: u32, code: ErrorCode) {
        let payload = [last_stream.to_be_bytes(), code.0.to_be_bytes()].concat();
        self.write(kind::GOAWAY, 0, 0, &payload);
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        frame::write(&mut self.buffer, kind, flags, stream, payload);
    }
}

/// Encodes the fields of a response's header block.
pub struct ResponseFields<'a>(&'a mut Vec<u8>);

impl ResponseEncoder for ResponseFields<'_> {
    fn status(&mut self, status: u16) {
        write_status(self.0, status);
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        write_field(self.0, name, value);
    }
}
