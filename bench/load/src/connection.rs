//! One connection of the load: a socket, its channel and what is said over it.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;

use crate::channel::Channel;
use crate::exchange::{Exchange, PIECE};
use crate::fault::Fault;
use crate::plan::Plan;
use crate::tally::Tally;

/// An open connection.
pub struct Connection {
    /// The socket, for whoever registers it.
    pub socket: TcpStream,
    channel: Channel,
    exchange: Box<dyn Exchange>,
    wire: Vec<u8>,
    sent: usize,
    counted: bool,
}

impl Connection {
    /// Begin to connect.
    pub fn open(plan: &Plan) -> Result<Self, Fault> {
        let socket = TcpStream::connect(plan.address)?;
        let mut wire = Vec::new();
        Ok(Self {
            socket,
            channel: plan.channel(&mut wire)?,
            exchange: plan.exchange(),
            wire,
            sent: 0,
            counted: false,
        })
    }

    /// Read what has come, through `buffer`, until the socket is empty.
    pub fn read(&mut self, buffer: &mut [u8], tally: &mut Tally) -> Result<(), Fault> {
        loop {
            let length = match self.socket.read(buffer) {
                Ok(0) => return Err(Fault::new("the server closed a connection")),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let exchange = &mut self.exchange;
            self.channel
                .open(&buffer[..length], &mut self.wire, |plain| {
                    exchange.receive(plain, tally)
                })?;
            self.count(tally);
            if length < buffer.len() {
                // Less than asked for: the socket is empty, and epoll tells when it no longer is.
                return Ok(());
            }
        }
    }

    /// Send what is due, as far as the socket takes it.
    pub fn write(&mut self, plain: &mut Vec<u8>, tally: &mut Tally) -> Result<(), Fault> {
        loop {
            if self.wire.len() - self.sent < PIECE {
                self.fill(plain, tally)?;
            }
            if self.sent == self.wire.len() {
                return Ok(());
            }
            match self.socket.write(&self.wire[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if is_not_yet(error.kind()) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if self.sent == self.wire.len() {
                self.wire.clear();
                self.sent = 0;
            }
        }
    }

    /// Say that nothing more is coming; what the socket does not take at once is not said.
    pub fn close(mut self) -> Result<(), Fault> {
        self.channel.close(&mut self.wire)?;
        match self.socket.write(&self.wire[self.sent..]) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether its handshake is over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.channel.is_open()
    }

    fn fill(&mut self, plain: &mut Vec<u8>, tally: &mut Tally) -> Result<(), Fault> {
        plain.clear();
        if self.channel.is_open() {
            self.exchange.send(plain, tally);
        }
        self.channel.seal(plain, &mut self.wire)
    }

    fn count(&mut self, tally: &mut Tally) {
        if !self.counted
            && let Some(kind) = self.channel.handshake()
        {
            self.counted = true;
            tally.count(kind);
        }
    }
}

fn is_not_yet(kind: ErrorKind) -> bool {
    // A socket that has not connected yet takes nothing (connect(2), EINPROGRESS).
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
