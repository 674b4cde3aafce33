//! What a client sends, frame by frame.

use super::connection::{Block, Connection, Event, Leaving, Stage};
use super::cutoff::{Cutoff, CutoffReason as Reason};
use super::frame::{
    self, ErrorCode, FRAME_HEADER_BYTES, FrameHeader, MOST_FRAME_BYTES, PREFACE, flag, kind,
};
use super::hpack::{Class, HpackFault};
use super::send::LEAVING;
use super::settings::{self, LARGEST_WINDOW};
use super::stream::Stream;

/// Frames that one header block may come in.
const MOST_FRAGMENTS: usize = 16;
/// How far beyond the limit a header is read, to be answered with 431: so many times as much.
const BOMB: usize = 4;

type Outcome = Result<Option<Event>, Cutoff>;

impl<T: Default> Connection<T> {
    /// Take at most one frame off the input; return how many bytes it was, and what it means.
    ///
    /// Nothing is used while the frame is not whole: more input is needed. `second` is the time,
    /// counted from anywhere.
    pub fn receive(&mut self, input: &[u8], second: u64) -> Result<(usize, Option<Event>), Cutoff> {
        if self.stage == Stage::Preface {
            return self.receive_preface(input);
        }
        let Some(header) = FrameHeader::read(input) else {
            return Ok((0, None));
        };
        self.judge(header)?;
        let end = FRAME_HEADER_BYTES + header.length;
        let Some(payload) = input.get(FRAME_HEADER_BYTES..end) else {
            return Ok((0, None));
        };
        self.budget.tick(second);
        Ok((end, self.receive_frame(header, payload)?))
    }

    fn receive_preface(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), Cutoff> {
        let known = input.len().min(PREFACE.len());
        if input[..known] != PREFACE[..known] {
            return Err(Reason::ProtocolViolated.into());
        }
        if known < PREFACE.len() {
            return Ok((0, None));
        }
        self.stage = Stage::FirstSettings;
        Ok((known, None))
    }

    /// What a header alone gives away; so that nobody waits for a payload that is refused anyway.
    fn judge(&mut self, header: FrameHeader) -> Result<(), Cutoff> {
        if header.length > MOST_FRAME_BYTES {
            return Err(Reason::FrameSizeWrong.into());
        }
        let is_in_order = match (self.stage, &self.block) {
            // RFC 9113 §3.4, §6.10.
            (Stage::Open, None) => header.kind != kind::CONTINUATION,
            (Stage::Open, Some(block)) => {
                header.kind == kind::CONTINUATION && header.stream == block.stream
            }
            _ => header.kind == kind::SETTINGS && !header.has(flag::ACK),
        };
        if is_in_order {
            Ok(())
        } else {
            Err(Reason::ProtocolViolated.into())
        }
    }

    fn receive_frame(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let of_stream = header.stream != 0;
        match header.kind {
            kind::DATA if of_stream => self.receive_data(header, payload),
            kind::HEADERS if of_stream => self.receive_headers(header, payload),
            kind::CONTINUATION => self.receive_continuation(header, payload),
            kind::RST_STREAM if of_stream => self.receive_reset(header, payload),
            kind::PRIORITY if of_stream => {
                sized(payload, 5)?;
                self.budget.priority().map(|()| None)
            }
            kind::WINDOW_UPDATE => self.receive_window_update(header, payload),
            kind::SETTINGS if !of_stream => self.receive_settings(header, payload),
            kind::PING if !of_stream => self.receive_ping(header, payload),
            kind::GOAWAY if !of_stream && payload.len() >= 8 => {
                self.budget.settings().map(|()| Some(Event::Goodbye))
            }
            kind::GOAWAY if !of_stream => Err(Reason::FrameSizeWrong.into()),
            kind::PUSH_PROMISE
            | kind::DATA
            | kind::HEADERS
            | kind::RST_STREAM
            | kind::PRIORITY
            | kind::SETTINGS
            | kind::PING
            | kind::GOAWAY => Err(Reason::ProtocolViolated.into()),
            // RFC 9113 §5.5: what is unknown is ignored.
            _ => self.budget.priority().map(|()| None),
        }
    }

