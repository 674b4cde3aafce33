//! What we send: responses, windows, and goodbyes.

use super::connection::{Connection, Leaving};
use super::cutoff::Cutoff;
use super::frame::{
    self, ErrorCode, FRAME_HEADER_BYTES, FrameHeader, MOST_FRAME_BYTES, flag, kind,
};
use super::hpack::FORGET_TABLE;
use super::response::ResponseFields;
use super::settings::LARGEST_WINDOW;
use super::stream::Stream;

/// The ping that follows a first goodbye, to learn when the client has read it.
pub(super) const LEAVING: &[u8] = b"goodbye!";

impl<T: Default> Connection<T> {
    /// Begin a response, or send an interim one; `false` when the stream was broken off.
    pub fn send_head(
        &mut self,
        id: u32,
        is_last: bool,
        write: impl FnOnce(&mut ResponseFields<'_>),
    ) -> bool {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return false;
        };
        let ends = stream.end_with(is_last);
        let start = self.output.len();
        stream.head_at = Some(self.sent + start as u64);
        self.output.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        if !std::mem::replace(&mut self.has_sent_head, true) {
            self.output.push(FORGET_TABLE);
        }
        write(&mut ResponseFields(&mut self.output));
        let length = self.output.len() - start - FRAME_HEADER_BYTES;
        let end = if ends { flag::END_STREAM } else { 0 };
        if length > MOST_FRAME_BYTES {
            self.split_head(id, start, end);
        } else {
            self.put_header(start, length, kind::HEADERS, flag::END_HEADERS | end, id);
        }
        self.conclude(id, is_last);
        true
    }

    /// A long block goes out in several frames (RFC 9113 §4.3).
    fn split_head(&mut self, id: u32, start: usize, end: u8) {
        let block = self.output.split_off(start + FRAME_HEADER_BYTES);
        self.output.truncate(start);
        let last = block.len().div_ceil(MOST_FRAME_BYTES) - 1;
        for (index, fragment) in block.chunks(MOST_FRAME_BYTES).enumerate() {
            let (kind, flags) = match index {
                0 => (kind::HEADERS, end),
                _ if index == last => (kind::CONTINUATION, flag::END_HEADERS),
                _ => (kind::CONTINUATION, 0),
            };
            frame::write(&mut self.output, kind, flags, id, fragment);
        }
    }

    fn put_header(&mut self, start: usize, length: usize, kind: u8, flags: u8, stream: u32) {
        let header = FrameHeader {
            length,
            kind,
            flags,
            stream,
        };
        self.output[start..start + FRAME_HEADER_BYTES].copy_from_slice(&header.bytes());
    }

    /// How many bytes the client's windows let through on a stream; `None` when it is broken off.
    #[must_use]
    pub fn sendable(&self, id: u32) -> Option<usize> {
        let stream = self.streams.get(id).filter(|it| !it.is_reset)?;
        let window = stream.send_window.min(self.send_window).max(0);
        Some(usize::try_from(window).unwrap_or(usize::MAX))
    }

    /// Whether a stream's own window is open, be the connection's as it may.
    #[must_use]
    pub fn has_window(&self, id: u32) -> bool {
        self.streams.get(id).is_some_and(|it| it.send_window > 0)
    }

    /// A response is given up because the client's window stayed shut.
    pub fn note_stall(&mut self) -> Result<(), Cutoff> {
        self.budget.stall()
    }

    /// How many bytes the client's window for the whole connection lets through.
    #[must_use]
    pub fn connection_window(&self) -> usize {
        usize::try_from(self.send_window).unwrap_or_default()
    }

