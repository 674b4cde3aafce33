//! rustls without a socket: ciphertext in, plaintext out, and the other way round.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadTraffic, UnbufferedStatus,
    WriteTraffic,
};
use rustls::{Error, ProtocolVersion, ServerConfig};

use crate::alert::{Alert, alert_record, clear_alert};
use crate::buffer::{Buffer, can_lend};
use crate::choice::check_extensions;
use crate::fault::Fault;
use crate::hello::{ClientHello, HelloError, HelloParser};
use crate::protection::Notes;
use crate::records::{self, Phase, Verdict};
use crate::refusal::Stage;

/// The most plaintext that one call encrypts: eight full records.
const MOST_AT_ONCE: usize = 128 * 1024;
/// The same while many connections hold what their peers do not take.
const MOST_WHEN_SCARCE: usize = 8 * 1024;
const RECORD: usize = 16 * 1024;
/// The most that a suite of ours adds to a record: header, explicit nonce, content type, tag.
const OVERHEAD: usize = 5 + 8 + 1 + 16;
/// The most handshake messages that a record holds: each has four bytes at least.
const MOST_MESSAGES: usize = RECORD / 4;
/// The random of a server hello that is a `HelloRetryRequest` (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
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
    /// The second hello, while one is due.
    retry: Option<Box<Retry>>,
    /// The `change_cipher_spec` so far that did nothing.
    changes: u8,
    /// Whether the client encrypts by TLS 1.2.
    client_encrypts: bool,
    close_sent: bool,
    failed: Option<Fault>,
    /// Whether all that came in was processed and application data may flow.
    is_settled: bool,
}

