//! How connections to a server are made, and whether one that was kept can still be used.

mod fault;
mod tcp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use edge_contract::Server;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub(crate) use fault::ConnectFault;
use tcp::{KeptTcp, Tcp, TcpConnector};

/// The way to one server.
///
/// There is a variant for each transport that a server may speak; it alone knows how a connection is
/// made and when a kept one is dead (docs/why/16).
pub(crate) enum Connector {
    Tcp(TcpConnector),
}

/// A connection to a server, for one exchange at a time.
pub(crate) enum ServerStream {
    Tcp(Tcp),
}

/// A connection between two exchanges.
pub(crate) enum KeptStream {
    Tcp(KeptTcp),
}

impl Connector {
    /// The way to a server of a pool's document.
    pub(crate) fn new(server: &Server) -> Self {
        Self::Tcp(TcpConnector::new(server))
    }

    /// Make a connection until then.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<ServerStream, ConnectFault> {
        match self {
            Self::Tcp(tcp) => tcp.connect(deadline).await.map(ServerStream::Tcp),
        }
    }
}

/// `host:port`, as events name a server.
pub(crate) fn label(server: &Server) -> String {
    match server.host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, server.port).to_string(),
        Err(_) => format!("{}:{}", server.host, server.port),
    }
}

impl ServerStream {
    /// Wait until the server has room for a piece, of which all or nearly all is taken then.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(tcp) => tcp.poll_room(context),
        }
    }

    /// Keep it for another exchange; the last answer must have been read to its end.
    pub(crate) fn keep(self) -> KeptStream {
        match self {
            Self::Tcp(tcp) => KeptStream::Tcp(tcp.keep()),
        }
    }
}

impl KeptStream {
    /// Whether it can be had without asking the kernel.
    pub(crate) fn is_cheap(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_cheap(),
        }
    }

    /// Whether the server has neither ended it nor sent anything, as far as is known by now.
    pub(crate) fn is_alive(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_alive(),
        }
    }

    /// Use it again, if it is alive; ask for certain with `must_be_sure`.
    pub(crate) fn resume(self, must_be_sure: bool) -> Option<ServerStream> {
        match self {
            Self::Tcp(tcp) => tcp.resume(must_be_sure).map(ServerStream::Tcp),
        }
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp.stream()).poll_read(context, into),
        }
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp.stream()).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp.stream()).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp.stream()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp.stream()).poll_shutdown(context),
        }
    }
}
