//! rustls without a socket: ciphertext in, plaintext out, and the other way round.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadTraffic, UnbufferedStatus,
    WriteTraffic,
};
use rustls::{Error, ServerConfig};

use crate::alert::{Alert, clear_alert};
use crate::buffer::{Buffer, can_lend};
use crate::protection;
use crate::refusal::Stage;

/// The most plaintext that one call encrypts: eight full records.
const MOST_AT_ONCE: usize = 128 * 1024;
/// The same while many connections hold what their peers do not take.
const MOST_WHEN_SCARCE: usize = 8 * 1024;
const RECORD: usize = 16 * 1024;
/// The most that a suite of ours adds to a record: header, explicit nonce, content type, tag.
const OVERHEAD: usize = 5 + 8 + 1 + 16;
const RECORD_HEADER: usize = 5;
/// The longest record that a version of ours allows, with its header (RFC 5246 §6.2.3).
const MOST_RECORD: usize = RECORD_HEADER + RECORD + 2048;
/// Ciphertext that waits beyond this amount stops reading: the longest hello with its records.
const MOST_INCOMING: usize = 128 * 1024;

/// One connection of rustls and the bytes around it.
pub(crate) struct Engine {
    tls: Box<UnbufferedServerConnection>,
    /// Ciphertext that rustls is not done with.
    pub(crate) incoming: Buffer,
    /// How much of it rustls has been handed: a record, behind the records of a message that is
    /// not whole yet.
    handed: usize,
    pub(crate) flow: Flow,
    close_sent: bool,
    failed: Option<Error>,
    /// Whether all that came in was processed and application data may flow.
    is_settled: bool,
}

/// What a connection has produced: bytes for either side, and what was learned of the peer.
#[derive(Default)]
pub(crate) struct Flow {
    /// Ciphertext that has not been sent.
    pub(crate) outgoing: Buffer,
    /// Plaintext that nobody has taken.
    pub(crate) plaintext: Buffer,
    /// Whether the peer said that it sends no more.
    pub(crate) peer_closed: bool,
    /// The alert that was sent in clear, when one was.
    pub(crate) alert_sent: Option<Alert>,
    answered: bool,
}

/// Where a connection stands when all that came in is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The handshake needs more bytes.
    Handshaking,
    /// Application data may flow.
    Open,
    /// Both sides have closed.
    Closed,
}

/// What is to be sent once application data may flow.
#[derive(Clone, Copy)]
enum Wish<'a> {
    Nothing,
    Data(&'a [u8]),
    CloseNotify,
}

/// What a step of rustls came to: more bytes to drop, and the state when it was the last step.
type Step = (usize, Option<State>);
type Take<'a> = &'a mut dyn FnMut(&[u8]) -> usize;

impl Engine {
    /// A connection whose first bytes have been read already.
    pub(crate) fn new(config: Arc<ServerConfig>, incoming: Buffer) -> Result<Self, Error> {
        let tls = Box::new(UnbufferedServerConnection::new(config)?);
        Ok(Self {
            tls,
            incoming,
            handed: 0,
            flow: Flow::default(),
            close_sent: false,
            failed: None,
            is_settled: false,
        })
    }

    pub(crate) fn tls(&self) -> &UnbufferedServerConnection {
        &self.tls
    }

    pub(crate) fn stage(&self) -> Stage {
        if self.flow.answered {
            Stage::Answered
        } else {
            Stage::Hello
        }
    }

    /// Whether no more ciphertext may be read before what waits is processed.
    pub(crate) fn is_full(&self) -> bool {
        self.incoming.len() >= MOST_INCOMING
    }

