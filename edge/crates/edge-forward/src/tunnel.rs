//! After an upgrade: bytes both ways between any two streams, until both sides have ended (RFC 9110
//! §7.8).

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
pub struct End<S> {
    /// The stream that it is reached over.
    pub stream: S,
    /// What has come from it already.
    pub early: Buffer,
}

/// Carry bytes between a client and a server.
///
/// A client whose end was read is not read any more: `poll_gone` is asked from then on whether it is
/// still there. A tunnel that nobody has used for as long as `silence` is taken for forgotten.
pub async fn run<C, S>(
    client: End<C>,
    server: End<S>,
    silence: Duration,
    mut poll_gone: impl FnMut(&mut Context<'_>, &C) -> Poll<()>,
) where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (
        Way::beginning_with(client.early),
        Way::beginning_with(server.early),
    );
    let (mut client, mut server) = (client.stream, server.stream);
    let mut deadline = Deadline::after(silence);
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
        if up.source_ended && poll_gone(context, &client).is_ready() {
            return Poll::Ready(());
        }
        if up.take_moved() | down.take_moved() {
            deadline.set(silence);
        }
        deadline.poll_due(context)
    };
    poll_fn(&mut carry).await;
}

/// One direction; it owns memory only while bytes are on their way.
struct Way {
    buffer: Buffer,
    source_ended: bool,
    has_moved: bool,
}

impl Way {
    fn beginning_with(buffer: Buffer) -> Self {
        Self {
            buffer,
            source_ended: false,
            has_moved: false,
        }
    }

    fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    /// Ready when the source has ended and its end was passed on.
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
                self.has_moved = true;
            }
            if self.source_ended {
                return Pin::new(&mut *to).poll_shutdown(context);
            }
            self.buffer.renew(small_room());
            match self.buffer.poll_fill(context, from) {
                Poll::Ready(Ok(0)) => self.source_ended = true,
                Poll::Ready(Err(error)) if is_end(&error) => self.source_ended = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.buffer.settle();
                    // What was written may still wait for a slow reader.
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

    /// An end with nothing early, whatever its stream is made of.
    fn end<S>(stream: S) -> End<S> {
        End {
            stream,
            early: Buffer::default(),
        }
    }

    #[tokio::test]
    async fn any_two_streams_are_carried_until_both_have_ended() {
        let (client, mut far_client) = duplex(16);
        let (server, mut far_server) = UnixStream::pair().unwrap();
        let never = |_: &mut Context<'_>, _: &_| Poll::Pending;
        let tunnel = run(end(client), end(server), Duration::from_secs(60), never);
        let talk = async {
            far_client
                .write_all(b"a question that is longer than its pipe")
                .await
                .unwrap();
            far_client.shutdown().await.unwrap();
            let mut heard = String::new();
            far_server.read_to_string(&mut heard).await.unwrap();
            far_server
                .write_all(b"an answer behind the question's end")
                .await
                .unwrap();
            far_server.shutdown().await.unwrap();
            let mut answer = String::new();
            far_client.read_to_string(&mut answer).await.unwrap();
            (heard, answer)
        };
        let ((), (heard, answer)) = tokio::join!(tunnel, talk);
        assert_eq!("a question that is longer than its pipe", heard);
        assert_eq!("an answer behind the question's end", answer);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_tunnel_and_one_whose_client_is_gone_end() {
        for is_gone in [false, true] {
            let (client, far_client) = duplex(16);
            let (server, _far_server) = duplex(16);
            let (_reading, mut writing) = split(far_client);
            if is_gone {
                writing.shutdown().await.unwrap();
            }
            let gone = |_: &mut Context<'_>, _: &_| Poll::Ready(());
            let started = tokio::time::Instant::now();
            run(end(client), end(server), Duration::from_secs(9), gone).await;
            assert_eq!(if is_gone { 0 } else { 9 }, started.elapsed().as_secs());
        }
    }
}
