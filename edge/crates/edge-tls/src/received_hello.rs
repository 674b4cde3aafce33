//! Reading a hello from a socket.

use std::io;

use edge_contract::HandshakeFailure;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::alert::{Alert, Violation};
use crate::buffer::Buffer;
use crate::hello::{ClientHello, HelloError, HelloParser, Progress};
use crate::refusal::{Refusal, Stage};

/// A complete hello with the bytes that were read, which are also passed to rustls.
pub struct ReceivedHello {
    /// What the client offers.
    pub hello: ClientHello,
    pub(crate) bytes: Buffer,
    /// The most bytes of a hello.
    pub(crate) limit: usize,
}

/// A connection that does not begin with a valid hello.
pub struct HelloReadError {
    /// The reason.
    pub refusal: Refusal,
    /// The bytes that were read.
    pub bytes: Vec<u8>,
}

impl ReceivedHello {
    /// Read until the hello is complete, exceeds `limit` bytes, or is malformed.
    ///
    /// Returns `None` if the client closes the connection before the first byte.
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
                Progress::Incomplete => bytes.shrink(),
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

/// Read once; `false` at the end of the stream.
async fn read_more(tcp: &mut TcpStream, bytes: &mut Buffer) -> io::Result<bool> {
    // The buffer is allocated when the socket is readable, so that waiting needs no memory.
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
            HelloError::NotTls => Self::without_alert(
                HandshakeFailure::NotTls,
                "the first bytes are not a TLS record",
            ),
            HelloError::PlainHttp => {
                Self::without_alert(HandshakeFailure::PlainHttp, "a plain HTTP request")
            }
            HelloError::Ssl(version) => {
                let detail = format!("the client offers {version}");
                Self::with_alert(
                    HandshakeFailure::NoSharedVersion,
                    Alert::PROTOCOL_VERSION,
                    detail,
                )
            }
            HelloError::Malformed(Violation { alert, detail }) => {
                Self::with_alert(HandshakeFailure::HelloMalformed, alert, detail)
            }
            HelloError::Alert(alert) => {
                // RFC 8446 §6.1: close_notify is answered with close_notify; other alerts are not answered.
                let sent = (alert == Alert::CLOSE_NOTIFY).then_some(alert);
                Self::of_client_alert(alert, sent)
            }
            HelloError::TooLarge => {
                let detail = "the hello is too long";
                Self::with_alert(HandshakeFailure::HelloTooLarge, Alert::DECODE_ERROR, detail)
            }
        }
    }
}