    /// RFC 9113 §6.1.
    fn receive_data(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
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
    fn receive_late(&mut self, id: u32, length: u32, has_ended: bool) -> Result<(), Cutoff> {
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
    fn deafen(&mut self, id: u32) -> Outcome {
        self.budget.malformed()?;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.is_deaf = true;
        }
        Ok(Some(Event::Malformed { stream: id }))
    }

    /// RFC 9113 §6.2.
    fn receive_headers(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let range = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
        let mut block = &payload[range];
        if header.has(flag::PRIORITY) {
            block = block.get(5..).ok_or(Reason::FrameSizeWrong)?;
        }
        let has_ended = header.has(flag::END_STREAM);
        if header.has(flag::END_HEADERS) {
            return self.receive_block(header.stream, block, has_ended);
        }
        self.block = Some(Block {
            stream: header.stream,
            has_ended,
            frames: 1,
            bytes: block.to_vec(),
        });
        Ok(None)
    }

    /// RFC 9113 §6.10; CVE-2024-27316 is what the bounds are for.
    fn receive_continuation(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
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
            return self.receive_block(block.stream, &block.bytes, block.has_ended);
        }
        self.block = Some(block);
        Ok(None)
    }

    fn receive_block(&mut self, id: u32, block: &[u8], has_ended: bool) -> Outcome {
        if self.streams.get(id).is_some() {
            return self.receive_trailers(id, block, has_ended);
        }
        if id <= self.last_stream || id.is_multiple_of(2) {
            self.receive_late(id, 0, has_ended)?;
            self.judge_trailers(has_ended)?;
            return self.skip_block(block).map(|_| None);
        }
        self.last_stream = id;
        let is_late = id > self.most_stream;
        if is_late || self.streams.len() >= self.config.streams as usize {
            self.skip_block(block)?;
            return self.refuse_stream(id, is_late, has_ended).map(|()| None);
        }
        self.read_request(block, has_ended)?;
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
            is_deaf: false,
            owner: T::default(),
        });
        Ok(Some(Event::Request {
            stream: id,
            has_ended,
        }))
    }

    fn refuse_stream(&mut self, id: u32, is_late: bool, has_ended: bool) -> Result<(), Cutoff> {
        if !has_ended {
            self.closed.push(id, self.config.stream_window);
        }
        // After our goodbye the client will ask elsewhere, untold (RFC 9113 §6.8).
        if !is_late {
            self.write_reset(id, ErrorCode::REFUSED_STREAM);
        }
        self.budget.refused_stream()
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
        let take = |line: super::hpack::FieldLine<'_>| {
            has_fields_alone &= line.is_valid && matches!(line.class, Class::Field(_) | Class::Te);
        };
        self.decoder.decode(block, most, take).map_err(cutoff)?;
        Ok(has_fields_alone)
    }

    /// RFC 9113 §8.1: trailers end the stream and hold no pseudo-fields.
    fn receive_trailers(&mut self, id: u32, block: &[u8], has_ended: bool) -> Outcome {
        let is_valid = self.skip_block(block)?;
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(None);
        };
        if stream.is_remote_closed {
            return Err(Reason::StreamClosed.into());
        }
        stream.is_remote_closed = has_ended;
        if stream.is_deaf || stream.is_reset {
            return self.judge_trailers(has_ended).map(|()| None);
        }
        if is_valid && has_ended && stream.count(0, true) {
            return Ok(Some(Event::Ended { stream: id }));
        }
        self.deafen(id)
    }

    /// Where nobody listens, there may be trailers once; those without an end could go on for ever.
    fn judge_trailers(&mut self, has_ended: bool) -> Result<(), Cutoff> {
        if has_ended {
            Ok(())
        } else {
            self.budget.malformed()
        }
    }

    /// RFC 9113 §6.4.
    fn receive_reset(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        sized(payload, 4)?;
        let id = header.stream;
        if id > self.last_stream || id.is_multiple_of(2) {
            return Err(Reason::ProtocolViolated.into());
        }
        self.budget.reset()?;
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(None);
        };
        (stream.is_reset, stream.is_remote_closed) = (true, true);
        Ok(Some(Event::Reset { stream: id }))
    }

    /// RFC 9113 §6.9.
    fn receive_window_update(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let amount = u32::from_be_bytes(sized(payload, 4).map(|it| [it[0], it[1], it[2], it[3]])?);
        let amount = i64::from(amount & LARGEST_WINDOW);
        self.budget.window_update()?;
        if header.stream == 0 {
            if amount == 0 {
                return Err(Reason::ProtocolViolated.into());
            }
            self.send_window += amount;
            if self.send_window > i64::from(LARGEST_WINDOW) {
                return Err(Reason::FlowControlViolated.into());
            }
            return Ok(Some(Event::WindowsGrown));
        }
        self.grow_window(header.stream, amount)
    }

    fn grow_window(&mut self, id: u32, amount: i64) -> Outcome {
        if id > self.last_stream || id.is_multiple_of(2) {
            return Err(Reason::ProtocolViolated.into());
        }
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return Ok(None);
        };
        stream.send_window += amount;
        let code = if amount == 0 {
            ErrorCode::PROTOCOL_ERROR
        } else if stream.send_window > i64::from(LARGEST_WINDOW) {
            ErrorCode::FLOW_CONTROL_ERROR
        } else {
            return Ok(Some(Event::WindowGrown { stream: id }));
        };
        // To make us reset streams is as good as to reset them (CVE-2025-8671).
        self.budget.reset()?;
        self.reset(id, code);
        Ok(Some(Event::Reset { stream: id }))
    }

    /// RFC 9113 §6.5.
    fn receive_settings(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        self.budget.settings()?;
        if header.has(flag::ACK) {
            return sized(payload, 0).map(|_| None);
        }
        self.stage = Stage::Open;
        let window = settings::read(payload)?;
        frame::write(&mut self.output, kind::SETTINGS, flag::ACK, 0, b"");
        let Some(window) = window else {
            return Ok(None);
        };
        let growth = i64::from(window) - self.first_send_window;
        self.first_send_window += growth;
        for stream in self.streams.iter_mut() {
            stream.send_window += growth;
            if stream.send_window > i64::from(LARGEST_WINDOW) {
                return Err(Reason::FlowControlViolated.into());
            }
        }
        Ok(Some(Event::WindowsGrown))
    }

    /// RFC 9113 §6.7.
    fn receive_ping(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        sized(payload, 8)?;
        self.budget.ping()?;
        if !header.has(flag::ACK) {
            frame::write(&mut self.output, kind::PING, flag::ACK, 0, payload);
        } else if self.leaving == Leaving::Warned && payload == LEAVING {
            // Whatever was under way when we said goodbye has come by now.
            self.leave_now();
        }
        Ok(None)
    }
}

impl<T> Stream<T> {
    /// Count bytes of the body; `false` when they are not what content-length promised.
    fn count(&mut self, bytes: usize, has_ended: bool) -> bool {
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

/// A payload of that length, or the end of the connection.
fn sized(payload: &[u8], length: usize) -> Result<&[u8], Cutoff> {
    if payload.len() == length {
        Ok(payload)
    } else {
        Err(Reason::FrameSizeWrong.into())
    }
}

fn cutoff(fault: HpackFault) -> Cutoff {
    match fault {
        HpackFault::Malformed => Reason::CompressionMalformed.into(),
        HpackFault::TooLong => Reason::HeaderBomb.into(),
    }
}

/// The length of a frame, which has 24 bits.
fn low(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
