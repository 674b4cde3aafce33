//! A rustls connection without a socket: ciphertext in, plaintext out, and vice versa.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadTraffic, UnbufferedStatus,
    WriteTraffic,
};
use rustls::{Error, ProtocolVersion, ServerConfig};

use crate::alert::{Alert, alert_record, unencrypted_alert};
use crate::buffer::{Buffer, large_available};
use crate::choice::check_extensions;
use crate::fault::Fault;
use crate::hello::{ClientHello, HelloError, HelloParser};
use crate::protection::CallReport;
use crate::records::{self, Phase, RecordAction};
use crate::refusal::Stage;

/// The most plaintext bytes that one call encrypts: eight full records.
const MAX_PLAINTEXT: usize = 128 * 1024;
/// The same while many connections have unsent bytes.
const MAX_PLAINTEXT_WHEN_SCARCE: usize = 8 * 1024;
const RECORD: usize = 16 * 1024;
/// The most bytes that a supported suite adds to a record: header, explicit nonce, content type, tag.
const OVERHEAD: usize = 5 + 8 + 1 + 16;
/// The most handshake messages in a record: each has at least four bytes.
const MAX_MESSAGES: usize = RECORD / 4;
/// The random of a `HelloRetryRequest` (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// No more ciphertext is read above this many unprocessed bytes: the longest hello with its records.
const MAX_INCOMING: usize = 128 * 1024;

/// A rustls connection and its buffers.
pub(crate) struct Engine {
    tls: Box<UnbufferedServerConnection>,
    /// Ciphertext that rustls has not discarded.
    pub(crate) incoming: Buffer,
    /// The number of its bytes that were passed to rustls: a record, after the records of an incomplete
    /// message.
    submitted: usize,
    pub(crate) flow: Flow,
    /// Set while a second hello is expected.
    retry: Option<Box<Retry>>,
    /// The number of `change_cipher_spec` records that were ignored.
    changes: u8,
    /// Whether the client encrypts, in TLS 1.2.
    client_encrypts: bool,
    close_sent: bool,
    failed: Option<Fault>,
    /// Whether all received records were processed and application data may be sent.
    is_caught_up: bool,
}

/// The parser of a second hello, and the first one to compare it with.
struct Retry {
    first: ClientHello,
    parser: HelloParser,
}

/// The output of a connection in both directions, and the state of the peer.
#[derive(Default)]
pub(crate) struct Flow {
    /// Ciphertext that has not been sent.
    pub(crate) outgoing: Buffer,
    /// Plaintext that the reader has not consumed.
    pub(crate) plaintext: Buffer,
    /// Whether the peer has sent `close_notify`.
    pub(crate) peer_closed: bool,
    /// The alert that was sent by the last step.
    pub(crate) alert_sent: Option<Alert>,
    stage: Stage,
    /// Whether the server encrypts, in TLS 1.2.
    encrypts: bool,
}

/// The state of a connection after all received records were processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The handshake needs more bytes.
    Handshaking,
    /// Application data may be sent and received.
    Open,
    /// Both sides have closed.
    Closed,
}

/// What to send once the handshake has completed.
#[derive(Clone, Copy)]
enum Output<'a> {
    Nothing,
    Data(&'a [u8]),
    CloseNotify,
}

/// The result of a step of rustls: the number of bytes to discard, and the state if it was the last step.
type Step = (usize, Option<State>);
type Take<'a> = &'a mut dyn FnMut(&[u8]) -> usize;

impl Engine {
    /// Create a connection whose first bytes were read already.
    pub(crate) fn new(config: Arc<ServerConfig>, incoming: Buffer) -> Result<Self, Error> {
        let tls = Box::new(UnbufferedServerConnection::new(config)?);
        Ok(Self {
            tls,
            incoming,
            submitted: 0,
            flow: Flow::default(),
            retry: None,
            changes: 0,
            client_encrypts: false,
            close_sent: false,
            failed: None,
            is_caught_up: false,
        })
    }

