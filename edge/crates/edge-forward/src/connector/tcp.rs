//! TCP connections to a server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use edge_contract::Server;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::fault::ConnectFault;
use crate::loop_tick;

/// The limit on unsent bytes in the kernel (`TCP_NOTSENT_LOWAT`). The socket is writable while half of
/// it is free, which is room for a piece.
#[cfg(target_os = "linux")]
const MAX_UNSENT_BYTES: u32 = 32 * 1024;

/// The address of a server.
pub(crate) struct TcpConnector {
    host: String,
    port: u16,
    address: Option<IpAddr>,
}

/// A connection.
pub(crate) struct Tcp {
    stream: TcpStream,
    /// Whether unsent bytes in the kernel are limited.
    limits_unsent: bool,
}

/// An idle connection.
pub(crate) struct IdleTcp {
    stream: TcpStream,
    /// The tick of the event loop in which it became idle.
    tick: u64,
}

impl TcpConnector {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            host: server.host.clone(),
            port: server.port,
            address: server.host.parse().ok(),
        }
    }

    /// Connect before the deadline.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Tcp, ConnectFault> {
        let addresses = timeout_at(deadline, self.addresses()).await;
        let addresses = addresses.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let addresses = addresses.map_err(|error| ConnectFault::no_address(&error))?;
        let stream = timeout_at(deadline, connect_to_any(&addresses)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        stream
            .map(|stream| Tcp {
                stream,
                limits_unsent: false,
            })
            .map_err(|error| ConnectFault::not_connected(&error))
    }

    /// The addresses of the server. A host name is looked up each time.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.address {
            Some(address) => Ok(vec![SocketAddr::new(address, self.port)]),
            None => Ok(lookup_host((self.host.as_str(), self.port))
                .await?
                .collect()),
        }
    }
}

/// Connect to the first address that accepts a connection.
async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    // The error if the name exists but has no address.
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Tcp {
    /// The byte stream.
    #[inline]
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Wait until the kernel has room for a piece.
    ///
    /// The readiness of tokio is not enough: it regards a socket as writable until a write fails, and by
    /// then the piece would have to be buffered.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.limits_unsent, true) {
            limit_unsent(&self.stream);
        }
        // `WouldBlock` clears the readiness, so that the kernel notifies once there is room.
        let look = || {
            let has_room = has_room(&self.stream);
            has_room
                .then_some(())
                .ok_or(io::ErrorKind::WouldBlock.into())
        };
        while self.stream.poll_write_ready(context).is_ready() {
            if self.stream.try_io(Interest::WRITABLE, look).is_ok() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Make it idle.
    pub(crate) fn into_idle(self) -> IdleTcp {
        if self.limits_unsent {
            unlimit_unsent(&self.stream);
        }
        IdleTcp {
            stream: self.stream,
            tick: loop_tick::now(),
        }
    }
}

impl IdleTcp {
    /// Whether the event loop knows its state. After a read that did not fill its buffer tokio regards
    /// the socket as not readable until the next tick.
    pub(crate) fn is_state_known(&self) -> bool {
        self.tick < loop_tick::now()
    }

    /// Whether nothing was received, as far as the event loop knows. Anything that a server sends on an
    /// idle connection makes it unusable.
    pub(crate) fn is_alive(&self) -> bool {
        let outcome = self.stream.try_read(&mut [0]);
        outcome.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Use it again if nothing was received. If the event loop does not know, the kernel is asked, since
    /// an unsolicited response would be taken for that of the next request.
    pub(crate) fn resume(self, ask_kernel: bool) -> Option<Tcp> {
        let is_alive = if ask_kernel || !self.is_state_known() {
            is_silent(&self.stream)
        } else {
            self.is_alive()
        };
        is_alive.then_some(Tcp {
            stream: self.stream,
            limits_unsent: false,
        })
    }
}

/// Whether the kernel has nothing to read.
fn is_silent(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    recv(stream, &mut [0_u8], flags).is_err_and(|error| error == Errno::WOULDBLOCK)
}

/// Limit the unsent bytes in the kernel (Linux only; elsewhere a piece may be written in part).
fn limit_unsent(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
}

/// Restore the kernel's default (`tcp_notsent_lowat`) for the next exchange.
fn unlimit_unsent(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(u32::MAX);
}

/// Whether the socket is writable, or has an error that a write will return.
fn has_room(stream: &TcpStream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec::default())) != Ok(0)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream as Peer};

    use tokio::io::AsyncReadExt as _;

    use super::*;

    const PIECE: &[u8] = &[0; 16 * 1024];

    async fn connected() -> (Tcp, Peer) {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let connector = TcpConnector::new(&Server {
            host: "127.0.0.1".to_owned(),
            port: listening.local_addr().unwrap().port(),
        });
        let far = Instant::now() + std::time::Duration::from_secs(60);
        let tcp = connector.connect(far).await.unwrap();
        (tcp, listening.accept().unwrap().0)
    }

    /// Have the server send something, and read it with a read that does not fill its buffer.
    async fn read_response(tcp: &mut Tcp, peer: &mut Peer) {
        peer.write_all(b"first").unwrap();
        assert_eq!(5, tcp.stream.read(&mut [0; 64]).await.unwrap());
    }

    #[tokio::test]
    async fn a_piece_is_written_completely_or_not_at_all() {
        let (mut tcp, mut peer) = connected().await;
        let mut sent = 0;
        while poll_fn(|it| Poll::Ready(tcp.poll_room(it).is_ready())).await {
            assert_eq!(PIECE.len(), tcp.stream.try_write(PIECE).unwrap());
            sent += PIECE.len();
        }
        peer.read_exact(&mut vec![0; sent]).unwrap();
        poll_fn(|it| tcp.poll_room(it)).await;
    }

    #[tokio::test]
    async fn bytes_after_a_response_are_detected_in_the_same_tick() {
        let (mut tcp, mut peer) = connected().await;
        read_response(&mut tcp, &mut peer).await;
        let idle = tcp.into_idle();
        peer.write_all(b"second").unwrap();
        assert!(idle.is_alive(), "the event loop knows of the bytes already");
        assert!(idle.resume(false).is_none());
    }

    #[tokio::test]
    async fn a_connection_is_reused_in_the_same_tick() {
        let (mut tcp, mut peer) = connected().await;
        read_response(&mut tcp, &mut peer).await;
        let idle = tcp.into_idle();
        assert!(!idle.is_state_known() && idle.resume(false).is_some());
    }
}
