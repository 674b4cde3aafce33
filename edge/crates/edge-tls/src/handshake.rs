//! The handshake over a socket: from a chosen configuration to an open stream, or to its reason.
//!
//! `Stage` is how much we have sent; it decides how a fault of the client is read.
//!
//! ```text
//! Hello ──our first flight──────► Answered ──the client's Finished──► TlsStream, HandshakeFacts
//!   └──HelloRetryRequest──► AskedAgain ──the same hello again──► our first flight: Answered
//!
//! in any stage: a TLS fault ──► alert, lingering close, Refusal
//!               the socket ends or fails ──► Refusal
//! ```
//! The time limit is the caller's, who drops the future. Tickets, and in TLS 1.2 our Finished, are
//! sent by the open stream.

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

/// What a handshake ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeFacts {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite.
    pub suite: CipherSuite,
    /// The key exchange group; a resumption in TLS 1.2 has none.
    pub group: Option<Group>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The application protocol; `None` when the client did not ask.
    pub alpn: Option<Alpn>,
    /// The certificate that the client had to show, in DER; it was verified.
    pub client_certificate: Option<Vec<u8>>,
    /// From `started` to the last message of the handshake.
    pub duration: Duration,
}

impl TlsStream {
    /// Shake hands with a client whose hello has been read and decided on.
    ///
    /// Cancel-safe in so far as dropping the future closes the connection.
    pub async fn accept(
        mut tcp: TcpStream,
        received: ReceivedHello,
        choice: Choice,
        started: Instant,
    ) -> Result<(Self, HandshakeFacts), Refusal> {
        let mut engine =
            Engine::new(choice.config, received.bytes).map_err(|error| internal(&error))?;
        if choice.asks_again {
            engine.expect_again(received.hello, received.limit);
        }
        match shake_hands(&mut tcp, &mut engine).await {
            Ok(()) => {
                let facts = facts(&engine, started.elapsed())?;
                // In TLS 1.2 the client still waits for our Finished.
                let tickets = match facts.version {
                    TlsVersion::Tls13 => Tickets::Unasked,
                    TlsVersion::Tls12 => Tickets::NoneHeld,
                };
                Ok((Self::new(tcp, engine, tickets), facts))
            }
            Err(Broken::Tls(fault)) => {
                lingering_close(&mut tcp, engine.flow.outgoing.filled()).await;
                let sent = engine.flow.alert_sent;
                Err(Refusal::of_fault(&fault, engine.stage(), sent))
            }
            Err(Broken::Io(error)) => Err(Refusal::of_io(&error, engine.stage())),
        }
    }
}

/// How a handshake breaks.
enum Broken {
    Tls(Fault),
    Io(io::Error),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Tls(fault)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn shake_hands(tcp: &mut TcpStream, engine: &mut Engine) -> Result<(), Broken> {
    loop {
        if engine.process(|_| 0)? != State::Handshaking {
            // The last flight (a ticket, in TLS 1.2 also our Finished) goes out with the first
            // answer, or when the stream is first waited on: one system call less.
            return Ok(());
        }
        while !engine.flow.outgoing.is_empty() {
            let sent = tcp.write(engine.flow.outgoing.filled()).await?;
            engine.flow.outgoing.consume(sent);
        }
        read_more(tcp, engine).await?;
    }
}

async fn read_more(tcp: &mut TcpStream, engine: &mut Engine) -> Result<(), Broken> {
    if engine.is_full() {
        return Err(Broken::Tls(Error::PeerSentOversizedRecord.into()));
    }
    engine.incoming.settle();
    engine.flow.outgoing.settle();
    tcp.readable().await?;
    let count = tcp.read(engine.incoming.room(1)).await?;
    if count == 0 {
        return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
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
    Refusal::silent(HandshakeFailure::Internal, error.to_string())
}