    pub(crate) fn tls(&self) -> &UnbufferedServerConnection {
        &self.tls
    }

    pub(crate) fn stage(&self) -> Stage {
        self.flow.stage
    }

    /// Expect a second hello, which must match the first one.
    pub(crate) fn expect_second_hello(&mut self, first: ClientHello, limit: usize) {
        let parser = HelloParser::new(limit);
        self.retry = Some(Box::new(Retry { first, parser }));
    }

    /// Whether received ciphertext must be processed before more is read.
    pub(crate) fn is_full(&self) -> bool {
        self.incoming.len() >= MAX_INCOMING
    }

    /// Process received records; `take` is called with plaintext, and returns how many bytes it has consumed.
    ///
    /// Stops if some was not consumed, so that at most one record of plaintext is buffered.
    pub(crate) fn process(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> Result<State, Fault> {
        if self.is_caught_up && matches!(self.next_record(), Ok(None)) {
            return Ok(State::Open);
        }
        self.drive(&mut take, Output::Nothing)
    }

    /// Encrypt a limited part of `data`; return its length. Plaintext that is decrypted meanwhile is buffered.
    pub(crate) fn encrypt(&mut self, data: &[u8]) -> Result<usize, Fault> {
        let max = if self.flow.outgoing.is_large() || large_available() {
            MAX_PLAINTEXT
        } else {
            MAX_PLAINTEXT_WHEN_SCARCE
        };
        let data = &data[..data.len().min(max)];
        match self.drive(&mut |_| 0, Output::Data(data))? {
            State::Open => Ok(data.len()),
            State::Handshaking | State::Closed => Err(Error::HandshakeNotComplete.into()),
        }
    }

    /// Send `close_notify` (RFC 8446 §6.1), once and only after the handshake.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        if self.tls.is_handshaking() || std::mem::replace(&mut self.close_sent, true) {
            return Ok(());
        }
        self.drive(&mut |_| 0, Output::CloseNotify).map(|_| ())
    }

    fn drive(&mut self, take: Take<'_>, output: Output<'_>) -> Result<State, Fault> {
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let outcome = self.advance(take, output);
        self.is_caught_up = matches!(outcome, Ok(State::Open));
        outcome.inspect_err(|fault| {
            self.failed = Some(fault.clone());
            self.send_alert(fault);
        })
    }

    /// Pass records to rustls one at a time. It must not be passed a record of rejected early data twice,
    /// since it would count that twice.
    fn advance(&mut self, take: Take<'_>, output: Output<'_>) -> Result<State, Fault> {
        let is_reading = matches!(output, Output::Nothing);
        let was_handshaking = self.tls.is_handshaking();
        if is_reading {
            self.submit_next()?;
        }
        loop {
            let Some(state) = self.call(take, output)? else {
                continue;
            };
            // Records after the handshake, and their faults, are left to the first reader.
            let is_complete = was_handshaking && !self.tls.is_handshaking();
            let continues =
                is_reading && !is_complete && self.flow.is_read() && state != State::Closed;
            if !(continues && self.submit_next()?) {
                return Ok(state);
            }
        }
    }

    /// Call rustls once; return the state if it was the last call for the submitted records.
    fn call(&mut self, take: Take<'_>, output: Output<'_>) -> Result<Option<State>, Fault> {
        self.flow.alert_sent = None;
        let submitted = &mut self.incoming.filled_mut()[..self.submitted];
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(submitted);
        let step = state.and_then(|state| self.flow.step(state, take, output));
        let more = step.as_ref().map_or(0, |(more, _)| *more);
        self.drop_front(discard + more);
        let report = self.flow.take_report();
        if let Some(violation) = report.violation {
            return Err(violation.into());
        }
        if self.tls.is_handshaking() && report.alert_received == Some(Alert::CLOSE_NOTIFY) {
            return Err(Fault::ClosedByClient);
        }
        let state = step?.1;
        if report.undecryptable {
            self.drop_front(self.submitted); // Early data that was rejected (RFC 8446 §4.2.10).
        }
        Ok(state)
    }

    fn is_tls13(&self) -> bool {
        self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    fn drop_front(&mut self, count: usize) {
        self.incoming.consume(count);
        self.submitted -= count;
    }

    /// Submit the next record to rustls; `false` if none is complete.
    fn submit_next(&mut self) -> Result<bool, Fault> {
        while let Some(length) = self.next_record()? {
            match self.check(length)? {
                RecordAction::Pass => {
                    self.submitted += length;
                    return Ok(true);
                }
                RecordAction::Drop => self.incoming.consume(length), // Nothing is submitted at this point.
            }
        }
        Ok(false)
    }

    /// The length of the next record with its header, if it is complete.
    fn next_record(&self) -> Result<Option<usize>, Fault> {
        let waiting = &self.incoming.filled()[self.submitted..];
        let Some(header) = waiting.first_chunk::<{ records::HEADER }>() else {
            return Ok(None);
        };
        let length = records::HEADER + records::content_length(*header)?;
        Ok((length <= waiting.len()).then_some(length))
    }

    fn check(&mut self, length: usize) -> Result<RecordAction, Fault> {
        let is_tls13 = self.is_tls13();
        let phase = Phase {
            version: self.tls.protocol_version(),
            is_encrypted: self.client_encrypts || is_tls13 && self.flow.stage == Stage::FlightSent,
            is_handshaking: self.tls.is_handshaking(),
            is_split: self.submitted > 0,
        };
        let record = &self.incoming.filled()[self.submitted..self.submitted + length];
        let action = records::check(record, phase, &mut self.changes)?;
        if self.flow.stage == Stage::RetryRequested
            && record[0] == records::HANDSHAKE
            && let Some(retry) = &mut self.retry
            && retry.add(&record[records::HEADER..])?
        {
            self.retry = None;
        }
        // RFC 5246 §7.1: the following records are encrypted.
        self.client_encrypts |= !is_tls13 && record[0] == records::CHANGE_CIPHER_SPEC;
        Ok(action)
    }

    /// Send the alert for a fault: that of rustls, or else the one that the RFC requires.
    fn send_alert(&mut self, fault: &Fault) {
        self.collect();
        if self.flow.alert_sent.is_some() || self.close_sent {
            return;
        }
        let Some(alert) = fault.due_alert() else {
            return;
        };
        if self.flow.encrypts || self.is_tls13() && self.flow.stage == Stage::FlightSent {
            self.send_encrypted_alert(alert);
            self.collect();
        } else {
            self.flow.outgoing.extend_from_slice(&alert_record(alert));
            self.flow.alert_sent = Some(alert);
        }
    }

    /// Move the output of rustls to `outgoing`.
    fn collect(&mut self) {
        // Only while there is some, or else rustls would continue to read.
        while self.tls.wants_write() && self.call_for_alert(&mut []).is_some() {}
    }

    /// Send an encrypted alert. rustls only sends alerts for its own errors, so it is passed an invalid
    /// record, whose alert is replaced.
    fn send_encrypted_alert(&mut self, alert: Alert) {
        let mut dummy = vec![0xff; self.submitted + records::HEADER];
        // Messages of the last record that were not processed are refused first, one in each call.
        for _ in 0..=MAX_MESSAGES {
            CallReport::replace_next_alert(alert);
            let Some(discard) = self.call_for_alert(&mut dummy) else {
                return;
            };
            dummy.drain(..discard);
            if self.flow.alert_sent.is_some() {
                return;
            }
        }
    }

    /// Call rustls once after an error, and collect its output. `None` if there is nothing left to do.
    fn call_for_alert(&mut self, dummy: &mut [u8]) -> Option<usize> {
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(dummy);
        let continues = match state {
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
        self.flow.take_report();
        continues.then_some(discard)
    }
}

impl Retry {
    /// Add a fragment of the second hello; `true` once it is complete. It must match the first one.
    fn add(&mut self, fragment: &[u8]) -> Result<bool, HelloError> {
        let Some(second) = self.parser.add(fragment)? else {
            return Ok(false);
        };
        if !self.first.is_repeated_by(&second) {
            let differs =
                Alert::ILLEGAL_PARAMETER.violation("the second hello differs from the first");
            return Err(HelloError::Malformed(differs));
        }
        check_extensions(&second).map_err(HelloError::Malformed)?;
        Ok(true)
    }
}

impl Flow {
    /// Whether more may be decrypted: no plaintext is buffered, and the peer has not closed.
    fn is_read(&self) -> bool {
        self.plaintext.is_empty() && !self.peer_closed
    }

    fn step(
        &mut self,
        state: ConnectionState<'_, '_, ServerConnectionData>,
        take: Take<'_>,
        output: Output<'_>,
    ) -> Result<Step, Error> {
        match state {
            ConnectionState::ReadTraffic(traffic) => self.read(traffic, take, output),
            ConnectionState::EncodeTlsData(handshake) => self.encode(handshake).map(|()| (0, None)),
            ConnectionState::TransmitTlsData(encoded) => {
                encoded.done(); // It is in `outgoing`.
                Ok((0, None))
            }
            ConnectionState::PeerClosed => {
                self.peer_closed = true;
                Ok((0, None))
            }
            ConnectionState::Closed => Ok((0, Some(State::Closed))),
            ConnectionState::BlockedHandshake => Ok((0, Some(State::Handshaking))),
            ConnectionState::WriteTraffic(traffic) => {
                self.write(traffic, output)
                    .map_err(|error| Error::General(error.to_string()))?;
                Ok((0, Some(State::Open)))
            }
            // Early data is disabled, so there is no other state.
            _ => Err(Error::General(
                "rustls is in an unexpected state".to_owned(),
            )),
        }
    }

    fn read(
        &mut self,
        mut traffic: ReadTraffic<'_, '_, ServerConnectionData>,
        take: Take<'_>,
        output: Output<'_>,
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
        // A reader stops while plaintext is buffered; a writer must process it all.
        let stop = matches!(output, Output::Nothing) && !self.is_read();
        Ok((discard, stop.then_some(State::Open)))
    }

    fn write(
        &mut self,
        mut traffic: WriteTraffic<'_, ServerConnectionData>,
        output: Output<'_>,
    ) -> Result<(), EncryptError> {
        let written = match output {
            Output::Nothing => 0,
            Output::Data(data) => {
                let room = data.len() + (data.len() / RECORD + 1) * OVERHEAD;
                traffic.encrypt(data, self.outgoing.room(room))?
            }
            Output::CloseNotify => traffic.queue_close_notify(self.outgoing.room(OVERHEAD + 2))?,
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
        self.inspect(sent);
        Ok(())
    }

    /// Update the state from an outgoing record that begins at `start`.
    fn inspect(&mut self, start: usize) {
        let record = &mut self.outgoing.filled_mut()[start..];
        if let Some(alert) = unencrypted_alert(record) {
            if alert == Alert::CERTIFICATE_REQUIRED {
                record[6] = Alert::HANDSHAKE_FAILURE.0; // RFC 5246 §7.4.6: TLS 1.2 has no such alert.
            }
            self.alert_sent = Some(Alert(record[6]));
            return;
        }
        match record[0] {
            records::HANDSHAKE if record.get(11..43) == Some(&RETRY) => {
                self.stage = Stage::RetryRequested;
            }
            records::HANDSHAKE => self.stage = Stage::FlightSent,
            records::CHANGE_CIPHER_SPEC => self.encrypts = self.stage == Stage::FlightSent,
            _ => {}
        }
    }

    /// The report on the last call of rustls.
    fn take_report(&mut self) -> CallReport {
        let report = CallReport::take();
        self.alert_sent = report.alert_sent.or(self.alert_sent);
        report
    }
}

#[cfg(test)]
mod tests;
