//! Tunnels after an upgrade: copy bytes in both directions until both streams have ended (RFC 9110 §7.8).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::budget::small_room;
use crate::buffer::Buffer;
use crate::deadline::Deadline;
use crate::peer_end::is_end;

/// One end of a tunnel.
pub struct TunnelEnd<S> {
    /// Its stream.
    pub stream: S,
    /// Bytes that were received from it already.
    pub early: Buffer,
}

/// Copy bytes between a client and a server until both have ended.
///
/// Once the client's end of stream was read, `poll_disconnected` is polled to detect that it disconnects. The
/// tunnel also ends after `idle_timeout` without any bytes in either direction.
pub async fn run<C, S>(
    client: TunnelEnd<C>,
    server: TunnelEnd<S>,
    idle_timeout: Duration,
    mut poll_disconnected: impl FnMut(&mut Context<'_>, &C) -> Poll<()>,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (Direction::new(client.early), Direction::new(server.early));
    let (mut client, mut server) = (client.stream, server.stream);
    let mut deadline = Deadline::after(idle_timeout);
    let mut carry = |context: &mut Context<'_>| {
        let (one, other) = (
            up.poll(context, &mut client, &mut server),
            down.poll(context, &mut server, &mut client),
        );
        let is_broken = [&one, &other]
            .into_iter()
            .any(|way| matches!(way, Poll::Ready(Err(_))));
        if is_broken || one.is_ready() && other.is_ready() {
            return Poll::Ready(());
        }
        if up.source_ended && poll_disconnected(context, &client).is_ready() {
            return Poll::Ready(());
        }
        if up.take_progress() | down.take_progress() {
            deadline.set(idle_timeout);
        }
        deadline.poll_due(context)
    };
    poll_fn(&mut carry).await;
}

/// One direction of a tunnel. It owns memory only while it has unwritten bytes.
struct Direction {
    buffer: Buffer,
    source_ended: bool,
    has_progressed: bool,
}

impl Direction {
    fn new(buffer: Buffer) -> Self {
        Self {
            buffer,
            source_ended: false,
            has_progressed: false,
        }
    }

    fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.has_progressed)
    }

    /// Ready once the source has ended and the destination was shut down.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.buffer.is_empty() {
                let count = ready!(Pin::new(&mut *to).poll_write(context, self.buffer.filled()))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.buffer.consume(count);
                self.has_progressed = true;
            }
            if self.source_ended {
                return Pin::new(&mut *to).poll_shutdown(context);
            }
            self.buffer.reset(small_room());
            match self.buffer.poll_fill(context, from) {
                Poll::Ready(Ok(0)) => self.source_ended = true,
                Poll::Ready(Err(error)) if is_end(&error) => self.source_ended = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.buffer.shrink();
                    // Written bytes may still be buffered in the stream.
                    ready!(Pin::new(&mut *to).poll_flush(context))?;
                    return Poll::Pending;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};
    use tokio::net::UnixStream;

    use super::*;

    /// An end without early bytes.
    fn end<S>(stream: S) -> TunnelEnd<S> {
        TunnelEnd {
            stream,
            early: Buffer::default(),
        }
    }

    #[tokio::test]
    async fn bytes_are_copied_until_both_streams_have_ended() {
        let (client, mut far_client) = duplex(16);
        let (server, mut far_server) = UnixStream::pair().unwrap();
        let never = |_: &mut Context<'_>, _: &_| Poll::Pending;
        let tunnel = run(end(client), end(server), Duration::from_secs(60), never);
        let peers = async {
            far_client
                .write_all(b"a question that is longer than its pipe")
                .await
                .unwrap();
            far_client.shutdown().await.unwrap();
            let mut question = String::new();
            far_server.read_to_string(&mut question).await.unwrap();
            far_server
                .write_all(b"a response after the question's end")
                .await
                .unwrap();
            far_server.shutdown().await.unwrap();
            let mut response = String::new();
            far_client.read_to_string(&mut response).await.unwrap();
            (question, response)
        };
        let ((), (question, response)) = tokio::join!(tunnel, peers);
        assert_eq!("a question that is longer than its pipe", question);
        assert_eq!("a response after the question's end", response);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_tunnel_and_one_whose_client_disconnected_end() {
        for is_disconnected in [false, true] {
            let (client, far_client) = duplex(16);
            let (server, _far_server) = duplex(16);
            let (_reading, mut writing) = split(far_client);
            if is_disconnected {
                writing.shutdown().await.unwrap();
            }
            let disconnected = |_: &mut Context<'_>, _: &_| Poll::Ready(());
            let started = tokio::time::Instant::now();
            run(
                end(client),
                end(server),
                Duration::from_secs(9),
                disconnected,
            )
            .await;
            assert_eq!(
                if is_disconnected { 0 } else { 9 },
                started.elapsed().as_secs()
            );
        }
    }
}
