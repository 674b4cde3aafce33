//! The handshake over a socket: from a chosen configuration to an open stream or a refusal.
//!
//! `Stage` is what the server has sent. It determines the reason of a client's fault.
//!
//! ```text
//! Hello ──server's first flight──────► FlightSent ──client's Finished──► TlsStream, HandshakeFacts
//!   └──HelloRetryRequest──► RetryRequested ──second hello──► server's first flight: FlightSent
//!
//! in any stage: a TLS fault ──► alert, lingering close, Refusal
//!               the socket ends or fails ──► Refusal
//! ```
//! The caller implements the timeout by dropping the future. Tickets, and in TLS 1.2 the server's
//! Finished, are sent by the open stream.

use std::io;
use std::time::{Duration, Instant};

use edge_contract::{Alpn, CipherSuite, Group, HandshakeFailure, TlsVersion};
use rustls::{Error, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::choice::Choice;
use crate::engine::{Engine, State};
use crate::fault::Fault;
use crate::iana;
use crate::lingering_close::lingering_close;
use crate::received_hello::ReceivedHello;
use crate::refusal::Refusal;
use crate::stream::{Tickets, TlsStream};

/// The negotiated parameters of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeFacts {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite.
    pub suite: CipherSuite,
    /// The key exchange group; `None` for a resumption in TLS 1.2.
    pub group: Option<Group>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The application protocol; `None` if the client did not send ALPN.
    pub alpn: Option<Alpn>,
    /// The verified client certificate in DER, if the site requires one.
    pub client_certificate: Option<Vec<u8>>,
    /// The time from `started` to the last message of the handshake.
    pub duration: Duration,
}

impl TlsStream {
    /// Perform the handshake with the chosen configuration.
    ///
    /// Dropping the future closes the connection.
    pub async fn accept(
        mut tcp: TcpStream,
        received: ReceivedHello,
        choice: Choice,
        started: Instant,
    ) -> Result<(Self, HandshakeFacts), Refusal> {
        let mut engine =
            Engine::new(choice.config, received.bytes).map_err(|error| internal(&error))?;
        if choice.needs_retry {
            engine.expect_second_hello(received.hello, received.limit);
        }
        match run_handshake(&mut tcp, &mut engine).await {
            Ok(()) => {
                let facts = facts(&engine, started.elapsed())?;
                // In TLS 1.2 the client still waits for the server's Finished.
                let tickets = match facts.version {
                    TlsVersion::Tls13 => Tickets::Pending,
                    TlsVersion::Tls12 => Tickets::NotDelayed,
                };
                Ok((Self::new(tcp, engine, tickets), facts))
            }
            Err(HandshakeError::Tls(fault)) => {
                lingering_close(&mut tcp, engine.flow.outgoing.filled()).await;
                let sent = engine.flow.alert_sent;
                Err(Refusal::of_fault(&fault, engine.stage(), sent))
            }
            Err(HandshakeError::Io(error)) => Err(Refusal::of_io(&error, engine.stage())),
        }
    }
}

/// Why a handshake failed.
enum HandshakeError {
    Tls(Fault),
    Io(io::Error),
}

impl From<Fault> for HandshakeError {
    fn from(fault: Fault) -> Self {
        Self::Tls(fault)
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn run_handshake(tcp: &mut TcpStream, engine: &mut Engine) -> Result<(), HandshakeError> {
    loop {
        if engine.process(|_| 0)? != State::Handshaking {
            // The last flight (a ticket, in TLS 1.2 also the server's Finished) is sent with the first
            // write, or when the stream first waits, which saves a system call.
            return Ok(());
        }
        while !engine.flow.outgoing.is_empty() {
            let sent = tcp.write(engine.flow.outgoing.filled()).await?;
            engine.flow.outgoing.consume(sent);
        }
        read_more(tcp, engine).await?;
    }
}

async fn read_more(tcp: &mut TcpStream, engine: &mut Engine) -> Result<(), HandshakeError> {
    if engine.is_full() {
        return Err(HandshakeError::Tls(Error::PeerSentOversizedRecord.into()));
    }
    engine.incoming.shrink();
    engine.flow.outgoing.shrink();
    tcp.readable().await?;
    let count = tcp.read(engine.incoming.room(1)).await?;
    if count == 0 {
        return Err(HandshakeError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    engine.incoming.extend_by(count);
    Ok(())
}

fn facts(engine: &Engine, duration: Duration) -> Result<HandshakeFacts, Refusal> {
    let tls = engine.tls();
    let version = tls.protocol_version().and_then(iana::negotiated_version);
    let suite = tls
        .negotiated_cipher_suite()
        .and_then(iana::negotiated_suite);
    let (Some(version), Some(suite)) = (version, suite) else {
        return Err(internal(&Error::HandshakeNotComplete));
    };
    Ok(HandshakeFacts {
        version,
        suite,
        group: tls
            .negotiated_key_exchange_group()
            .and_then(|group| iana::negotiated_group(group.name())),
        resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        alpn: tls
            .alpn_protocol()
            .and_then(|name| Alpn::parse(std::str::from_utf8(name).ok()?)),
        client_certificate: tls
            .peer_certificates()
            .and_then(|chain| Some(chain.first()?.to_vec())),
        duration,
    })
}

fn internal(error: &Error) -> Refusal {
    Refusal::without_alert(HandshakeFailure::Internal, error.to_string())
}
