//! Plain TCP to a server.

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

/// What may wait in the kernel to be sent. It says that there is room while half of this is free,
/// which is room for a piece.
#[cfg(target_os = "linux")]
const QUEUE_BYTES: u32 = 32 * 1024;

/// Where a server listens.
pub(crate) struct TcpConnector {
    host: String,
    port: u16,
    address: Option<IpAddr>,
}

/// A connection.
pub(crate) struct Tcp {
    stream: TcpStream,
    /// Whether the kernel was told to hold little of what it has not sent.
    is_short: bool,
}

/// One that is kept between two exchanges.
pub(crate) struct KeptTcp {
    stream: TcpStream,
    /// The tick of the event loop in which it came back.
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

    /// Connect until then.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Tcp, ConnectFault> {
        let addresses = timeout_at(deadline, self.addresses()).await;
        let addresses = addresses.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let addresses = addresses.map_err(|error| ConnectFault::no_address(&error))?;
        let stream = timeout_at(deadline, connect_to_any(&addresses)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        stream
            .map(|stream| Tcp {
                stream,
                is_short: false,
            })
            .map_err(|error| ConnectFault::not_connected(&error))
    }

    /// Where the server is; one that has a name is looked up each time.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.address {
            Some(address) => Ok(vec![SocketAddr::new(address, self.port)]),
            None => Ok(lookup_host((self.host.as_str(), self.port))
                .await?
                .collect()),
        }
    }
}

/// Connect to the first address that takes a connection.
async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    // A name that leads nowhere: the resolver knows it, without an address.
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
    /// The bytes' way.
    #[inline]
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Wait until the kernel has room for a piece, of which it then takes all or nearly all.
    ///
    /// The event loop alone would not do: it takes a socket for writable until a write has failed,
    /// and what that write was about would have to be held.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.is_short, true) {
            shorten_queue(&self.stream);
        }
        // A look that finds no room has the kernel tell of it when there is some.
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

    /// Keep it for another exchange.
    pub(crate) fn keep(self) -> KeptTcp {
        if self.is_short {
            lengthen_queue(&self.stream);
        }
        KeptTcp {
            stream: self.stream,
            tick: loop_tick::now(),
        }
    }
}

impl KeptTcp {
    /// Whether the event loop knows what has come since it was kept: it takes a read that did not
    /// fill its room for the last there is to read until its next tick.
    pub(crate) fn is_cheap(&self) -> bool {
        self.tick < loop_tick::now()
    }

    /// Whether nothing has come, as far as the event loop knows: what a server says unasked is an
    /// end, or not for us.
    pub(crate) fn is_alive(&self) -> bool {
        let outcome = self.stream.try_read(&mut [0]);
        outcome.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Use it again, if nothing has come. The kernel is asked where the event loop would not know,
    /// since an answer that nobody has asked for would be the next one's.
    pub(crate) fn resume(self, must_be_sure: bool) -> Option<Tcp> {
        let is_alive = if must_be_sure || !self.is_cheap() {
            is_silent(&self.stream)
        } else {
            self.is_alive()
        };
        is_alive.then_some(Tcp {
            stream: self.stream,
            is_short: false,
        })
    }
}

/// Whether the kernel has nothing to read.
fn is_silent(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    recv(stream, &mut [0_u8], flags).is_err_and(|error| error == Errno::WOULDBLOCK)
}

/// What a server does not take costs the kernel less, too; elsewhere a piece may be taken in part.
fn shorten_queue(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(QUEUE_BYTES);
}

/// The kernel's own measure again (`tcp_notsent_lowat`), for who sends on the connection next.
fn lengthen_queue(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(u32::MAX);
}

/// Whether the kernel has room for what is to be sent, or an error that a write will show.
fn has_room(stream: &TcpStream) -> bool {
    let mut asked = [PollFd::new(stream, PollFlags::OUT)];
    poll(&mut asked, Some(&Timespec::default())) != Ok(0)
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

    /// Let the server say something, and read it in one piece that does not fill its room.
    async fn read_answer(tcp: &mut Tcp, peer: &mut Peer) {
        peer.write_all(b"first").unwrap();
        assert_eq!(5, tcp.stream.read(&mut [0; 64]).await.unwrap());
    }

    #[tokio::test]
    async fn a_piece_goes_whole_or_not_at_all() {
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
    async fn what_comes_behind_an_answer_is_seen_in_the_same_tick() {
        let (mut tcp, mut peer) = connected().await;
        read_answer(&mut tcp, &mut peer).await;
        let kept = tcp.keep();
        peer.write_all(b"second").unwrap();
        assert!(kept.is_alive(), "the event loop has heard of it already");
        assert!(kept.resume(false).is_none());
    }

    #[tokio::test]
    async fn a_connection_is_used_again_in_the_same_tick() {
        let (mut tcp, mut peer) = connected().await;
        read_answer(&mut tcp, &mut peer).await;
        let kept = tcp.keep();
        assert!(!kept.is_cheap() && kept.resume(false).is_some());
    }
}
