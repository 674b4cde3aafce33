//! A listener's socket, of whatever transport: bound by somebody else, taken by one worker.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

/// A bound socket that a listener's clients come in by, one variant for each
/// [`edge_contract::Transport`].
#[derive(Debug)]
pub enum ListeningSocket {
    /// Accepts connections.
    Tcp(TcpListener),
}

impl ListeningSocket {
    /// Another handle of the same socket.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
        }
    }

    /// Have every call on the socket, and on all its handles, return at once.
    pub fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_nonblocking(true),
        }
    }
}

impl From<ListeningSocket> for OwnedFd {
    fn from(socket: ListeningSocket) -> Self {
        match socket {
            ListeningSocket::Tcp(socket) => socket.into(),
        }
    }
}
