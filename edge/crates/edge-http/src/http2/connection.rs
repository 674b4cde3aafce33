//! A connection: the effect of each frame on its streams, and sending responses.
//!
//! Each part has its own state: [`FrameReader`] the order of frames, [`HeaderDecoder`] header
//! compression, [`Streams`] the open streams, [`FlowControl`] the windows, [`Shutdown`] the phase of the
//! shutdown, [`Budget`] the limits on abuse, and [`FrameWriter`] the output.

use super::budget::Budget;
use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::event::Event;
use super::flow::FlowControl;
use super::frame::{ErrorCode, PREFACE};
use super::frame_reader::{Data, Frame, FrameReader, HeadersStart};
use super::frame_writer::{FrameWriter, ResponseFields};
use super::header_decoder::HeaderDecoder;
use super::settings;
use super::shutdown::Shutdown;
use super::streams::{Stream, Streams};
use crate::field_section::Request;
use crate::fields::limits::HeadLimits;
use edge_contract::RequestRefusal;

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The most concurrent streams.
    pub streams: u32,
    /// The receive window of a stream, in bytes.
    pub stream_window: u32,
    /// The receive window of the connection, in bytes; at least 65,535.
    pub connection_window: u32,
    /// The limits on the header of a request.
    pub limits: HeadLimits,
}

/// The server's side of one connection; `T` is the caller's state of each stream.
pub struct Connection<T> {
    reader: FrameReader,
    headers: HeaderDecoder,
    streams: Streams<T>,
    /// The most concurrent streams.
    max_streams: usize,
    flow: FlowControl,
    shutdown: Shutdown,
    budget: Budget,
    writer: FrameWriter,
}

/// The result of receiving a frame.
type Outcome = Result<Option<Event>, Cutoff>;