    /// Send bytes of a response's body: no more than [`Connection::sendable`] said.
    pub fn send_data(&mut self, id: u32, bytes: &[u8], is_last: bool) {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return;
        };
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        debug_assert!(length <= stream.send_window.min(self.send_window).max(0));
        stream.send_window -= length;
        self.send_window -= length;
        stream.head_at = None;
        let ends = stream.end_with(is_last);
        let mut rest = bytes;
        loop {
            let (piece, after) = rest.split_at(rest.len().min(MOST_FRAME_BYTES));
            rest = after;
            let flags = if ends && rest.is_empty() {
                flag::END_STREAM
            } else {
                0
            };
            frame::write(&mut self.output, kind::DATA, flags, id, piece);
            self.budget.sent_data();
            if rest.is_empty() {
                break;
            }
        }
        if ends {
            self.budget.delivered();
        }
        self.conclude(id, is_last);
    }

    /// Take back the head that was written last on a stream, while nothing of it is sent and no body
    /// follows it; whether it could be.
    pub fn take_back(&mut self, id: u32) -> bool {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return false;
        };
        let start = stream
            .head_at
            .take()
            .and_then(|it| it.checked_sub(self.sent));
        let Some(start) = start.and_then(|it| usize::try_from(it).ok()) else {
            return false;
        };
        let written = self.output.split_off(start);
        let mut rest = written.as_slice();
        while let Some(header) = FrameHeader::read(rest) {
            let (frame, after) = rest.split_at(FRAME_HEADER_BYTES + header.length);
            rest = after;
            match header.kind {
                kind::HEADERS | kind::CONTINUATION if header.stream == id => {
                    self.has_sent_head &= frame.get(FRAME_HEADER_BYTES) != Some(&FORGET_TABLE);
                }
                _ => self.output.extend_from_slice(frame),
            }
        }
        true
    }

    /// The last thing was said on a stream. What answers a malformed request says why its stream is
    /// reset, and is no end of it (RFC 9113 §8.1.1).
    fn conclude(&mut self, id: u32, is_last: bool) {
        let is_malformed = self.streams.get(id).is_some_and(|it| it.is_malformed);
        if is_last && is_malformed {
            self.reset(id, ErrorCode::PROTOCOL_ERROR);
        } else if is_last {
            self.budget.answered();
        }
    }

    /// Break a stream off; a malformed one for that, whatever else there is.
    pub fn reset(&mut self, id: u32, code: ErrorCode) {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return;
        };
        (stream.is_reset, stream.is_local_closed) = (true, true);
        let code = if stream.is_malformed {
            ErrorCode::PROTOCOL_ERROR
        } else {
            code
        };
        self.write_reset(id, code);
    }

    pub(super) fn write_reset(&mut self, id: u32, code: ErrorCode) {
        let payload = code.0.to_be_bytes();
        frame::write(&mut self.output, kind::RST_STREAM, 0, id, &payload);
    }

    /// Let a stream go: what was not said on it will not be said.
    pub fn close(&mut self, id: u32) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        if !stream.is_local_closed {
            self.reset(id, ErrorCode::CANCEL);
        } else if !stream.is_remote_closed {
            // RFC 9113 §8.1: the answer is whole without the rest of the request.
            self.reset(id, ErrorCode::NO_ERROR);
        }
        if let Some(stream) = self.streams.remove(id) {
            if !stream.is_remote_closed {
                self.closed.push(id, stream.receive_window);
            }
            self.give_back(stream.held);
        }
    }

    /// The driver has used up bytes of a request's body: the client may send as many again.
    pub fn release(&mut self, id: u32, bytes: u32) {
        self.give_back(bytes);
        let half = self.config.stream_window / 2;
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.held = stream.held.saturating_sub(bytes);
        stream.used += bytes;
        if stream.used >= half && !stream.is_remote_closed && !stream.is_reset {
            let amount = std::mem::take(&mut stream.used);
            stream.receive_window += amount;
            let payload = amount.to_be_bytes();
            frame::write(&mut self.output, kind::WINDOW_UPDATE, 0, id, &payload);
        }
    }

    /// Open the connection's window by so much, some time.
    pub(super) fn give_back(&mut self, bytes: u32) {
        self.used += bytes;
        if self.used >= self.config.connection_window / 2 {
            let amount = std::mem::take(&mut self.used);
            self.receive_window += amount;
            let payload = amount.to_be_bytes();
            frame::write(&mut self.output, kind::WINDOW_UPDATE, 0, 0, &payload);
        }
    }

    /// Say that we are about to go; what the client has sent until it hears that is still served.
    pub fn leave(&mut self) {
        if self.leaving == Leaving::Staying {
            self.leaving = Leaving::Warned;
            self.write_goodbye(LARGEST_WINDOW, ErrorCode::NO_ERROR);
            frame::write(&mut self.output, kind::PING, 0, 0, LEAVING);
        }
    }

    /// The client sends no more: requests that are whole are answered, and the others never will be.
    pub fn end_input(&mut self) {
        let unfinished = |stream: &&Stream<T>| !stream.is_remote_closed && !stream.is_reset;
        let unfinished: Vec<u32> = self
            .streams
            .iter()
            .filter(unfinished)
            .map(|it| it.id)
            .collect();
        for id in unfinished {
            self.reset(id, ErrorCode::CANCEL);
        }
        self.leave_now();
    }

    /// Send something that nobody has to answer, to see what becomes of it.
    pub fn ping(&mut self) {
        frame::write(&mut self.output, kind::PING, 0, 0, &[0; 8]);
    }

    /// Take no more streams from now on.
    pub fn leave_now(&mut self) {
        if self.leaving != Leaving::Said {
            self.leaving = Leaving::Said;
            self.most_stream = self.last_stream;
            self.write_goodbye(self.last_stream, ErrorCode::NO_ERROR);
        }
    }

    /// End the connection without any more patience.
    pub fn cut_off(&mut self, cutoff: Cutoff) {
        self.leaving = Leaving::Said;
        self.most_stream = self.last_stream;
        self.write_goodbye(self.last_stream, cutoff.code());
    }

    fn write_goodbye(&mut self, last: u32, code: ErrorCode) {
        let payload = [last.to_be_bytes(), code.0.to_be_bytes()].concat();
        frame::write(&mut self.output, kind::GOAWAY, 0, 0, &payload);
    }
}
