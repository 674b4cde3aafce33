//! How connections to a server are opened, and whether an idle one can still be used.

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
use tcp::{IdleTcp, Tcp, TcpConnector};

/// Opens connections to one server.
///
/// There is a variant for each transport, which alone knows how to open a connection and how to
/// detect that an idle one is dead (docs/why/16).
pub(crate) enum Connector {
    Tcp(TcpConnector),
}

/// A connection to a server, for one exchange at a time.
pub(crate) enum ServerStream {
    Tcp(Tcp),
}

/// An idle connection.
pub(crate) enum IdleStream {
    Tcp(IdleTcp),
}

impl Connector {
    /// Create the connector of a server.
    pub(crate) fn new(server: &Server) -> Self {
        Self::Tcp(TcpConnector::new(server))
    }

    /// Open a connection before the deadline.
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
    /// Wait until a piece of a body can be written, completely or nearly so.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(tcp) => tcp.poll_room(context),
        }
    }

    /// Make it idle. The last response must have been read completely.
    pub(crate) fn into_idle(self) -> IdleStream {
        match self {
            Self::Tcp(tcp) => IdleStream::Tcp(tcp.into_idle()),
        }
    }
}

impl IdleStream {
    /// Whether its state is known without a system call.
    pub(crate) fn is_state_known(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_state_known(),
        }
    }

    /// Whether the server has neither closed it nor sent anything, as far as the event loop knows.
    pub(crate) fn is_alive(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_alive(),
        }
    }

    /// Use it again if it is alive; `ask_kernel` asks the kernel.
    pub(crate) fn resume(self, ask_kernel: bool) -> Option<ServerStream> {
        match self {
            Self::Tcp(tcp) => tcp.resume(ask_kernel).map(ServerStream::Tcp),
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
