//! What a client sends as header blocks: requests and trailers.

use edge_contract::{Http2Cutoff as Reason, RequestRefusal};

use super::connection::{Block, BlockStart, Connection, Event};
use super::cutoff::Cutoff;
use super::frame::{self, ErrorCode, FrameHeader, MOST_FRAME_BYTES, flag};
use super::hpack::{Class, FieldLine, HpackFault};
use super::receive::Outcome;
use super::stream::Stream;

/// Frames that one header block may come in.
const MOST_FRAGMENTS: usize = 16;
/// How far beyond the limit a header is read, to be answered with 431: so many times as much.
const BOMB: usize = 4;

impl<T: Default> Connection<T> {
    /// RFC 9113 §6.2.
    pub(super) fn receive_headers(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let range = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
        let mut block = &payload[range];
        let mut start = BlockStart {
            stream: header.stream,
            has_ended: header.has(flag::END_STREAM),
            depends_on_itself: false,
        };
        if header.has(flag::PRIORITY) {
            let (priority, rest) = block.split_at_checked(5).ok_or(Reason::FrameSizeWrong)?;
            start.depends_on_itself = frame::depends_on_itself(header.stream, priority);
            block = rest;
        }
        if header.has(flag::END_HEADERS) {
            return self.receive_block(start, block);
        }
        self.block = Some(Block {
            start,
            frames: 1,
            bytes: block.to_vec(),
        });
        Ok(None)
    }

    /// RFC 9113 §6.10; CVE-2024-27316 is what the bounds are for.
    pub(super) fn receive_continuation(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let mut block = self.block.take().ok_or(Reason::ProtocolViolated)?;
        block.frames += 1;
        if block.frames > MOST_FRAGMENTS {
            return Err(Reason::ContinuationFlood.into());
        }
        if block.bytes.len() + payload.len() > self.config.limits.bytes + MOST_FRAME_BYTES {
            return Err(Reason::HeaderBomb.into());
        }
        block.bytes.extend_from_slice(payload);
        if header.has(flag::END_HEADERS) {
            return self.receive_block(block.start, &block.bytes);
        }
        self.block = Some(block);
        Ok(None)
    }

    fn receive_block(&mut self, start: BlockStart, block: &[u8]) -> Outcome {
        let BlockStart {
            stream: id,
            has_ended,
            depends_on_itself,
        } = start;
        if self.streams.get(id).is_some() {
            return self.receive_trailers(start, block);
        }
        if id <= self.last_stream || id.is_multiple_of(2) {
            self.receive_late(id, 0, has_ended)?;
            self.judge_trailers(has_ended)?;
            return self.skip_block(block).map(|_| None);
        }
        self.last_stream = id;
        if depends_on_itself {
            self.skip_block(block)?;
            self.refuse_stream(start, Some(ErrorCode::PROTOCOL_ERROR));
            return self.budget.reset().map(|()| None);
        }
        let is_late = id > self.most_stream;
        if is_late || self.streams.len() >= self.config.streams as usize {
            self.skip_block(block)?;
            // After our goodbye the client will ask elsewhere, untold (RFC 9113 §6.8).
            self.refuse_stream(start, (!is_late).then_some(ErrorCode::REFUSED_STREAM));
            return self.budget.refused_stream().map(|()| None);
        }
        self.read_request(block, has_ended)?;
        let is_malformed = self
            .request
            .refusal()
            .is_some_and(RequestRefusal::is_malformed);
        if is_malformed {
            self.budget.reset()?;
        }
        self.streams.push(Stream {
            id,
            send_window: self.first_send_window,
            receive_window: self.config.stream_window,
            held: 0,
            used: 0,
            promised: self.request.length(),
            is_remote_closed: has_ended,
            is_local_closed: false,
            is_reset: false,
            is_malformed,
            head_at: None,
            owner: T::default(),
        });
        Ok(Some(Event::Request {
            stream: id,
            has_ended,
        }))
    }

    /// Take no stream; say why, if that is said.
    fn refuse_stream(&mut self, start: BlockStart, code: Option<ErrorCode>) {
        if !start.has_ended {
            self.closed.push(start.stream, self.config.stream_window);
        }
        if let Some(code) = code {
            self.write_reset(start.stream, code);
        }
    }

    fn read_request(&mut self, block: &[u8], has_ended: bool) -> Result<(), Cutoff> {
        let (limits, request) = (&self.config.limits, &mut self.request);
        request.begin(has_ended);
        let most = limits.bytes.saturating_mul(BOMB);
        let read = self
            .decoder
            .decode(block, most, |line| request.take(line, limits));
        read.map_err(cutoff)?;
        request.finish();
        Ok(())
    }

    /// Read a block that says nothing to us, to keep in step; whether it holds fields alone.
    fn skip_block(&mut self, block: &[u8]) -> Result<bool, Cutoff> {
        let mut has_fields_alone = true;
        let most = self.config.limits.bytes.saturating_mul(BOMB);
        let take = |line: FieldLine<'_>| {
            has_fields_alone &= line.is_valid && matches!(line.class, Class::Field(_) | Class::Te);
        };
        self.decoder.decode(block, most, take).map_err(cutoff)?;
        Ok(has_fields_alone)
    }

    /// RFC 9113 §8.1: trailers end the stream and hold no pseudo-fields.
    fn receive_trailers(&mut self, start: BlockStart, block: &[u8]) -> Outcome {
        let (id, has_ended) = (start.stream, start.has_ended);
        let is_valid = self.skip_block(block)? && !start.depends_on_itself;
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(None);
        };
        if stream.is_remote_closed {
            return Err(Reason::StreamClosed.into());
        }
        stream.is_remote_closed = has_ended;
        if stream.is_malformed || stream.is_reset {
            return self.judge_trailers(has_ended).map(|()| None);
        }
        if is_valid && has_ended && stream.count(0, true) {
            return Ok(Some(Event::Ended { stream: id }));
        }
        self.note_malformed(id)
    }

    /// Where nobody listens, there may be trailers once; those without an end could go on for ever.
    fn judge_trailers(&mut self, has_ended: bool) -> Result<(), Cutoff> {
        if has_ended {
            Ok(())
        } else {
            self.budget.malformed()
        }
    }
}

fn cutoff(fault: HpackFault) -> Cutoff {
    match fault {
        HpackFault::Malformed => Reason::CompressionMalformed.into(),
        HpackFault::TooLong => Reason::HeaderBomb.into(),
    }
}
