//! An HTTP/2 connection whose client has ended its side.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::Deadline;
use edge_forward::peer_end::Reset;

/// Over HTTP/2, after so long without an answer to send, a PING is: a kernel without its program
/// resets the connection, and nobody else takes note of it.
const SILENCE: Duration = Duration::from_secs(2);

/// An HTTP/2 connection whose client sends no more.
pub(super) struct HalfClosed {
    reset: Reset,
    idle_timeout: Deadline,
    wait: Duration,
}

/// What is known of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It has reset the connection.
    Gone,
    /// Nothing for a while. The next silence is twice as long.
    Nothing,
}

impl HalfClosed {
    /// Watch a socket of which the end was read.
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Self> {
        Ok(Self {
            reset: Reset::of(socket)?,
            idle_timeout: Deadline::after(SILENCE),
            wait: SILENCE,
        })
    }

    /// Wait until something is known, or there was silence.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Shown> {
        if self.reset.poll(context).is_ready() {
            return Poll::Ready(Shown::Gone);
        }
        ready!(self.idle_timeout.poll_due(context));
        self.wait *= 2;
        self.idle_timeout.set(self.wait);
        Poll::Ready(Shown::Nothing)
    }
}
