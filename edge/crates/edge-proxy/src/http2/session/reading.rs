//! What a connection's client sends: read as there is room for it, and handed to its streams.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use edge_contract::RequestRefusal;
use edge_forward::budget::{FRAME, LARGE, SMALL, is_scarce};
use edge_forward::peer_end::is_end;
use edge_forward::{ConnectionContext, Deadline, Text};
use edge_http::http2::{Cutoff, Event};
use tokio::task::spawn_local;

use super::{Ended, Session, Step};
use crate::http2::Accepted;
use crate::http2::half_closed::{HalfClosed, Shown};
use crate::http2::shared::{Shared, State};

/// Above so many unsent bytes a client is not listened to: it does not listen either.
const MOST_UNSENT: usize = 128 * 1024;
/// Reads before other connections have their turn.
const MOST_READS: usize = 16;

impl Session {
    /// Read what has come; ready when the connection is to end.
    pub(super) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Step<()>> {
        if self.half_closed.is_some() {
            return self.poll_half_closed(context);
        }
        for _ in 0..MOST_READS {
            self.is_paused = self.is_full();
            if self.is_paused {
                self.inbox.settle();
                return Poll::Pending;
            }
            self.make_room();
            match self.inbox.poll_fill(context, &mut self.stream) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(Err(error)) if !is_end(&error) => return Poll::Ready(Err(Ended)),
                Poll::Ready(_) => return self.poll_ended(context),
                Poll::Pending => {
                    self.inbox.settle();
                    return Poll::Pending;
                }
            }
            if let Err(cutoff) = self.take_frames() {
                self.cut_off(cutoff);
                return Poll::Ready(Ok(()));
            }
            if self.shared.state().is_ahead() {
                self.inbox.settle();
                break;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// The client sends no more: answer what is whole.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Step<()>> {
        let mut state = self.shared.state();
        if state.http2.open_streams() == 0 {
            return Poll::Ready(Err(Ended));
        }
        let Ok(half_closed) = HalfClosed::of(&self.stream) else {
            return Poll::Ready(Err(Ended));
        };
        state.sender().end_input();
        state.wake_all();
        drop(state);
        (self.is_leaving, self.is_paused) = (true, false);
        self.half_closed = Some(half_closed);
        self.poll_half_closed(context)
    }

    fn poll_half_closed(&mut self, context: &mut Context<'_>) -> Poll<Step<()>> {
        while let Some(half_closed) = &mut self.half_closed {
            match ready!(half_closed.poll(context)) {
                Shown::Gone => return Poll::Ready(Err(Ended)),
                // Nobody has to answer that, but the kernel of a client that is gone.
                Shown::Nothing => self.shared.state().sender().ping(),
            }
        }
        Poll::Pending
    }

    pub(super) fn is_full(&self) -> bool {
        let mut state = self.shared.state();
        state.http2.output_bytes() > MOST_UNSENT || state.is_full()
    }

    /// A frame that is longer than what is there needs a buffer that it fits into.
    fn make_room(&mut self) {
        let is_scarce = is_scarce();
        if self.inbox.is_empty() {
            let size = if self.inbox.size() == LARGE && !is_scarce {
                LARGE
            } else {
                SMALL
            };
            self.inbox.renew(size);
        } else if is_scarce {
            if self.inbox.room() + self.inbox.filled().len() < FRAME {
                self.inbox.move_to_room(FRAME);
            }
        } else if self.inbox.room() < SMALL {
            self.inbox.move_to_room(LARGE);
        }
    }

    /// Take all whole frames out of the inbox.
    fn take_frames(&mut self) -> Result<(), Cutoff> {
        let second = self.started.elapsed().as_secs();
        let shared = self.shared.clone();
        let mut state = shared.state();
        state.sender();
        let input = self.inbox.filled();
        let mut used = 0;
        let outcome = loop {
            match receive(&mut state, &input[used..], second) {
                Ok((0, _)) => break Ok(()),
                Ok((count, event)) => {
                    let frame = &input[used..used + count];
                    used += count;
                    if !state.http2.is_in_header(b"") {
                        // What comes next has its own time.
                        self.header_deadline = None;
                    }
                    if let Some(event) = event {
                        self.is_leaving |= event == Event::GoAway;
                        take_event(&mut state, event, frame, (&shared, &self.context));
                    }
                }
                Err(cutoff) => break Err(cutoff),
            }
        };
        self.inbox.consume(used);
        outcome
    }

    /// Ready when a header takes too long, be there as many open streams as there may.
    pub(super) fn poll_header(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_full() {
            // The rest may be here already, unread.
            return Poll::Pending;
        }
        let input = self.inbox.filled();
        if !self.shared.state().http2.is_in_header(input) {
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

/// Take a frame; while memory is scarce what is here of a body does not wait for the rest of its
/// frame.
fn receive(state: &mut State, input: &[u8], second: u64) -> Result<(usize, Option<Event>), Cutoff> {
    match state.http2.receive(input, second)? {
        (0, _) if is_scarce() => state.http2.receive_part(input),
        taken => Ok(taken),
    }
}

/// Do what a frame asks for.
fn take_event(
    state: &mut State,
    event: Event,
    frame: &[u8],
    (shared, context): (&Shared, &Rc<ConnectionContext>),
) {
    match event {
        Event::Request { stream, has_ended } => {
            if let Some(slot) = state.http2.stream_state(stream) {
                slot.has_ended = has_ended;
            }
            let accepted = Accepted::new(stream, has_ended, state.http2.request(), context);
            if accepted.is_misdirected() && context.is_outdated() {
                // No request is for this connection any more: the client shall make another one.
                state.http2.announce_shutdown();
            }
            spawn_local(accepted.serve(shared.clone(), Rc::clone(context)));
        }
        Event::Data {
            stream,
            payload,
            has_ended,
        } => {
            if let Some(slot) = state.http2.stream_state(stream) {
                if slot.received.capacity() == 0 {
                    slot.received = Text::long();
                }
                slot.received.extend_from_slice(&frame[payload]);
                slot.has_ended = has_ended;
            }
            state.wake(stream);
        }
        Event::Ended { stream } => {
            if let Some(slot) = state.http2.stream_state(stream) {
                slot.has_ended = true;
            }
            state.wake(stream);
        }
        Event::Malformed { stream } => {
            if let Some(slot) = state.http2.stream_state(stream) {
                slot.fault = Some(RequestRefusal::BodyMalformed);
            }
            state.wake(stream);
        }
        Event::Reset { stream } | Event::WindowGrown { stream } => state.wake(stream),
        Event::WindowsGrown => state.windows_grew(),
        Event::GoAway => state.http2.refuse_streams(),
    }
}