    /// Process what came in; `take` is offered plaintext and says how much of it it took.
    ///
    /// Stops when something was not taken, so that the plaintext kept is bounded by one record.
    pub(crate) fn process(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> Result<State, Error> {
        if self.is_settled && self.next_record().is_none() {
            return Ok(State::Open);
        }
        self.drive(&mut take, Wish::Nothing)
    }

    /// Encrypt as much as one call should; plaintext met on the way is kept for the reader.
    pub(crate) fn encrypt(&mut self, data: &[u8]) -> Result<usize, Error> {
        let most = if self.flow.outgoing.is_lent() || can_lend() {
            MOST_AT_ONCE
        } else {
            MOST_WHEN_SCARCE
        };
        let data = &data[..data.len().min(most)];
        match self.drive(&mut |_| 0, Wish::Data(data))? {
            State::Open => Ok(data.len()),
            State::Handshaking | State::Closed => Err(Error::HandshakeNotComplete),
        }
    }

    /// Say that we send no more (RFC 8446 §6.1); once, and only after a handshake.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        if self.tls.is_handshaking() || std::mem::replace(&mut self.close_sent, true) {
            return Ok(());
        }
        self.drive(&mut |_| 0, Wish::CloseNotify).map(|_| ())
    }

    fn drive(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<State, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let outcome = self.advance(take, wish);
        self.is_settled = matches!(outcome, Ok(State::Open));
        outcome.inspect_err(|error| {
            self.failed = Some(error.clone());
            self.collect_alert();
        })
    }

    /// Hand rustls one whole record after the other: it counts what it skips anew when it sees it
    /// again, so that it must not be shown a record twice.
    fn advance(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<State, Error> {
        let is_reading = matches!(wish, Wish::Nothing);
        if is_reading {
            self.hand_over();
        }
        loop {
            let Some(state) = self.call(take, wish)? else {
                continue;
            };
            let goes_on = is_reading && self.flow.is_read() && state != State::Closed;
            if !(goes_on && self.hand_over()) {
                return Ok(state);
            }
        }
    }

    /// One call of rustls; the state when it was the last one for what has been handed over.
    fn call(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<Option<State>, Error> {
        let handed = &mut self.incoming.filled_mut()[..self.handed];
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(handed);
        let step = state.and_then(|state| self.flow.step(state, take, wish));
        let more = step.as_ref().map_or(0, |(more, _)| *more);
        self.drop_front(discard + more);
        let unopened = protection::take_unopened();
        let state = step?.1;
        if unopened {
            self.drop_front(self.handed); // Early data that was rejected (RFC 8446 §4.2.10).
        }
        Ok(state)
    }

    fn drop_front(&mut self, count: usize) {
        self.incoming.consume(count);
        self.handed -= count;
    }

    /// Hand rustls the next record; `false` when there is none yet.
    fn hand_over(&mut self) -> bool {
        let next = self.next_record();
        self.handed += next.unwrap_or(0);
        next.is_some()
    }

    /// The length of the next record with its header, when it is there.
    fn next_record(&self) -> Option<usize> {
        let waiting = &self.incoming.filled()[self.handed..];
        let header = waiting.first_chunk::<RECORD_HEADER>()?;
        let length = RECORD_HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
        (length <= waiting.len() || length > MOST_RECORD).then(|| length.min(waiting.len()))
    }

    /// After an error: move the alert that rustls made of it to what will be sent.
    fn collect_alert(&mut self) {
        // Only while there is one: rustls would go on to read what it must not see any more.
        while self.tls.wants_write() {
            let status = self.tls.process_tls_records(&mut []);
            let Ok(ConnectionState::EncodeTlsData(alert)) = status.state else {
                return;
            };
            if self.flow.encode(alert).is_err() {
                return;
            }
        }
    }
}

impl Flow {
    /// Whether more may be decrypted: nothing waits for a reader, and the peer has not closed.
    fn is_read(&self) -> bool {
        self.plaintext.is_empty() && !self.peer_closed
    }

    fn step(
        &mut self,
        state: ConnectionState<'_, '_, ServerConnectionData>,
        take: Take<'_>,
        wish: Wish<'_>,
    ) -> Result<Step, Error> {
        match state {
            ConnectionState::ReadTraffic(traffic) => self.read(traffic, take, wish),
            ConnectionState::EncodeTlsData(handshake) => self.encode(handshake).map(|()| (0, None)),
            ConnectionState::TransmitTlsData(encoded) => {
                encoded.done(); // It waits in `outgoing`.
                Ok((0, None))
            }
            ConnectionState::PeerClosed => {
                self.peer_closed = true;
                Ok((0, None))
            }
            ConnectionState::Closed => Ok((0, Some(State::Closed))),
            ConnectionState::BlockedHandshake => Ok((0, Some(State::Handshaking))),
            ConnectionState::WriteTraffic(traffic) => {
                self.write(traffic, wish)
                    .map_err(|error| Error::General(error.to_string()))?;
                Ok((0, Some(State::Open)))
            }
            // Early data is switched off: rustls skips it and never gets here.
            _ => Err(Error::General(
                "rustls is in a state that was switched off".to_owned(),
            )),
        }
    }

    fn read(
        &mut self,
        mut traffic: ReadTraffic<'_, '_, ServerConnectionData>,
        take: Take<'_>,
        wish: Wish<'_>,
    ) -> Result<Step, Error> {
        let mut discard = 0;
        while let Some(record) = traffic.next_record() {
            let record = record?;
            discard += record.discard;
            let taken = if self.plaintext.is_empty() {
                take(record.payload)
            } else {
                0
            };
            self.plaintext.extend_from_slice(&record.payload[taken..]);
        }
        // A writer must get past what nobody reads now; a reader stops and comes back.
        let stop = matches!(wish, Wish::Nothing) && !self.is_read();
        Ok((discard, stop.then_some(State::Open)))
    }

    fn write(
        &mut self,
        mut traffic: WriteTraffic<'_, ServerConnectionData>,
        wish: Wish<'_>,
    ) -> Result<(), EncryptError> {
        let written = match wish {
            Wish::Nothing => 0,
            Wish::Data(data) => {
                let room = data.len() + (data.len() / RECORD + 1) * OVERHEAD;
                traffic.encrypt(data, self.outgoing.room(room))?
            }
            Wish::CloseNotify => traffic.queue_close_notify(self.outgoing.room(OVERHEAD + 2))?,
        };
        self.outgoing.extend_by(written);
        Ok(())
    }

    fn encode(
        &mut self,
        mut handshake: EncodeTlsData<'_, ServerConnectionData>,
    ) -> Result<(), Error> {
        let written = match handshake.encode(self.outgoing.room(OVERHEAD)) {
            Err(EncodeError::InsufficientSize(size)) => {
                handshake.encode(self.outgoing.room(size.required_size))
            }
            other => other,
        };
        let written = written.map_err(|error| Error::General(error.to_string()))?;
        self.outgoing.extend_by(written);
        let filled = self.outgoing.filled();
        self.alert_sent = self
            .alert_sent
            .or_else(|| clear_alert(&filled[filled.len() - written..]));
        self.answered |= self.alert_sent.is_none();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
