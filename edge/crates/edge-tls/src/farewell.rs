//! Last words to a client that is refused, said so that they arrive.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

use crate::buffer::Buffer;

/// How long and how much a refused client may go on talking.
const PATIENCE: Duration = Duration::from_millis(500);
const MOST: usize = 64 * 1024;

/// The same for a stream that is open: a step at a time, while its reader waits.
pub(crate) struct Leaving {
    deadline: Pin<Box<Sleep>>,
    is_shut: bool,
    seen: usize,
}

impl Leaving {
    pub(crate) fn new() -> Self {
        Self {
            deadline: Box::pin(sleep(PATIENCE)),
            is_shut: false,
            seen: 0,
        }
    }

    /// Go on reading past what comes, once the last words are sent; ready at the end.
    pub(crate) fn poll(&mut self, tcp: &mut TcpStream, context: &mut Context<'_>) -> Poll<()> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if !self.is_shut {
            let _ = ready!(Pin::new(&mut *tcp).poll_shutdown(context));
            self.is_shut = true;
        }
        let mut sink = Buffer::default();
        while self.seen < MOST {
            let mut room = ReadBuf::new(sink.room(1));
            match ready!(Pin::new(&mut *tcp).poll_read(context, &mut room)) {
                Ok(()) if !room.filled().is_empty() => self.seen += room.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

/// Send the last words, then read past what still comes in.
///
/// A socket that is closed over unread bytes is reset, and a reset takes the last words with it
/// (RFC 9112 §9.6 tells the same of HTTP).
pub async fn farewell(tcp: &mut TcpStream, words: &[u8]) {
    let _ = timeout(PATIENCE, async {
        tcp.write_all(words).await?;
        tcp.shutdown().await?;
        // Lent by the thread: an array here would make every handshake's future larger.
        let (mut sink, mut seen) = (Buffer::default(), 0);
        while seen < MOST {
            match tcp.read(sink.room(1)).await? {
                0 => break,
                count => seen += count,
            }
        }
        std::io::Result::Ok(())
    })
    .await;
}