impl<T: Default> Connection<T> {
    /// Create a connection. Its output contains the server's settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let Config {
            streams,
            stream_window,
            connection_window,
            limits,
        } = config;
        let header_bytes = u32::try_from(limits.bytes).unwrap_or(u32::MAX);
        let mut writer = FrameWriter::new(PREFACE.len() * 4);
        writer.settings(&settings::server_settings(
            streams,
            stream_window,
            header_bytes,
        ));
        Self {
            reader: FrameReader::new(limits.bytes),
            headers: HeaderDecoder::new(limits),
            streams: Streams::default(),
            max_streams: streams as usize,
            flow: FlowControl::new(stream_window, connection_window, &mut writer),
            shutdown: Shutdown::default(),
            budget: Budget::default(),
            writer,
        }
    }

    /// The request of the last [`Event::Request`].
    #[must_use]
    pub fn request(&self) -> &Request {
        self.headers.request()
    }

    /// The caller's state of a stream that is not closed.
    pub fn stream_state(&mut self, stream: u32) -> Option<&mut T> {
        self.streams.get_mut(stream).map(|it| &mut it.state)
    }

    /// The caller's state of all streams.
    pub fn stream_states(&mut self) -> impl Iterator<Item = &mut T> {
        self.streams.iter_mut().map(|it| &mut it.state)
    }

    /// The number of streams that are not closed.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether the client's preface and first SETTINGS were received.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.reader.is_established()
    }

    /// Whether a header block or frame is incomplete; `input` is the unconsumed input.
    ///
    /// DATA frames do not count, since the timeouts of their streams apply to them.
    #[must_use]
    pub fn is_in_header(&self, input: &[u8]) -> bool {
        self.reader.is_in_header(input)
    }

    /// Whether a shutdown was announced or is final.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.shutdown.has_begun()
    }

    /// Whether no streams are accepted any more and none is open.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.shutdown.is_final() && self.streams.len() == 0
    }

    /// The output to write. Call [`Connection::consume_output`] after writing.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.writer.buffer_mut()
    }

    /// Remove the first bytes of the output, which were written.
    pub fn consume_output(&mut self, bytes: usize) {
        self.writer.consume_output(bytes);
    }

    /// The number of output bytes.
    #[must_use]
    pub fn output_bytes(&self) -> usize {
        self.writer.buffer().len()
    }

    /// The number of received body bytes that were not released.
    #[must_use]
    pub fn unreleased_bytes(&self) -> usize {
        self.flow.unreleased() as usize
    }

    /// Release memory that an idle connection does not need.
    pub fn release_memory(&mut self) {
        if self.streams.len() == 0 {
            self.streams.release_memory();
            self.headers.release_memory();
        }
    }

    /// Process at most one frame; return the number of bytes used, and the event.
    ///
    /// Returns 0 if the frame is incomplete. `second` is a clock in seconds with any start.
    pub fn receive(&mut self, input: &[u8], second: u64) -> Result<(usize, Option<Event>), Cutoff> {
        self.budget.tick(second);
        let (used, frame) = self.reader.read(input)?;
        match frame {
            Some(frame) => Ok((used, self.receive_frame(frame)?)),
            None => Ok((used, None)),
        }
    }

    /// Process the available part of an incomplete DATA frame, as if it were a complete one. To be called
    /// after [`Connection::receive`] returned 0; returns 0 for any other frame.
    pub fn receive_part(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), Cutoff> {
        let (used, data) = self.reader.read_part(input);
        match data {
            Some(data) => Ok((used, self.receive_data(data)?)),
            None => Ok((used, None)),
        }
    }

    fn receive_frame(&mut self, frame: Frame<'_>) -> Outcome {
        match frame {
            Frame::Data(data) => self.receive_data(data),
            Frame::Headers(start, block) => self.receive_headers(start, &block),
            Frame::Priority {
                stream,
                depends_on_itself,
            } => self.receive_priority(stream, depends_on_itself),
            Frame::Reset { stream } => self.receive_reset(stream),
            Frame::Settings { initial_window } => self.receive_settings(initial_window),
            Frame::SettingsAck => self.budget.settings().map(|()| None),
            Frame::Ping(payload) => {
                self.budget.ping()?;
                self.writer.ping_ack(payload);
                Ok(None)
            }
            Frame::PingAck(payload) => {
                self.budget.ping()?;
                if self.shutdown.is_acknowledged_by(payload) {
                    // All streams that the client opened before it read the GOAWAY were received.
                    self.refuse_streams();
                }
                Ok(None)
            }
            Frame::GoAway => self.budget.settings().map(|()| Some(Event::GoAway)),
            Frame::WindowUpdate { stream, increment } => {
                self.receive_window_update(stream, increment)
            }
            Frame::Unknown => self.budget.priority().map(|()| None),
        }
    }

    fn receive_headers(&mut self, start: HeadersStart, block: &[u8]) -> Outcome {
        let HeadersStart {
            stream: id,
            has_ended,
            depends_on_itself,
        } = start;
        if self.streams.get(id).is_some() {
            return self.receive_trailers(start, block);
        }
        if !self.streams.may_open(id) {
            self.streams.receive_on_closed(id, 0, has_ended)?;
            self.count_ignored_trailers(has_ended)?;
            return self.headers.skip(block).map(|_| None);
        }
        self.streams.record_opened(id);
        if depends_on_itself {
            self.headers.skip(block)?;
            self.refuse_stream(start, Some(ErrorCode::PROTOCOL_ERROR));
            return self.budget.reset().map(|()| None);
        }
        let is_late = !self.shutdown.accepts(id);
        if is_late || self.streams.len() >= self.max_streams {
            self.headers.skip(block)?;
            // After a GOAWAY the client retries on another connection (RFC 9113 §6.8).
            self.refuse_stream(start, (!is_late).then_some(ErrorCode::REFUSED_STREAM));
            return self.budget.refused_stream().map(|()| None);
        }
        self.open_stream(id, block, has_ended)
    }

    fn open_stream(&mut self, id: u32, block: &[u8], has_ended: bool) -> Outcome {
        self.headers.read_request(block, has_ended)?;
        let request = self.headers.request();
        let is_malformed = request.refusal().is_some_and(RequestRefusal::is_malformed);
        if is_malformed {
            self.budget.reset()?;
        }
        self.streams.push(Stream {
            id,
            send_window: self.flow.stream_send_window(),
            receive_window: self.flow.stream_receive_window(),
            unreleased: 0,
            remaining: request.content_length(),
            is_remote_closed: has_ended,
            is_local_closed: false,
            is_reset: false,
            is_malformed,
            head_position: None,
            state: T::default(),
        });
        Ok(Some(Event::Request {
            stream: id,
            has_ended,
        }))
    }

    /// Refuse a stream, with an `RST_STREAM` if there is a code.
    fn refuse_stream(&mut self, start: HeadersStart, code: Option<ErrorCode>) {
        if !start.has_ended {
            let window = self.flow.stream_receive_window();
            self.streams.refuse(start.stream, window);
        }
        if let Some(code) = code {
            self.writer.reset(start.stream, code);
        }
    }

    /// RFC 9113 §8.1: trailers end the stream and contain no pseudo-fields.
    fn receive_trailers(&mut self, start: HeadersStart, block: &[u8]) -> Outcome {
        let (id, has_ended) = (start.stream, start.has_ended);
        let is_valid = self.headers.skip(block)? && !start.depends_on_itself;
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(None);
        };
        if stream.is_remote_closed {
            return Err(Reason::StreamClosed.into());
        }
        stream.is_remote_closed = has_ended;
        if stream.is_malformed || stream.is_reset {
            return self.count_ignored_trailers(has_ended).map(|()| None);
        }
        if is_valid && has_ended && stream.count_body(0, true) {
            return Ok(Some(Event::Ended { stream: id }));
        }
        self.mark_malformed(id)
    }

    /// Count ignored trailers that do not end their stream, which a client could send any number of.
    fn count_ignored_trailers(&mut self, has_ended: bool) -> Result<(), Cutoff> {
        if has_ended {
            Ok(())
        } else {
            self.budget.malformed()
        }
    }

    /// Count data against windows and Content-Length.
    fn receive_data(&mut self, data: Data) -> Outcome {
        let (id, has_ended) = (data.stream, data.has_ended);
        if data.is_empty_frame && !has_ended {
            self.budget.empty_data()?;
        }
        let (bytes, padding) = (frame_length(data.range.len()), frame_length(data.padding));
        let length = bytes + padding;
        self.flow.receive(length)?;
        let Some(stream) = self.streams.get_mut(id) else {
            self.streams.receive_on_closed(id, length, has_ended)?;
            self.flow.release(length, &mut self.writer);
            return Ok(None);
        };
        if stream.is_remote_closed {
            return Err(Reason::StreamClosed.into());
        }
        stream.receive_window.receive(length)?;
        stream.is_remote_closed = has_ended;
        if stream.is_malformed || stream.is_reset {
            self.flow.release(length, &mut self.writer);
            return Ok(None);
        }
        stream.unreleased += length;
        let is_well_formed = stream.count_body(data.range.len(), has_ended);
        if padding > 0 {
            self.release(id, padding);
        }
        if is_well_formed {
            return Ok(Some(Event::Data {
                stream: id,
                payload: data.range,
                has_ended,
            }));
        }
        self.release(id, bytes);
        self.mark_malformed(id)
    }

    /// Mark a request as malformed; the rest of its body is ignored.
    fn mark_malformed(&mut self, id: u32) -> Outcome {
        self.budget.malformed()?;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.is_malformed = true;
        }
        Ok(Some(Event::Malformed { stream: id }))
    }

    /// RFC 9113 §6.3: priorities are ignored unless they are invalid.
    fn receive_priority(&mut self, id: u32, depends_on_itself: bool) -> Outcome {
        self.budget.priority()?;
        if !depends_on_itself {
            return Ok(None);
        }
        // RFC 7540 §5.3.1. An idle stream cannot be reset, so the connection ends.
        if !self.streams.was_opened(id) {
            return Err(Reason::ProtocolViolated.into());
        }
        if self.streams.get(id).is_none_or(|it| it.is_reset) {
            return Ok(None);
        }
        self.reset_for_fault(id, ErrorCode::PROTOCOL_ERROR)
    }

    /// RFC 9113 §6.4.
    fn receive_reset(&mut self, id: u32) -> Outcome {
        if !self.streams.was_opened(id) {
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
    fn receive_window_update(&mut self, id: u32, increment: u32) -> Outcome {
        self.budget.window_update()?;
        if id == 0 {
            self.flow.open_send_window(increment)?;
            return Ok(Some(Event::WindowsOpened));
        }
        if !self.streams.was_opened(id) {
            return Err(Reason::ProtocolViolated.into());
        }
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return Ok(None);
        };
        let is_within = stream.send_window.adjust(increment.into());
        if increment == 0 {
            self.reset_for_fault(id, ErrorCode::PROTOCOL_ERROR)
        } else if is_within {
            Ok(Some(Event::StreamWindowOpened { stream: id }))
        } else {
            self.reset_for_fault(id, ErrorCode::FLOW_CONTROL_ERROR)
        }
    }

    /// Reset a stream for an error of the client, which counts like a reset by the client (CVE-2025-8671).
    fn reset_for_fault(&mut self, id: u32, code: ErrorCode) -> Outcome {
        self.budget.reset()?;
        self.reset(id, code);
        Ok(Some(Event::Reset { stream: id }))
    }

    /// RFC 9113 §6.5.
    fn receive_settings(&mut self, initial_window: Option<u32>) -> Outcome {
        self.budget.settings()?;
        self.writer.settings_ack();
        let Some(window) = initial_window else {
            return Ok(None);
        };
        let change = self.flow.set_stream_send_window(window);
        for stream in self.streams.iter_mut() {
            if !stream.send_window.adjust(change) {
                return Err(Reason::FlowControlViolated.into());
            }
        }
        Ok(Some(Event::WindowsOpened))
    }

    /// Send the head of an interim or final response; `false` if the stream was reset.
    pub fn send_head(
        &mut self,
        id: u32,
        is_last: bool,
        write: impl FnOnce(&mut ResponseFields<'_>),
    ) -> bool {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return false;
        };
        let ends_stream = stream.end_with(is_last);
        stream.head_position = Some(self.writer.headers(id, ends_stream, write));
        self.end_response(id, is_last);
        true
    }

    /// The number of bytes that the client's windows allow on a stream; `None` if it was reset.
    #[must_use]
    pub fn send_capacity(&self, id: u32) -> Option<usize> {
        let stream = self.streams.get(id).filter(|it| !it.is_reset)?;
        Some(stream.send_window.available().min(self.send_window()))
    }

    /// Whether a stream's own window is open, regardless of the connection's.
    #[must_use]
    pub fn has_stream_window(&self, id: u32) -> bool {
        let stream = self.streams.get(id);
        stream.is_some_and(|it| it.send_window.available() > 0)
    }

    /// The number of bytes that the client's window for the connection allows.
    #[must_use]
    pub fn send_window(&self) -> usize {
        self.flow.send_window()
    }

    /// Count a response that timed out waiting for a window.
    pub fn count_stall(&mut self) -> Result<(), Cutoff> {
        self.budget.stall()
    }

    /// Send bytes of a response's body, no more than [`Connection::send_capacity`].
    pub fn send_data(&mut self, id: u32, bytes: &[u8], is_last: bool) {
        let Some(stream) = self.streams.get_mut(id).filter(|it| !it.is_reset) else {
            return;
        };
        stream.send_window.consume(bytes.len());
        self.flow.send(bytes.len());
        stream.head_position = None;
        let ends_stream = stream.end_with(is_last);
        let frames = self.writer.data(id, bytes, ends_stream);
        self.budget.sent_data(frames);
        if ends_stream {
            self.budget.body_completed();
        }
        self.end_response(id, is_last);
    }

    /// Remove the last head of a stream from the output, if nothing of it was written and no body follows.
    /// Returns whether it was removed.
    pub fn retract_head(&mut self, id: u32) -> bool {
        let stream = self.streams.get_mut(id).filter(|it| !it.is_reset);
        let position = stream.and_then(|it| it.head_position.take());
        position.is_some_and(|it| self.writer.retract_headers(id, it))
    }

    /// Handle the end of a response. The stream of a malformed request is reset after it (RFC 9113
    /// §8.1.1).
    fn end_response(&mut self, id: u32, is_last: bool) {
        let is_malformed = self.streams.get(id).is_some_and(|it| it.is_malformed);
        if is_last && is_malformed {
            self.reset(id, ErrorCode::PROTOCOL_ERROR);
        } else if is_last {
            self.budget.response_completed();
        }
    }

    /// Reset a stream. The code of a malformed one is always `PROTOCOL_ERROR`.
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
        self.writer.reset(id, code);
    }

    /// Close a stream; it is reset if either direction is incomplete.
    pub fn close(&mut self, id: u32) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        if !stream.is_local_closed {
            self.reset(id, ErrorCode::CANCEL);
        } else if !stream.is_remote_closed {
            // RFC 9113 §8.1: the response is complete without the rest of the request.
            self.reset(id, ErrorCode::NO_ERROR);
        }
        if let Some(stream) = self.streams.close(id) {
            self.flow.release(stream.unreleased, &mut self.writer);
        }
    }

    /// Release bytes of a request's body, so that the client may send as many again.
    pub fn release(&mut self, id: u32, bytes: u32) {
        self.flow.release(bytes, &mut self.writer);
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.unreleased = stream.unreleased.saturating_sub(bytes);
        stream.receive_window.release(bytes);
        if !stream.is_remote_closed
            && !stream.is_reset
            && let Some(increment) = stream.receive_window.take_increment()
        {
            self.writer.window_update(id, increment);
        }
    }

    /// Send a PING, which makes the kernel of a closed peer reset the connection.
    pub fn ping(&mut self) {
        self.writer.ping([0; 8]);
    }

    /// Announce a shutdown. Streams that the client opens before it reads the GOAWAY are still accepted.
    pub fn announce_shutdown(&mut self) {
        self.shutdown.announce(&mut self.writer);
    }

    /// Handle the end of the client's stream: incomplete requests are reset, and no more are accepted.
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
        self.refuse_streams();
    }

    /// Accept no more streams.
    pub fn refuse_streams(&mut self) {
        self.shutdown
            .finish(self.streams.highest(), &mut self.writer);
    }

    /// End the connection with a GOAWAY that has the code of the cutoff.
    pub fn cut_off(&mut self, cutoff: Cutoff) {
        let (last, code) = (self.streams.highest(), cutoff.code());
        self.shutdown.abort(last, code, &mut self.writer);
    }
}

/// The length of a frame, which has 24 bits.
fn frame_length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
