//! Frames on their way to the client, in one buffer; what it says and when is the connection's.

use super::frame::{
    self, ErrorCode, FRAME_HEADER_BYTES, FrameHeader, MOST_FRAME_BYTES, flag, kind,
};
use super::hpack::FORGET_TABLE;
use super::response::ResponseFields;

/// The frames that were not sent yet.
pub(super) struct FrameWriter {
    buffer: Vec<u8>,
    /// Bytes that were sent before those in the buffer.
    sent: u64,
    /// Whether a header block was written, the first of which empties the client's table.
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

    /// The first bytes of the buffer were sent.
    pub(super) fn note_sent(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
        self.sent += bytes as u64;
    }

    /// Write a header block; return where it begins, for [`FrameWriter::retract_headers`].
    pub(super) fn headers(
        &mut self,
        stream: u32,
        ends_stream: bool,
        write: impl FnOnce(&mut ResponseFields<'_>),
    ) -> u64 {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        if !std::mem::replace(&mut self.has_written_block, true) {
            self.buffer.push(FORGET_TABLE);
        }
        write(&mut ResponseFields(&mut self.buffer));
        let length = self.buffer.len() - start - FRAME_HEADER_BYTES;
        let end = if ends_stream { flag::END_STREAM } else { 0 };
        if length > MOST_FRAME_BYTES {
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

    /// A long block goes out in several frames (RFC 9113 §4.3).
    fn split_headers(&mut self, stream: u32, start: usize, end: u8) {
        let block = self.buffer.split_off(start + FRAME_HEADER_BYTES);
        self.buffer.truncate(start);
        let last = block.len().div_ceil(MOST_FRAME_BYTES) - 1;
        for (index, fragment) in block.chunks(MOST_FRAME_BYTES).enumerate() {
            let (kind, flags) = match index {
                0 => (kind::HEADERS, end),
                _ if index == last => (kind::CONTINUATION, flag::END_HEADERS),
                _ => (kind::CONTINUATION, 0),
            };
            frame::write(&mut self.buffer, kind, flags, stream, fragment);
        }
    }

    /// Take a stream's header block out again that begins there, unless some of it was sent; no
    /// other frame of the stream follows it. Return whether it could be.
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
                    self.has_written_block &= frame.get(FRAME_HEADER_BYTES) != Some(&FORGET_TABLE);
                }
                _ => self.buffer.extend_from_slice(frame),
            }
        }
        true
    }

    /// Write bytes of a body; return in how many frames.
    pub(super) fn data(&mut self, stream: u32, bytes: &[u8], ends_stream: bool) -> u32 {
        let mut rest = bytes;
        let mut frames = 0;
        loop {
            let (piece, after) = rest.split_at(rest.len().min(MOST_FRAME_BYTES));
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

    /// Stream 0 is the connection.
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
