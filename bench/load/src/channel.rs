//! Between plain bytes and the wire: TLS, nothing, or what has the shape of a handshake and is none.

use std::io::{BufRead, Write};

use rustls::{ClientConnection, HandshakeKind};

use crate::fault::Fault;

/// How one connection's bytes go over the wire.
#[derive(Debug)]
pub enum Channel {
    /// As they are.
    Plain,
    /// As they are, after as many bytes each way as a handshake has.
    Staged {
        /// Bytes of the flight that have not come yet.
        flight_left: usize,
    },
    /// As TLS.
    Tls(Box<ClientConnection>),
}

impl Channel {
    /// Whether plain bytes may be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Plain => true,
            Self::Staged { flight_left } => *flight_left == 0,
            Self::Tls(tls) => !tls.is_handshaking(),
        }
    }

    /// How the handshake went, once it is over.
    #[must_use]
    pub fn handshake(&self) -> Option<HandshakeKind> {
        match self {
            Self::Tls(tls) if !tls.is_handshaking() => tls.handshake_kind(),
            _ => None,
        }
    }

    /// Append the wire form of plain bytes, and of whatever the handshake has to say.
    pub fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Plain | Self::Staged { .. } => wire.extend_from_slice(plain),
            Self::Tls(tls) => seal_tls(tls, plain, wire)?,
        }
        Ok(())
    }

    /// Hand what came to `take` as plain bytes, and append what has to be answered at once.
    pub fn open(
        &mut self,
        came: &[u8],
        wire: &mut Vec<u8>,
        mut take: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match self {
            Self::Plain => take(came),
            Self::Staged { flight_left } => {
                let flight = came.len().min(*flight_left);
                *flight_left -= flight;
                if flight < came.len() {
                    take(&came[flight..])?;
                }
                Ok(())
            }
            Self::Tls(tls) => open_tls(tls, came, wire, take),
        }
    }

    /// Append the end of the channel.
    pub fn close(&mut self, wire: &mut Vec<u8>) -> Result<(), Fault> {
        if let Self::Tls(tls) = self {
            tls.send_close_notify();
            flush(tls, wire)?;
        }
        Ok(())
    }
}

fn seal_tls(tls: &mut ClientConnection, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    flush(tls, wire)?;
    let mut rest = plain;
    while !rest.is_empty() {
        // It takes as much as it has room for, which is at least something once it was flushed.
        let taken = tls.writer().write(rest)?;
        if taken == 0 {
            return Err(Fault::new("the TLS stream takes nothing"));
        }
        rest = &rest[taken..];
        flush(tls, wire)?;
    }
    Ok(())
}

fn open_tls(
    tls: &mut ClientConnection,
    came: &[u8],
    wire: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut rest = came;
    while !rest.is_empty() {
        if tls.read_tls(&mut rest)? == 0 {
            return Err(Fault::new("bytes came behind the end of the TLS stream"));
        }
        let state = tls.process_new_packets()?;
        let mut left = state.plaintext_bytes_to_read();
        while left > 0 {
            let mut reader = tls.reader();
            let piece = reader.fill_buf()?;
            let length = piece.len();
            take(piece)?;
            reader.consume(length);
            left -= length;
        }
        if state.peer_has_closed() {
            return Err(Fault::new("the server ended the TLS stream"));
        }
    }
    flush(tls, wire)
}

fn flush(tls: &mut ClientConnection, wire: &mut Vec<u8>) -> Result<(), Fault> {
    while tls.wants_write() {
        tls.write_tls(wire)?;
    }
    Ok(())
}
