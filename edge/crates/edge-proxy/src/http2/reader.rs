//! Reading a connection's frames, while memory allows, and dispatching them to the streams.

use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use edge_contract::{Http2Cutoff, RequestRefusal};
use edge_forward::budget::{FRAME, LARGE, SMALL, is_scarce};
use edge_forward::peer_end::is_end;
use edge_forward::{Buffer, ConnectionContext, Deadline, RecycledVec};
use edge_http::http2::{Cutoff, Event};
use edge_tls::TlsStream;
use tokio::task::spawn_local;

use super::half_closed::{Detected, HalfClosed};
use super::request_task::RequestTask;
use super::shared::{Shared, State};
use crate::counted_stream::CountedStream;

/// The most reads in one poll, so that other tasks of the worker run in between.
const MAX_READS: usize = 16;

/// Reads a connection's frames.
pub(super) struct Reader {
    shared: Shared,
    context: Rc<ConnectionContext>,
    buffer: Buffer,
    started: Instant,
    header_timeout: Duration,
    /// Set while a header block or frame is incomplete.
    header_deadline: Option<Deadline>,
    /// Set once the client has closed its direction.
    half_closed: Option<HalfClosed>,
    /// Whether the last poll did not read because reading is paused.
    is_paused: bool,
}

/// Why nothing more is read.
pub(super) enum Stop {
    /// The client disconnected, or closed its direction without open requests.
    Closed,
    /// The client violated the protocol or exceeded a limit.
    CutOff(Cutoff),
}

impl Reader {
    pub(super) fn new(
        shared: Shared,
        context: Rc<ConnectionContext>,
        header_timeout: Duration,
    ) -> Self {
        Self {
            shared,
            context,
            buffer: Buffer::default(),
            started: Instant::now(),
            header_timeout,
            header_deadline: None,
            half_closed: None,
            is_paused: false,
        }
    }

