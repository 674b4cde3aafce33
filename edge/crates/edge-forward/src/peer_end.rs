//! Clients that have ended their side of a connection: some still read what they have asked for
//! (RFC 9112 §9.6), and of others only the kernel is left, which resets what it is sent.
//!
//! An end behind a whole request never means that nobody reads. What tells is a reset, a write that
//! fails, or the time-out of whatever the connection waits for.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::TcpStream;

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

/// Wait for the reset of a connection of which the end was read, watched from the first time on.
pub fn poll_reset(
    context: &mut Context<'_>,
    reset: &mut Option<Reset>,
    socket: &impl AsFd,
) -> Poll<()> {
    if reset.is_none() {
        *reset = Reset::of(socket).ok();
    }
    reset
        .as_mut()
        .map_or(Poll::Ready(()), |it| it.poll(context))
}
