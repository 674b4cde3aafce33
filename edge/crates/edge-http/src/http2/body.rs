//! What a client sends of a request's body.

use super::connection::{Connection, Event};
use super::cutoff::{Cutoff, CutoffReason as Reason};
use super::frame::{self, FRAME_HEADER_BYTES, FrameHeader, flag};
use super::receive::Outcome;
use super::stream::Stream;

impl<T: Default> Connection<T> {
    /// RFC 9113 §6.1.
    pub(super) fn receive_data(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let id = header.stream;
        let has_ended = header.has(flag::END_STREAM);
        let length = low(header.length);
        let data = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
        if data.is_empty() && !has_ended {
            self.budget.empty_data()?;
        }
        let window = self.receive_window.checked_sub(length);
        self.receive_window = window.ok_or(Reason::FlowControlViolated)?;
        let Some(stream) = self.streams.get_mut(id) else {
            self.receive_late(id, length, has_ended)?;
            return Ok(None);
        };
        if stream.is_remote_closed {
            return Err(Reason::StreamClosed.into());
        }
        let window = stream.receive_window.checked_sub(length);
        stream.receive_window = window.ok_or(Reason::FlowControlViolated)?;
        stream.is_remote_closed = has_ended;
        if stream.is_deaf || stream.is_reset {
            self.give_back(length);
            return Ok(None);
        }
        let bytes = low(data.len());
        stream.held += bytes;
        let padding = length - bytes;
        let is_as_promised = stream.count(data.len(), has_ended);
        if padding > 0 {
            stream.held += padding;
            self.release(id, padding);
        }
        if is_as_promised {
            let payload = FRAME_HEADER_BYTES + data.start..FRAME_HEADER_BYTES + data.end;
            return Ok(Some(Event::Data {
                stream: id,
                payload,
                has_ended,
            }));
        }
        self.release(id, bytes);
        self.deafen(id)
    }

    /// Frames may still be under way for a stream that we closed, and for no other: as much as its
    /// window let through, and up to its end.
    pub(super) fn receive_late(
        &mut self,
        id: u32,
        length: u32,
        has_ended: bool,
    ) -> Result<(), Cutoff> {
        if id > self.last_stream || id.is_multiple_of(2) {
            return Err(Reason::ProtocolViolated.into());
        }
        let stream = self.closed.get_mut(id).ok_or(Reason::StreamClosed)?;
        let window = stream.receive_window.checked_sub(length);
        stream.receive_window = window.ok_or(Reason::FlowControlViolated)?;
        if has_ended {
            self.closed.forget(id);
        }
        self.give_back(length);
        Ok(())
    }

    /// The body is malformed: listen to no more of it.
    pub(super) fn deafen(&mut self, id: u32) -> Outcome {
        self.budget.malformed()?;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.is_deaf = true;
        }
        Ok(Some(Event::Malformed { stream: id }))
    }
}

impl<T> Stream<T> {
    /// Count bytes of the body; `false` when they are not what content-length promised.
    pub(super) fn count(&mut self, bytes: usize, has_ended: bool) -> bool {
        let Some(promised) = &mut self.promised else {
            return true;
        };
        match promised.checked_sub(bytes as u64) {
            Some(left) => {
                *promised = left;
                left == 0 || !has_ended
            }
            None => false,
        }
    }
}

/// The length of a frame, which has 24 bits.
fn low(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
