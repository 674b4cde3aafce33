//! A bound socket of a listener.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

/// A bound socket of a listener, one variant for each [`edge_contract::Transport`].
#[derive(Debug)]
pub enum ListeningSocket {
    /// Accepts connections.
    Tcp(TcpListener),
}

impl ListeningSocket {
    /// Duplicate the descriptor.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
        }
    }

    /// Make the socket, with all its duplicates, non-blocking.
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