/// A hello that is read again, and the first one.
struct Retry {
    first: ClientHello,
    parser: HelloParser,
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
    /// The alert that was sent by the last step.
    pub(crate) alert_sent: Option<Alert>,
    stage: Stage,
    /// Whether we encrypt by TLS 1.2.
    encrypts: bool,
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
            retry: None,
            changes: 0,
            client_encrypts: false,
            close_sent: false,
            failed: None,
            is_settled: false,
        })
    }

    pub(crate) fn tls(&self) -> &UnbufferedServerConnection {
        &self.tls
    }

    pub(crate) fn stage(&self) -> Stage {
        self.flow.stage
    }

    /// Expect a second hello like the first one, in as many bytes.
    pub(crate) fn expect_again(&mut self, first: ClientHello, limit: usize) {
        let parser = HelloParser::new(limit);
        self.retry = Some(Box::new(Retry { first, parser }));
    }

    /// Whether no more ciphertext may be read before what waits is processed.
    pub(crate) fn is_full(&self) -> bool {
        self.incoming.len() >= MOST_INCOMING
    }

    /// Process what came in; `take` is offered plaintext and says how much of it it took.
    ///
    /// Stops when something was not taken, so that the plaintext kept is bounded by one record.
    pub(crate) fn process(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> Result<State, Fault> {
        if self.is_settled && matches!(self.next_record(), Ok(None)) {
            return Ok(State::Open);
        }
        self.drive(&mut take, Wish::Nothing)
    }

    /// Encrypt as much as one call should; plaintext met on the way is kept for the reader.
    pub(crate) fn encrypt(&mut self, data: &[u8]) -> Result<usize, Fault> {
        let most = if self.flow.outgoing.is_lent() || can_lend() {
            MOST_AT_ONCE
        } else {
            MOST_WHEN_SCARCE
        };
        let data = &data[..data.len().min(most)];
        match self.drive(&mut |_| 0, Wish::Data(data))? {
            State::Open => Ok(data.len()),
            State::Handshaking | State::Closed => Err(Error::HandshakeNotComplete.into()),
        }
    }

    /// Say that we send no more (RFC 8446 §6.1); once, and only after a handshake.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        if self.tls.is_handshaking() || std::mem::replace(&mut self.close_sent, true) {
            return Ok(());
        }
        self.drive(&mut |_| 0, Wish::CloseNotify).map(|_| ())
    }

    fn drive(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<State, Fault> {
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let outcome = self.advance(take, wish);
        self.is_settled = matches!(outcome, Ok(State::Open));
        outcome.inspect_err(|fault| {
            self.failed = Some(fault.clone());
            self.answer(fault);
        })
    }

    /// Hand rustls one whole record after the other: it counts what it skips anew when it sees it
    /// again, so that it must not be shown a record twice.
    fn advance(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<State, Fault> {
        let is_reading = matches!(wish, Wish::Nothing);
        let was_handshaking = self.tls.is_handshaking();
        if is_reading {
            self.hand_over()?;
        }
        loop {
            let Some(state) = self.call(take, wish)? else {
                continue;
            };
            // What comes right behind the handshake is the first reader's, with its faults.
            let is_through = was_handshaking && !self.tls.is_handshaking();
            let goes_on =
                is_reading && !is_through && self.flow.is_read() && state != State::Closed;
            if !(goes_on && self.hand_over()?) {
                return Ok(state);
            }
        }
    }

    /// One call of rustls; the state when it was the last one for what has been handed over.
    fn call(&mut self, take: Take<'_>, wish: Wish<'_>) -> Result<Option<State>, Fault> {
        self.flow.alert_sent = None;
        let handed = &mut self.incoming.filled_mut()[..self.handed];
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(handed);
        let step = state.and_then(|state| self.flow.step(state, take, wish));
        let more = step.as_ref().map_or(0, |(more, _)| *more);
        self.drop_front(discard + more);
        let notes = self.flow.note();
        if let Some(violation) = notes.inside {
            return Err(violation.into());
        }
        if self.tls.is_handshaking() && notes.heard == Some(Alert::CLOSE_NOTIFY) {
            return Err(Fault::Left);
        }
        let state = step?.1;
        if notes.unopened {
            self.drop_front(self.handed); // Early data that was rejected (RFC 8446 §4.2.10).
        }
        Ok(state)
    }

    fn is_tls13(&self) -> bool {
        self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    fn drop_front(&mut self, count: usize) {
        self.incoming.consume(count);
        self.handed -= count;
    }

    /// Hand rustls the next record; `false` when there is none yet.
    fn hand_over(&mut self) -> Result<bool, Fault> {
        while let Some(length) = self.next_record()? {
            match self.judge(length)? {
                Verdict::Pass => {
                    self.handed += length;
                    return Ok(true);
                }
                Verdict::Drop => self.incoming.consume(length), // Nothing is handed over now.
            }
        }
        Ok(false)
    }

    /// The length of the next record with its header, when it is there.
    fn next_record(&self) -> Result<Option<usize>, Fault> {
        let waiting = &self.incoming.filled()[self.handed..];
        let Some(header) = waiting.first_chunk::<{ records::HEADER }>() else {
            return Ok(None);
        };
        let length = records::HEADER + records::content_length(*header)?;
        Ok((length <= waiting.len()).then_some(length))
    }

    fn judge(&mut self, length: usize) -> Result<Verdict, Fault> {
        let is_tls13 = self.is_tls13();
        let phase = Phase {
            version: self.tls.protocol_version(),
            is_encrypted: self.client_encrypts || is_tls13 && self.flow.stage == Stage::Answered,
            is_handshaking: self.tls.is_handshaking(),
            is_split: self.handed > 0,
        };
        let record = &self.incoming.filled()[self.handed..self.handed + length];
        let verdict = records::judge(record, phase, &mut self.changes)?;
        if self.flow.stage == Stage::AskedAgain
            && record[0] == records::HANDSHAKE
            && let Some(retry) = &mut self.retry
            && retry.add(&record[records::HEADER..])?
        {
            self.retry = None;
        }
        // RFC 5246 §7.1: what comes behind it is encrypted.
        self.client_encrypts |= !is_tls13 && record[0] == records::CHANGE_CIPHER_SPEC;
        Ok(verdict)
    }

    /// Have the client get the alert for a fault: that of rustls, else the one that is due.
    fn answer(&mut self, fault: &Fault) {
        self.collect();
        if self.flow.alert_sent.is_some() || self.close_sent {
            return;
        }
        let Some(alert) = fault.due_alert() else {
            return;
        };
        if self.flow.encrypts || self.is_tls13() && self.flow.stage == Stage::Answered {
            self.provoke(alert);
            self.collect();
        } else {
            self.flow.outgoing.extend_from_slice(&alert_record(alert));
            self.flow.alert_sent = Some(alert);
        }
    }

    /// Move what rustls wants to send to what will be sent.
    fn collect(&mut self) {
        // Only while there is some: rustls would go on to read what it must not see any more.
        while self.tls.wants_write() && self.call_for_alert(&mut []).is_some() {}
    }

    /// Send an alert encrypted: rustls makes alerts of its own errors only, so it gets to read a
    /// record of no type, behind what it has of a message.
    fn provoke(&mut self, alert: Alert) {
        let mut bait = vec![0xff; self.handed + records::HEADER];
        // It refuses each message of the last record that it has not handled before it reads on.
        for _ in 0..=MOST_MESSAGES {
            Notes::say_instead(alert);
            let Some(discard) = self.call_for_alert(&mut bait) else {
                return;
            };
            bait.drain(..discard);
            if self.flow.alert_sent.is_some() {
                return;
            }
        }
    }

    /// One call of rustls after an error: what it has to send is taken. `None` when it is at rest.
    fn call_for_alert(&mut self, bait: &mut [u8]) -> Option<usize> {
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(bait);
        let goes_on = match state {
            Ok(ConnectionState::EncodeTlsData(alert)) => self.flow.encode(alert).is_ok(),
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while traffic.next_record().is_some() {}
                true
            }
            Ok(ConnectionState::TransmitTlsData(encoded)) => {
                encoded.done();
                true
            }
            Ok(_) => false,
            Err(_) => true,
        };
        self.flow.note();
        goes_on.then_some(discard)
    }
}

impl Retry {
    /// Add a fragment of the second hello; once it is whole, which is told, it must be the first
    /// one again.
    fn add(&mut self, fragment: &[u8]) -> Result<bool, HelloError> {
        let Some(second) = self.parser.add(fragment)? else {
            return Ok(false);
        };
        if !self.first.is_repeated_by(&second) {
            let differs = Alert::ILLEGAL_PARAMETER.of("the second hello differs from the first");
            return Err(HelloError::Malformed(differs));
        }
        check_extensions(&second).map_err(HelloError::Malformed)?;
        Ok(true)
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
        let sent = self.outgoing.len() - written;
        self.look_at(sent);
        Ok(())
    }

    /// What is learned from a record of ours that begins there.
    fn look_at(&mut self, start: usize) {
        let record = &mut self.outgoing.filled_mut()[start..];
        if let Some(alert) = clear_alert(record) {
            if alert == Alert::CERTIFICATE_REQUIRED {
                record[6] = Alert::HANDSHAKE_FAILURE.0; // RFC 5246 §7.4.6: TLS 1.2 has no such alert.
            }
            self.alert_sent = Some(Alert(record[6]));
            return;
        }
        match record[0] {
            records::HANDSHAKE if record.get(11..43) == Some(&RETRY) => {
                self.stage = Stage::AskedAgain;
            }
            records::HANDSHAKE => self.stage = Stage::Answered,
            records::CHANGE_CIPHER_SPEC => self.encrypts = self.stage == Stage::Answered,
            _ => {}
        }
    }

    /// The notes on the last call of rustls.
    fn note(&mut self) -> Notes {
        let notes = Notes::take();
        self.alert_sent = notes.said.or(self.alert_sent);
        notes
    }
}

#[cfg(test)]
mod tests;
