//! What a client sends, frame by frame.

use edge_contract::Http2Cutoff as Reason;

use super::connection::{Connection, Event, Leaving, Stage};
use super::cutoff::Cutoff;
use super::frame::{
    self, ErrorCode, FRAME_HEADER_BYTES, FrameHeader, MOST_FRAME_BYTES, PREFACE, flag, kind,
};
use super::send::LEAVING;
use super::settings::{self, LARGEST_WINDOW};

/// What a frame comes to.
pub(super) type Outcome = Result<Option<Event>, Cutoff>;

impl<T: Default> Connection<T> {
    /// Take at most one frame off the input; return how many bytes it was, and what it means.
    ///
    /// Nothing is used while the frame is not whole: more input is needed. `second` is the time,
    /// counted from anywhere.
    pub fn receive(&mut self, input: &[u8], second: u64) -> Result<(usize, Option<Event>), Cutoff> {
        if self.stage == Stage::Preface {
            return self.receive_preface(input);
        }
        if let Some(rest) = self.rest {
            self.budget.tick(second);
            return self.receive_rest(rest, input);
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
                header.kind == kind::CONTINUATION && header.stream == block.start.stream
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
            kind::PRIORITY if of_stream => self.receive_priority(header, payload),
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

    /// RFC 9113 §6.3: priorities are not looked at but for what breaks their rule.
    fn receive_priority(&mut self, header: FrameHeader, payload: &[u8]) -> Outcome {
        let priority = sized(payload, 5)?;
        self.budget.priority()?;
        let id = header.stream;
        if !frame::depends_on_itself(id, priority) {
            return Ok(None);
        }
        // RFC 7540 §5.3.1; where there was no stream yet, there is none to break off.
        if id > self.last_stream || id.is_multiple_of(2) {
            return Err(Reason::ProtocolViolated.into());
        }
        if self.streams.get(id).is_none_or(|it| it.is_reset) {
            return Ok(None);
        }
        self.budget.reset()?;
        self.reset(id, ErrorCode::PROTOCOL_ERROR);
        Ok(Some(Event::Reset { stream: id }))
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

/// A payload of that length, or the end of the connection.
fn sized(payload: &[u8], length: usize) -> Result<&[u8], Cutoff> {
    if payload.len() == length {
        Ok(payload)
    } else {
        Err(Reason::FrameSizeWrong.into())
    }
}
