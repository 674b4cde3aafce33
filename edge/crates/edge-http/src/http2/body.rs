//! What a client sends of a request's body.

use std::ops::Range;

use edge_contract::Http2Cutoff as Reason;

use super::connection::{Connection, Event};
use super::cutoff::Cutoff;
use super::frame::{self, FRAME_HEADER_BYTES, FrameHeader, flag, kind};
use super::receive::Outcome;
use super::stream::Stream;

/// What is left of a DATA frame of which a part was taken: data, then padding; something at least.
#[derive(Clone, Copy)]
pub(super) struct Rest {
    stream: u32,
    data: usize,
    padding: usize,
    has_ended: bool,
}

/// Data that came, where in the input it lies, and how much padding came with it.
struct Piece {
    stream: u32,
    data: Range<usize>,
    padding: usize,
    has_ended: bool,
}

impl<T: Default> Connection<T> {
    /// Take what is here of a DATA frame that is not whole, as if it were a frame of its own; as
    /// another one the rest comes later. Like [`Connection::receive`], which must have found that
    /// more input is needed, it uses nothing of what is something else.
    pub fn receive_part(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), Cutoff> {
        let Some((start, rest)) = self.unfinished(input) else {
            return Ok((0, None));
        };
        let here = input.len() - start;
        if here == 0 || rest.data == 0 || here >= rest.data + rest.padding {
            return Ok((0, None));
        }
        let end = start + here.min(rest.data);
        let event = self.take(&Piece {
            stream: rest.stream,
            data: start..end,
            // The length of the padding counts as such (RFC 9113 §6.1).
            padding: start.saturating_sub(FRAME_HEADER_BYTES),
            has_ended: false,
        })?;
        self.rest = Some(Rest {
            data: rest.data - (end - start),
            ..rest
        });
        Ok((end, event))
    }

    /// What has to come of a DATA frame, and where in the input it begins.
    fn unfinished(&self, input: &[u8]) -> Option<(usize, Rest)> {
        if let Some(rest) = self.rest {
            return Some((0, rest));
        }
        let header = FrameHeader::read(input)?;
        if header.kind != kind::DATA || header.stream == 0 {
            return None;
        }
        let is_padded = header.has(flag::PADDED);
        let start = FRAME_HEADER_BYTES + usize::from(is_padded);
        let padding = if is_padded {
            usize::from(*input.get(FRAME_HEADER_BYTES)?)
        } else {
            0
        };
        let data = (FRAME_HEADER_BYTES + header.length).checked_sub(start + padding)?;
        let rest = Rest {
            stream: header.stream,
            data,
            padding,
            has_ended: header.has(flag::END_STREAM),
        };
        Some((start, rest))
    }

    /// Take the rest of a frame, once it is all there.
    pub(super) fn receive_rest(
        &mut self,
        rest: Rest,
        input: &[u8],
    ) -> Result<(usize, Option<Event>), Cutoff> {
        let length = rest.data + rest.padding;
        if input.len() < length {
            return Ok((0, None));
        }
        self.rest = None;
        let event = self.take(&Piece {
            stream: rest.stream,
            data: 0..rest.data,
            padding: rest.padding,
            has_ended: rest.has_ended,
        })?;
        Ok((length, event))
    }

    /// RFC 9113 §6.1.
    pub(super) fn receive_data(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let has_ended = header.has(flag::END_STREAM);
        let data = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
        if data.is_empty() && !has_ended {
            self.budget.empty_data()?;
        }
        self.take(&Piece {
            stream: header.stream,
            padding: header.length - data.len(),
            data: FRAME_HEADER_BYTES + data.start..FRAME_HEADER_BYTES + data.end,
            has_ended,
        })
    }

    /// Count data against windows and promises, and say whom it is for.
    fn take(&mut self, piece: &Piece) -> Outcome {
        let (id, has_ended) = (piece.stream, piece.has_ended);
        let (bytes, padding) = (low(piece.data.len()), low(piece.padding));
        let length = bytes + padding;
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
        if stream.is_malformed || stream.is_reset {
            self.give_back(length);
            return Ok(None);
        }
        stream.held += bytes;
        let is_as_promised = stream.count(piece.data.len(), has_ended);
        if padding > 0 {
            stream.held += padding;
            self.release(id, padding);
        }
        if is_as_promised {
            return Ok(Some(Event::Data {
                stream: id,
                payload: piece.data.clone(),
                has_ended,
            }));
        }
        self.release(id, bytes);
        self.note_malformed(id)
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
    pub(super) fn note_malformed(&mut self, id: u32) -> Outcome {
        self.budget.malformed()?;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.is_malformed = true;
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
