//! An open TLS connection as a byte stream.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustls::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::buffer::{Buffer, can_lend};
use crate::engine::Engine;
use crate::fault::{Fault, StreamFault};
use crate::lingering_close::LingeringClose;

/// Ciphertext that may wait for more to share a system call with; above it a writer waits.
const MOST_WAITING: usize = 4 * 1024;
/// Room for a full record at least, so that no read is for a few bytes only.
const READ_ROOM: usize = 17 * 1024;
/// Pieces of a vectored write that are joined, so that head and body share a record.
const MOST_JOINED: usize = 64 * 1024;

/// An open TLS connection: plaintext on this side, its socket on the other.
///
/// A write is sent at once as far as the socket takes it; `flush` waits for the rest. `shutdown`
/// says goodbye by `close_notify`. A peer that closes without its own shows as `UnexpectedEof`.
pub struct TlsStream {
    tcp: TcpStream,
    engine: Engine,
    tickets: Tickets,
    /// Set while the last words to a client at fault are on their way.
    closing: Option<Box<LingeringClose>>,
    is_broken: bool,
    faults: FaultSlot,
}

/// Where a stream puts what its client has broken.
#[derive(Clone, Default)]
pub struct FaultSlot(Rc<Cell<Option<Box<StreamFault>>>>);

impl FaultSlot {
    /// The fault that ended the stream, when one did; once.
    #[must_use]
    pub fn take(&self) -> Option<StreamFault> {
        self.0.take().map(|fault| *fault)
    }
}

/// What the handshake left to be sent, when that is nothing but tickets (RFC 8446 §4.6.1).
///
/// The client does not wait for them, so they share a segment with the answer to what it has
/// asked; while it has asked for nothing they leave at the first wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tickets {
    Unasked,
    WithAnswer,
    NoneHeld,
}

impl TlsStream {
    pub(crate) fn new(tcp: TcpStream, engine: Engine, tickets: Tickets) -> Self {
        Self {
            tcp,
            engine,
            tickets,
            closing: None,
            is_broken: false,
            faults: FaultSlot::default(),
        }
    }

    /// Where a fault of the client will be found, also when the stream is gone.
    #[must_use]
    pub fn faults(&self) -> FaultSlot {
        self.faults.clone()
    }

    /// Note a fault, and have its alert arrive: a socket that is closed over unread bytes takes it
    /// back.
    fn leave(&mut self, fault: &Fault) {
        self.tickets = Tickets::NoneHeld;
        let sent = self.engine.flow.alert_sent;
        let told = Box::new(StreamFault::of(fault, sent));
        self.faults.0.set(Some(told));
        self.closing = Some(Box::new(LingeringClose::new()));
    }

