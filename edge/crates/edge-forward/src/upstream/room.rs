//! Whether a server takes more: asked before something is read for it that would have to be held.

use std::io;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::ServerConnection;

/// What may wait in the kernel to be sent. It says that there is room while half of this is free,
/// which is room for a piece.
#[cfg(target_os = "linux")]
const QUEUE_BYTES: u32 = 32 * 1024;

impl ServerConnection {
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
}

/// What a server does not take costs the kernel less, too; elsewhere a piece may be taken in part.
fn shorten_queue(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(QUEUE_BYTES);
}

/// The kernel's own measure again (`tcp_notsent_lowat`), for who sends on the connection next.
pub(super) fn lengthen_queue(stream: &TcpStream) {
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
    use std::io::Read as _;

    use super::*;
    use crate::upstream::tests::connected;

    const PIECE: &[u8] = &[0; 16 * 1024];

    #[tokio::test]
    async fn a_piece_goes_whole_or_not_at_all() {
        let (_pool, mut connection, mut peer) = connected().await;
        let mut sent = 0;
        while poll_fn(|it| Poll::Ready(connection.poll_room(it).is_ready())).await {
            assert_eq!(PIECE.len(), connection.stream.try_write(PIECE).unwrap());
            sent += PIECE.len();
        }
        peer.read_exact(&mut vec![0; sent]).unwrap();
        poll_fn(|it| connection.poll_room(it)).await;
    }
}