    /// Read frames, and start tasks for requests; ready when the connection should end.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut CountedStream<TlsStream>,
    ) -> Poll<Stop> {
        let received = if self.half_closed.is_some() {
            self.poll_half_closed(context)
        } else {
            self.poll_receive(context, stream)
        };
        if received.is_ready() {
            return received;
        }
        ready!(self.poll_header(context));
        Poll::Ready(Stop::CutOff(Http2Cutoff::HeaderTimeout.into()))
    }

    /// Whether reading was paused and may continue. The session must poll again then, since the socket does
    /// not wake it for bytes that arrived before.
    pub(super) fn may_resume(&self) -> bool {
        self.is_paused && !self.shared.state().pauses_reading()
    }

    /// Read and discard up to `left` bytes after the end of the session; ready when no more are to be read.
    pub(super) fn poll_discard(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut CountedStream<TlsStream>,
        left: &mut usize,
    ) -> Poll<()> {
        while *left > 0 {
            self.buffer.reset(SMALL);
            match ready!(self.buffer.poll_fill(context, stream)) {
                Ok(count) if count > 0 => *left = left.saturating_sub(count),
                _ => break,
            }
        }
        Poll::Ready(())
    }

    /// Discard the bytes that were read and not consumed.
    pub(super) fn clear(&mut self) {
        self.buffer = Buffer::default();
    }

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut CountedStream<TlsStream>,
    ) -> Poll<Stop> {
        for _ in 0..MAX_READS {
            self.is_paused = self.shared.state().pauses_reading();
            if self.is_paused {
                self.buffer.shrink();
                return Poll::Pending;
            }
            self.make_room();
            match self.buffer.poll_fill(context, stream) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(Err(error)) if !is_end(&error) => return Poll::Ready(Stop::Closed),
                Poll::Ready(_) => return self.poll_ended(context, stream),
                Poll::Pending => {
                    self.buffer.shrink();
                    return Poll::Pending;
                }
            }
            if let Err(cutoff) = self.take_frames() {
                return Poll::Ready(Stop::CutOff(cutoff));
            }
            if self.shared.state().yields_to_streams() {
                self.buffer.shrink();
                break;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// The client closed its direction: complete the responses to complete requests.
    fn poll_ended(
        &mut self,
        context: &mut Context<'_>,
        stream: &CountedStream<TlsStream>,
    ) -> Poll<Stop> {
        let mut state = self.shared.state();
        if state.http2.open_streams() == 0 {
            return Poll::Ready(Stop::Closed);
        }
        let Ok(half_closed) = HalfClosed::of(stream) else {
            return Poll::Ready(Stop::Closed);
        };
        state.sender().end_input();
        state.wake_all();
        drop(state);
        self.is_paused = false;
        self.half_closed = Some(half_closed);
        self.poll_half_closed(context)
    }

    /// Ready when a client that closed its direction has disconnected.
    fn poll_half_closed(&mut self, context: &mut Context<'_>) -> Poll<Stop> {
        while let Some(half_closed) = &mut self.half_closed {
            match ready!(half_closed.poll(context)) {
                Detected::Reset => return Poll::Ready(Stop::Closed),
                Detected::PingDue => self.shared.state().sender().ping(),
            }
        }
        Poll::Pending
    }

    /// Make room in the buffer for a complete frame.
    fn make_room(&mut self) {
        let is_scarce = is_scarce();
        if self.buffer.is_empty() {
            let size = if self.buffer.size() == LARGE && !is_scarce {
                LARGE
            } else {
                SMALL
            };
            self.buffer.reset(size);
        } else if is_scarce {
            if self.buffer.room() + self.buffer.filled().len() < FRAME {
                self.buffer.move_to_room(FRAME);
            }
        } else if self.buffer.room() < SMALL {
            self.buffer.move_to_room(LARGE);
        }
    }

    /// Process all complete frames in the buffer.
    fn take_frames(&mut self) -> Result<(), Cutoff> {
        let second = self.started.elapsed().as_secs();
        let mut state = self.shared.state();
        state.sender();
        let input = self.buffer.filled();
        let mut used = 0;
        let outcome = loop {
            match receive(&mut state, &input[used..], second) {
                Ok((0, _)) => break Ok(()),
                Ok((count, event)) => {
                    let frame = &input[used..used + count];
                    used += count;
                    if !state.http2.is_in_header(b"") {
                        // The next header block has its own timeout.
                        self.header_deadline = None;
                    }
                    if let Some(event) = event {
                        take_event(&mut state, event, frame, (&self.shared, &self.context));
                    }
                }
                Err(cutoff) => break Err(cutoff),
            }
        };
        self.buffer.consume(used);
        outcome
    }

    /// Ready when a header block takes longer than the header timeout, however many streams are open.
    fn poll_header(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        if state.pauses_reading() {
            // The rest may have arrived and be unread.
            return Poll::Pending;
        }
        if !state.http2.is_in_header(self.buffer.filled()) {
            self.header_deadline = None;
            return Poll::Pending;
        }
        let wait = self.header_timeout;
        let deadline = self
            .header_deadline
            .get_or_insert_with(|| Deadline::after(wait));
        deadline.poll_due(context)
    }
}

/// Process a frame. While memory is scarce, part of a DATA frame is processed before the rest arrives.
fn receive(state: &mut State, input: &[u8], second: u64) -> Result<(usize, Option<Event>), Cutoff> {
    match state.http2.receive(input, second)? {
        (0, _) if is_scarce() => state.http2.receive_part(input),
        taken => Ok(taken),
    }
}

/// Handle an event of the protocol.
fn take_event(
    state: &mut State,
    event: Event,
    frame: &[u8],
    (shared, context): (&Shared, &Rc<ConnectionContext>),
) {
    match event {
        Event::Request { stream, has_ended } => {
            if let Some(it) = state.http2.stream_state(stream) {
                it.has_ended = has_ended;
            }
            let task = RequestTask::new(stream, has_ended, state.http2.request(), context);
            if task.is_misdirected() && context.is_outdated() {
                // The connection cannot be used any more, so have the client open another one.
                state.http2.announce_shutdown();
            }
            spawn_local(task.run(shared.clone(), Rc::clone(context)));
        }
        Event::Data {
            stream,
            payload,
            has_ended,
        } => {
            if let Some(it) = state.http2.stream_state(stream) {
                if it.received.capacity() == 0 {
                    it.received = RecycledVec::large();
                }
                it.received.extend_from_slice(&frame[payload]);
                it.has_ended = has_ended;
            }
            state.wake(stream);
        }
        Event::Ended { stream } => {
            if let Some(it) = state.http2.stream_state(stream) {
                it.has_ended = true;
            }
            state.wake(stream);
        }
        Event::Malformed { stream } => {
            if let Some(it) = state.http2.stream_state(stream) {
                it.fault = Some(RequestRefusal::BodyMalformed);
            }
            state.wake(stream);
        }
        Event::Reset { stream } | Event::StreamWindowOpened { stream } => state.wake(stream),
        Event::WindowsOpened => state.windows_opened(),
        Event::GoAway => state.http2.refuse_streams(),
    }
}
