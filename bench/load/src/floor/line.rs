//! One socket, and what it has not taken yet.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;

use crate::fault::Fault;

/// What one read has given.
pub(super) enum Came {
    /// This many bytes; the flag says that the socket is empty.
    Bytes(usize, bool),
    /// Nothing for now.
    Nothing,
    /// The end.
    End,
}

/// A socket with a queue in front of it.
pub(super) struct Line {
    pub(super) socket: TcpStream,
    queue: Vec<u8>,
    sent: usize,
}

impl Line {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            queue: Vec::new(),
            sent: 0,
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Came, Fault> {
        match self.socket.read(buffer) {
            Ok(0) => Ok(Came::End),
            Ok(length) => Ok(Came::Bytes(length, length < buffer.len())),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => Ok(Came::Nothing),
                ErrorKind::ConnectionReset => Ok(Came::End),
                _ => Err(error.into()),
            },
        }
    }

    /// Append bytes without sending them.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
    }

    /// Send bytes, and keep what the socket does not take.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let taken = if self.is_clear() {
            self.write(bytes, 0)?
        } else {
            0
        };
        self.queue(&bytes[taken..]);
        Ok(())
    }

    /// Send what is queued, as far as the socket takes it.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        if self.is_clear() {
            return Ok(());
        }
        let queue = std::mem::take(&mut self.queue);
        self.sent += self.write(&queue, self.sent)?;
        self.queue = queue;
        if self.sent == self.queue.len() {
            self.queue.clear();
            self.sent = 0;
        }
        Ok(())
    }

    pub(super) fn is_clear(&self) -> bool {
        self.queue.is_empty()
    }

    fn write(&mut self, bytes: &[u8], from: usize) -> Result<usize, Fault> {
        match self.socket.write(&bytes[from..]) {
            Ok(length) => Ok(length),
            // A connection that is still being made takes nothing; one that is gone is met when it is read.
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::NotConnected => Ok(0),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Ok(bytes.len() - from),
                _ => Err(error.into()),
            },
        }
    }
}
