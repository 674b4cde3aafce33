//! After an upgrade: bytes both ways, until both sides have ended (RFC 9110 §7.8).

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::budget::small_room;
use crate::buffer::Buffer;
use crate::deadline::Deadline;
use crate::peer_end::{Reset, is_end};
use crate::upstream::ServerConnection;

/// Carry bytes between the client and the server; what came early of both is with them.
///
/// A tunnel that nobody has used for as long as `silence` is taken for forgotten.
pub async fn run<S: AsyncRead + AsyncWrite + AsFd + Unpin>(
    (mut stream, inbox): (S, Buffer),
    mut connection: ServerConnection,
    early: Buffer,
    silence: Duration,
) {
    let server = &mut connection.stream;
    let (mut up, mut down) = (Way::beginning_with(inbox), Way::beginning_with(early));
    let mut deadline = Deadline::after(silence);
    let mut reset = None;
    let mut carry = |context: &mut Context<'_>| {
        let (one, other) = (
            up.poll(context, &mut stream, server),
            down.poll(context, server, &mut stream),
        );
        let is_broken = [&one, &other]
            .into_iter()
            .any(|way| matches!(way, Poll::Ready(Err(_))));
        if is_broken || one.is_ready() && other.is_ready() {
            return Poll::Ready(());
        }
        if up.source_ended && poll_reset(context, &mut reset, &stream).is_ready() {
            return Poll::Ready(());
        }
        if up.take_moved() | down.take_moved() {
            deadline.set(silence);
        }
        deadline.poll_due(context)
    };
    poll_fn(&mut carry).await;
}

/// A client whose end was read is not read any more: its reset has to be waited for.
fn poll_reset(
    context: &mut Context<'_>,
    reset: &mut Option<Reset>,
    stream: &impl AsFd,
) -> Poll<()> {
    if reset.is_none() {
        *reset = Reset::of(stream).ok();
    }
    reset
        .as_mut()
        .map_or(Poll::Ready(()), |it| it.poll(context))
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
