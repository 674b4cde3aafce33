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

use crate::buffer::{Buffer, large_available};
use crate::engine::Engine;
use crate::fault::{Fault, StreamFault};
use crate::lingering_close::LingeringClose;

/// The most unsent ciphertext in bytes before a writer waits. Below it, writes share a system call.
const MAX_WAITING: usize = 4 * 1024;
/// The room for a read in bytes: at least a full record.
const READ_ROOM: usize = 17 * 1024;
/// The most bytes of a vectored write that are joined, so that head and body share a record.
const MAX_JOINED: usize = 64 * 1024;

/// An open TLS connection, read and written as plaintext.
///
/// A write is sent immediately as far as the socket accepts it; `flush` waits for the rest. `shutdown`
/// sends `close_notify`. If the peer closes the connection without one, a read fails with `UnexpectedEof`.
pub struct TlsStream {
    tcp: TcpStream,
    engine: Engine,
    tickets: Tickets,
    /// Set while an alert is being sent after a fault.
    closing: Option<Box<LingeringClose>>,
    is_broken: bool,
    faults: FaultSlot,
}

/// Stores the first fault of a stream.
#[derive(Clone, Default)]
pub struct FaultSlot(Rc<Cell<Option<Box<StreamFault>>>>);

impl FaultSlot {
    /// Take the fault that ended the stream, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<StreamFault> {
        self.0.take().map(|fault| *fault)
    }
}

/// Unsent tickets of the handshake (RFC 8446 §4.6.1).
///
/// The client does not wait for them, so they are sent in one segment with the first response, or at
/// the first wait if the client has sent nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tickets {
    Pending,
    WithNextWrite,
    NotDelayed,
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

    /// Stores a fault of the client; outlives the stream.
    #[must_use]
    pub fn faults(&self) -> FaultSlot {
        self.faults.clone()
    }

    /// Store a fault, and begin a lingering close so that its alert arrives.
    fn fail(&mut self, fault: &Fault) {
        self.tickets = Tickets::NotDelayed;
        let sent = self.engine.flow.alert_sent;
        let fault = Box::new(StreamFault::of(fault, sent));
        self.faults.0.set(Some(fault));
        self.closing = Some(Box::new(LingeringClose::new()));
    }

    /// Ready when the lingering close has ended.
    fn poll_fail(&mut self, context: &mut Context<'_>) -> Poll<()> {
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

    /// Send the outgoing ciphertext; ready when all was accepted by the socket.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = &mut self.engine.flow.outgoing;
        while !outgoing.is_empty() {
            let outcome = Pin::new(&mut self.tcp).poll_write(context, outgoing.filled())?;
            let Poll::Ready(sent) = outcome else {
                outgoing.shrink();
                return Poll::Pending;
            };
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.consume(sent);
        }
        outgoing.shrink();
        Poll::Ready(Ok(()))
    }

    /// Send outgoing ciphertext before a wait for the peer, which may be waiting for it. Does not
    /// register a waker for writing, which another task may have registered.
    fn send_before_waiting(&mut self) {
        let outgoing = &mut self.engine.flow.outgoing;
        if !outgoing.is_empty() {
            if self.tickets != Tickets::WithNextWrite
                && let Ok(sent) = self.tcp.try_write(outgoing.filled())
            {
                outgoing.consume(sent);
            }
            outgoing.shrink();
        }
    }

    /// Handle a read: a response will follow, with which the tickets can be sent. While large buffers are
    /// scarce, unread bytes are stored in their own size, since the reader may not return soon.
    fn after_read(&mut self) {
        if self.tickets == Tickets::Pending {
            self.tickets = Tickets::WithNextWrite;
        }
        if !large_available() {
            self.engine.incoming.shrink();
            self.engine.flow.plaintext.shrink();
        }
    }

    /// Read ciphertext; `false` at the end of the stream.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.engine.is_full() {
            return Poll::Ready(Err(invalid(&Error::PeerSentOversizedRecord.into())));
        }
        self.send_before_waiting();
        let incoming = &mut self.engine.incoming;
        loop {
            // The buffer is allocated when the socket is readable, so that waiting needs no memory. After
            // a read that does not fill it, tokio knows that the socket is empty without another read.
            if self.tcp.poll_read_ready(context)?.is_pending() {
                incoming.shrink();
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

    /// Encrypt one piece, and send as much as the socket accepts.
    fn poll_encrypt(&mut self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.engine.flow.outgoing.len() > MAX_WAITING {
            ready!(self.poll_send(context))?;
        }
        self.tickets = Tickets::NotDelayed;
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
            take_buffered(&mut this.engine.flow.plaintext, into);
            if into.remaining() == 0
                || into.filled().len() > before && this.engine.incoming.is_empty()
            {
                this.after_read();
                return Poll::Ready(Ok(()));
            }
            if let Err(fault) = this.engine.process(|payload| take(payload, into)) {
                if !std::mem::replace(&mut this.is_broken, true) {
                    this.fail(&fault);
                }
                ready!(this.poll_fail(context));
                return Poll::Ready(Err(invalid(&fault)));
            }
            if into.filled().len() > before {
                this.after_read();
                return Poll::Ready(Ok(()));
            }
            if this.engine.flow.peer_closed {
                return Poll::Ready(Ok(()));
            }
            if !ready!(this.poll_receive(context))? {
                // RFC 8446 §6.1: without close_notify this may be a truncation attack.
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
            // A long first piece fills whole records; the others follow with the next call.
            (Some(first), _) if first.len() >= MAX_JOINED => {
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
        if self.tickets == Tickets::WithNextWrite {
            return Poll::Ready(Ok(())); // There are only tickets.
        }
        self.get_mut().poll_send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // After an error only the alert is sent.
        let _ = this.engine.close();
        ready!(this.poll_send(context))?;
        if this.engine.flow.peer_closed {
            return Poll::Ready(Ok(())); // Dropping the socket closes it.
        }
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

fn take_buffered(plaintext: &mut Buffer, into: &mut ReadBuf<'_>) {
    if !plaintext.is_empty() {
        let taken = take(plaintext.filled(), into);
        plaintext.consume(taken);
        plaintext.shrink();
    }
}

fn take(payload: &[u8], into: &mut ReadBuf<'_>) -> usize {
    let count = payload.len().min(into.remaining());
    into.put_slice(&payload[..count]);
    count
}

/// Join pieces, up to the limit.
fn joined(pieces: &[IoSlice<'_>]) -> Buffer {
    let mut buffer = Buffer::default();
    for piece in pieces {
        let left = MAX_JOINED - buffer.len();
        buffer.extend_from_slice(&piece[..piece.len().min(left)]);
    }
    buffer
}

fn invalid(error: &Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
