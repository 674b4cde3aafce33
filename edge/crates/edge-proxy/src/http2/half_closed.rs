//! HTTP/2 connections whose client has closed its direction.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_forward::Deadline;
use edge_forward::peer_end::Reset;

/// The time until the first PING. The kernel of a client that has closed its socket answers it with a reset;
/// other clients ignore it.
const FIRST_PING: Duration = Duration::from_secs(2);

/// A connection whose client has closed its direction.
pub(super) struct HalfClosed {
    reset: Reset,
    next_ping: Deadline,
    wait: Duration,
}

/// The result of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detected {
    /// The client has reset the connection.
    Reset,
    /// A PING is due. The next one is due after twice the time.
    PingDue,
}

impl HalfClosed {
    /// Watch a socket whose end of stream was read.
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Self> {
        Ok(Self {
            reset: Reset::of(socket)?,
            next_ping: Deadline::after(FIRST_PING),
            wait: FIRST_PING,
        })
    }

    /// Wait until the connection is reset, or a PING is due.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Detected> {
        if self.reset.poll(context).is_ready() {
            return Poll::Ready(Detected::Reset);
        }
        ready!(self.next_ping.poll_due(context));
        self.wait *= 2;
        self.next_ping.set(self.wait);
        Poll::Ready(Detected::PingDue)
    }
}
