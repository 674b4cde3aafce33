//! The first bytes of a connection, read from the socket until they are a hello.

use std::io;

use edge_contract::HandshakeFailure;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::alert::{Alert, Violation};
use crate::buffer::Buffer;
use crate::hello::{ClientHello, HelloError, HelloParser, Progress};
use crate::refusal::{Refusal, Stage};

/// A whole hello, and the bytes that it came in, which rustls gets to see as well.
pub struct ReceivedHello {
    /// What the client offers.
    pub hello: ClientHello,
    pub(crate) bytes: Buffer,
    /// The most bytes that a hello may take.
    pub(crate) limit: usize,
}

/// A connection that does not open with a hello.
pub struct HelloReadError {
    /// Why it ends.
    pub refusal: Refusal,
    /// What was read of it so far.
    pub bytes: Vec<u8>,
}

impl ReceivedHello {
    /// Read until the hello is whole, takes more than `limit` bytes, or cannot become one.
    ///
    /// A connection that closes before its first byte is `None`: there was none to read.
    pub async fn read(tcp: &mut TcpStream, limit: usize) -> Result<Option<Self>, HelloReadError> {
        let mut bytes = Buffer::default();
        let mut parser = HelloParser::new(limit);
        loop {
            match read_more(tcp, &mut bytes).await {
                Ok(true) => {}
                Ok(false) if bytes.is_empty() => return Ok(None),
                Ok(false) => return Err(broken(&io::ErrorKind::UnexpectedEof.into(), &bytes)),
                Err(error) => return Err(broken(&error, &bytes)),
            }
            match parser.read(bytes.filled()) {
                Progress::Incomplete => bytes.settle(),
                Progress::Hello(hello) => {
                    return Ok(Some(Self {
                        hello,
                        bytes,
                        limit,
                    }));
                }
                Progress::Error(error) => return Err(unreadable(error, &bytes)),
            }
        }
    }
}

/// Read what is there; `false` when the client has closed.
async fn read_more(tcp: &mut TcpStream, bytes: &mut Buffer) -> io::Result<bool> {
    // The buffer is taken when there is something to read, so that waiting costs no memory.
    tcp.readable().await?;
    let count = tcp.read(bytes.room(1)).await?;
    bytes.extend_by(count);
    Ok(count > 0)
}

fn broken(error: &io::Error, bytes: &Buffer) -> HelloReadError {
    HelloReadError {
        refusal: Refusal::of_io(error, Stage::Hello),
        bytes: bytes.filled().to_vec(),
    }
}

fn unreadable(error: HelloError, bytes: &Buffer) -> HelloReadError {
    HelloReadError {
        refusal: Refusal::of_hello(error),
        bytes: bytes.filled().to_vec(),
    }
}

impl Refusal {
    pub(crate) fn of_hello(error: HelloError) -> Self {
        match error {
            HelloError::NotTls => Self::silent(
                HandshakeFailure::NotTls,
                "the first bytes are no TLS record",
            ),
            HelloError::PlainHttp => {
                Self::silent(HandshakeFailure::PlainHttp, "an HTTP request in clear")
            }
            HelloError::Ssl2 => {
                let detail = "the client offers SSL 2.0";
                Self::answered(
                    HandshakeFailure::NoSharedVersion,
                    Alert::PROTOCOL_VERSION,
                    detail,
                )
            }
            HelloError::Malformed(Violation { alert, what }) => {
                Self::answered(HandshakeFailure::HelloMalformed, alert, what)
            }
            HelloError::Alert(alert) => {
                // RFC 8446 §6.1: who is told goodbye says it as well; other alerts are not answered.
                let answer = (alert == Alert::CLOSE_NOTIFY).then_some(alert);
                Self::of_client_alert(alert, answer)
            }
            HelloError::TooLarge => {
                let detail = "the hello is longer than the edge takes";
                Self::answered(HandshakeFailure::HelloTooLarge, Alert::DECODE_ERROR, detail)
            }
        }
    }
}
