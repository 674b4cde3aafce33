//! Closing a connection so that the last bytes arrive. Closing a socket with unread bytes resets the
//! connection, and the peer may discard received bytes then (RFC 9112 §9.6 for HTTP).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

use crate::buffer::Buffer;

/// How long and how many bytes are read and discarded.
const TIMEOUT: Duration = Duration::from_millis(500);
const MAX_BYTES: usize = 64 * 1024;

/// A lingering close of an open stream, which is polled by its reader.
pub(crate) struct LingeringClose {
    deadline: Pin<Box<Sleep>>,
    is_shut: bool,
    seen: usize,
}

impl LingeringClose {
    pub(crate) fn new() -> Self {
        Self {
            deadline: Box::pin(sleep(TIMEOUT)),
            is_shut: false,
            seen: 0,
        }
    }

    /// Shut the sending direction down, then read and discard; ready at the end.
    pub(crate) fn poll(&mut self, tcp: &mut TcpStream, context: &mut Context<'_>) -> Poll<()> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if !self.is_shut {
            let _ = ready!(Pin::new(&mut *tcp).poll_shutdown(context));
            self.is_shut = true;
        }
        let mut sink = Buffer::default();
        while self.seen < MAX_BYTES {
            let mut room = ReadBuf::new(sink.room(1));
            match ready!(Pin::new(&mut *tcp).poll_read(context, &mut room)) {
                Ok(()) if !room.filled().is_empty() => self.seen += room.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

/// Send the last bytes, shut the sending direction down, then read and discard.
pub async fn lingering_close(tcp: &mut TcpStream, last_bytes: &[u8]) {
    let _ = timeout(TIMEOUT, async {
        tcp.write_all(last_bytes).await?;
        tcp.shutdown().await?;
        // Not an array, which would make the future of every handshake larger.
        let (mut sink, mut seen) = (Buffer::default(), 0);
        while seen < MAX_BYTES {
            match tcp.read(sink.room(1)).await? {
                0 => break,
                count => seen += count,
            }
        }
        std::io::Result::Ok(())
    })
    .await;
}
