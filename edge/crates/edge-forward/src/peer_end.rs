//! Clients that have closed their direction of a connection.
//!
//! Some still read the response (RFC 9112 §9.6); others are closed, and their kernel resets the connection
//! once something is sent. The end of the stream after a complete request does not distinguish them: only
//! a reset, a failed write or a timeout does.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Whether a read error only means the end of the stream: a FIN without `close_notify`, which is harmless
/// after a complete request.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// Waits for the reset of a connection whose end of stream was read.
pub struct Reset(Pin<Box<dyn Future<Output = ()>>>);

impl Reset {
    /// Watch a socket for errors.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let own = socket.as_fd().try_clone_to_owned()?;
        let socket = TcpStream::from_std(own.into())?;
        Ok(Self(Box::pin(async move {
            // An error here ends the wait, too.
            let _ = socket.ready(Interest::ERROR).await;
        })))
    }

    /// Wait until the peer has reset the connection.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

/// Wait for the reset of a connection whose end of stream was read. The watch is created on the first call.
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