    /// Ready when the last words have been taken.
    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.closing.is_some() && ready!(self.poll_send(context)).is_err() {
            self.closing = None;
        }
        if let Some(closing) = &mut self.closing {
            ready!(closing.poll(&mut self.tcp, context));
            self.closing = None;
        }
        Poll::Ready(())
    }

    /// The client's address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    /// Send what waits, as far as the socket takes it now.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = &mut self.engine.flow.outgoing;
        while !outgoing.is_empty() {
            let outcome = Pin::new(&mut self.tcp).poll_write(context, outgoing.filled())?;
            let Poll::Ready(sent) = outcome else {
                outgoing.settle();
                return Poll::Pending;
            };
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.consume(sent);
        }
        outgoing.settle();
        Poll::Ready(Ok(()))
    }

    /// Before a wait for the peer: send what it may be waiting for. The writer's place in the
    /// socket's waiting list is left alone, since another task may hold it.
    fn send_before_waiting(&mut self) {
        let outgoing = &mut self.engine.flow.outgoing;
        if !outgoing.is_empty() {
            if self.tickets != Tickets::WithAnswer
                && let Ok(sent) = self.tcp.try_write(outgoing.filled())
            {
                outgoing.consume(sent);
            }
            outgoing.settle();
        }
    }

    /// The client has sent something: an answer will follow that the tickets can go with. While
    /// many hold what nobody takes, nobody knows when the reader comes back: what it has left is
    /// held in its own size.
    fn note_asked(&mut self) {
        if self.tickets == Tickets::Unasked {
            self.tickets = Tickets::WithAnswer;
        }
        if !can_lend() {
            self.engine.incoming.settle();
            self.engine.flow.plaintext.settle();
        }
    }

    /// Read ciphertext; `false` at the end of the connection.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.engine.is_full() {
            return Poll::Ready(Err(invalid(&Error::PeerSentOversizedRecord.into())));
        }
        self.send_before_waiting();
        let incoming = &mut self.engine.incoming;
        loop {
            // A buffer is taken when there is something to read: waiting costs no memory. A read
            // that does not fill it tells tokio that the socket is empty, so that none is made to
            // learn just that.
            if self.tcp.poll_read_ready(context)?.is_pending() {
                incoming.settle();
                return Poll::Pending;
            }
            let mut room = ReadBuf::new(incoming.room(READ_ROOM));
            if let Poll::Ready(outcome) = Pin::new(&mut self.tcp).poll_read(context, &mut room) {
                let count = room.filled().len();
                incoming.extend_by(count);
                return Poll::Ready(outcome.map(|()| count > 0));
            }
        }
    }

    /// Encrypt one piece and send what the socket takes.
    fn poll_encrypt(&mut self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.engine.flow.outgoing.len() > MOST_WAITING {
            ready!(self.poll_send(context))?;
        }
        self.tickets = Tickets::NoneHeld;
        let count = self.engine.encrypt(data).map_err(|error| invalid(&error))?;
        match self.poll_send(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }
}

impl AsFd for TlsStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        loop {
            take_kept(&mut this.engine.flow.plaintext, into);
            if into.remaining() == 0
                || into.filled().len() > before && this.engine.incoming.is_empty()
            {
                this.note_asked();
                return Poll::Ready(Ok(()));
            }
            if let Err(fault) = this.engine.process(|payload| take(payload, into)) {
                if !std::mem::replace(&mut this.is_broken, true) {
                    this.leave(&fault);
                }
                ready!(this.poll_leave(context));
                return Poll::Ready(Err(invalid(&fault)));
            }
            if into.filled().len() > before {
                this.note_asked();
                return Poll::Ready(Ok(()));
            }
            if this.engine.flow.peer_closed {
                return Poll::Ready(Ok(()));
            }
            if !ready!(this.poll_receive(context))? {
                // RFC 8446 §6.1: without close_notify the end may be an attacker's.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_encrypt(context, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = pieces.iter().filter(|piece| !piece.is_empty());
        match (filled.next(), filled.next()) {
            (None, _) => Poll::Ready(Ok(0)),
            (Some(only), None) => self.get_mut().poll_encrypt(context, only),
            // A long first piece fills its records alone; the others come with the next call.
            (Some(first), _) if first.len() >= MOST_JOINED => {
                self.get_mut().poll_encrypt(context, first)
            }
            _ => self
                .get_mut()
                .poll_encrypt(context, joined(pieces).filled()),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.tickets == Tickets::WithAnswer {
            return Poll::Ready(Ok(())); // Nothing was written yet.
        }
        self.get_mut().poll_send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // After an error there is nothing to say goodbye with but the alert that waits already.
        let _ = this.engine.close();
        ready!(this.poll_send(context))?;
        if this.engine.flow.peer_closed {
            return Poll::Ready(Ok(())); // Dropping the socket says the rest.
        }
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

fn take_kept(plaintext: &mut Buffer, into: &mut ReadBuf<'_>) {
    if !plaintext.is_empty() {
        let taken = take(plaintext.filled(), into);
        plaintext.consume(taken);
        plaintext.settle();
    }
}

fn take(payload: &[u8], into: &mut ReadBuf<'_>) -> usize {
    let count = payload.len().min(into.remaining());
    into.put_slice(&payload[..count]);
    count
}

/// Small pieces in one, as many as a write should hold.
fn joined(pieces: &[IoSlice<'_>]) -> Buffer {
    let mut buffer = Buffer::default();
    for piece in pieces {
        let left = MOST_JOINED - buffer.len();
        buffer.extend_from_slice(&piece[..piece.len().min(left)]);
    }
    buffer
}

fn invalid(error: &Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
