//! Clients that have ended their side of a connection: some still read what they have asked for
//! (RFC 9112 §9.6), and of others only the kernel is left, which resets what it is sent.
//!
//! An end behind a whole request never means that nobody reads. What tells is a reset, a write that
//! fails, or the time-out of whatever the connection waits for.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::alarm::Alarm;

/// Over HTTP/2, after so long without an answer to send, a PING is: a kernel without its program
/// resets the connection, and nobody else takes note of it.
const SILENCE: Duration = Duration::from_secs(2);

/// Whether an error of reading means that the peer sends no more, and nothing else: a FIN without
/// `close_notify` behind a whole request takes nothing from it.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// The wait for the reset of a connection of which the end was read: reading it tells nothing new.
pub struct Reset(Pin<Box<dyn Future<Output = ()>>>);

impl Reset {
    /// Watch a socket.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let own = socket.as_fd().try_clone_to_owned()?;
        let socket = TcpStream::from_std(own.into())?;
        Ok(Self(Box::pin(async move {
            // An error of waiting leaves nothing to wait for.
            let _ = socket.ready(Interest::ERROR).await;
        })))
    }

    /// Wait until the peer has reset the connection.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

/// An HTTP/2 connection whose client sends no more.
pub struct HalfClosed {
    reset: Reset,
    silence: Alarm,
    wait: Duration,
}

/// What is known of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It has reset the connection.
    Gone,
    /// Nothing for a while. The next silence is twice as long.
    Nothing,
}

impl HalfClosed {
    /// Watch a socket of which the end was read.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        Ok(Self {
            reset: Reset::of(socket)?,
            silence: Alarm::after(SILENCE),
            wait: SILENCE,
        })
    }

    /// Wait until something is known, or there was silence.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Shown> {
        if self.reset.poll(context).is_ready() {
            return Poll::Ready(Shown::Gone);
        }
        ready!(self.silence.poll_due(context));
        self.wait *= 2;
        self.silence.set(self.wait);
        Poll::Ready(Shown::Nothing)
    }
}
