//! The first bytes of a connection: a `ClientHello` over TLS records, or what they are instead.
//!
//! Pure: bytes in, values out. How the bytes were cut into reads, and the hello into records,
//! changes nothing but when the answer is known.

mod clear;
mod message;

pub use message::ClientHello;

use crate::alert::{Alert, Violation, clear_alert};
use crate::reader::Reader;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
/// RFC 8446 §5.1: a record in clear holds at most 2^14 bytes.
const MAX_FRAGMENT: usize = 1 << 14;

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A hello may still come out of it.
    Incomplete,
    /// The whole hello.
    Hello(ClientHello),
    /// No hello comes out of it, whatever follows.
    Error(HelloError),
}

/// Why the first bytes are no hello that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloError {
    /// No TLS record.
    NotTls,
    /// An HTTP request in clear.
    PlainHttp,
    /// A hello in the format of SSL 2.0, which offers nothing that we speak.
    Ssl2,
    /// TLS records without a readable hello.
    Malformed(Violation),
    /// An alert of the client, which ends the connection itself.
    Alert(Alert),
    /// More bytes than the limit.
    TooLarge,
}

/// Read the first bytes of a connection at once, whatever their number.
#[must_use]
pub fn parse(bytes: &[u8], limit: usize) -> Progress {
    HelloParser::new(limit).read(bytes)
}

/// Whether the bytes are, or may become, an HTTP request in clear.
#[must_use]
pub fn is_plain_http(prefix: &[u8]) -> bool {
    clear::judge(prefix) != clear::Verdict::No
}

/// A parser that remembers how far it came, so that a hello in many small reads costs no more.
#[derive(Debug)]
pub struct HelloParser {
    limit: usize,
    /// Where the next record starts.
    offset: usize,
    /// The fragments so far, joined.
    message: Vec<u8>,
}

impl HelloParser {
    /// A parser for a connection whose hello may take `limit` bytes, record headers counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            offset: 0,
            message: Vec::new(),
        }
    }

    /// Judge all bytes of the connection so far, those of earlier calls included.
    pub fn read(&mut self, bytes: &[u8]) -> Progress {
        let bounded = &bytes[..bytes.len().min(self.limit)];
        match self.advance(bounded) {
            Ok(Some(hello)) => Progress::Hello(hello),
            Ok(None) if bytes.len() >= self.limit => Progress::Error(HelloError::TooLarge),
            Ok(None) => Progress::Incomplete,
            Err(error) => Progress::Error(error),
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<ClientHello>, HelloError> {
        while let Some(fragment) = next_fragment(bytes, self.offset)? {
            self.offset += RECORD_HEADER + fragment.len();
            if let Some(hello) = self.add(fragment)? {
                return Ok(Some(hello));
            }
        }
        Ok(None)
    }

    /// The hello, when this is its last fragment.
    pub(crate) fn add(&mut self, fragment: &[u8]) -> Result<Option<ClientHello>, HelloError> {
        self.message.extend_from_slice(fragment);
        self.hello()
    }

    /// The hello, once its last fragment has come.
    fn hello(&self) -> Result<Option<ClientHello>, HelloError> {
        let mut reader = Reader::new(&self.message);
        match reader.u8() {
            None => return Ok(None),
            Some(CLIENT_HELLO) => {}
            Some(_) => return Err(unexpected("the message is no ClientHello")),
        }
        let Some(length) = reader.take(3) else {
            return Ok(None);
        };
        let length =
            usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]);
        if length + MESSAGE_HEADER + RECORD_HEADER > self.limit {
            return Err(HelloError::TooLarge);
        }
        let Some(body) = reader.take(length) else {
            return Ok(None);
        };
        message::parse(body)
            .map(Some)
            .map_err(HelloError::Malformed)
    }
}

/// The content of the record at `offset`, once it is complete.
fn next_fragment(bytes: &[u8], offset: usize) -> Result<Option<&[u8]>, HelloError> {
    let record = &bytes[offset..];
    let is_record = if offset == 0 {
        judge_opening(record)?
    } else {
        judge_record(record)?
    };
    let (true, Some(header)) = (is_record, record.first_chunk::<RECORD_HEADER>()) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    match length {
        // RFC 8446 §5.1: no empty fragments of handshake messages.
        0 => Err(unexpected("an empty record")),
        1..=MAX_FRAGMENT => Ok(record[RECORD_HEADER..].get(..length)),
        _ => {
            let too_long = Alert::RECORD_OVERFLOW.of("a record of more than 16,384 bytes");
            Err(HelloError::Malformed(too_long))
        }
    }
}

fn unexpected(what: &'static str) -> HelloError {
    HelloError::Malformed(Alert::UNEXPECTED_MESSAGE.of(what))
}

/// Whether a handshake record starts here; no when there are too few bytes to tell.
fn judge_record(record: &[u8]) -> Result<bool, HelloError> {
    match record {
        [] | [HANDSHAKE] => Ok(false),
        [HANDSHAKE, 3, ..] => Ok(true),
        [HANDSHAKE, ..] => {
            let unknown = Alert::PROTOCOL_VERSION.of("a record of an unknown major version");
            Err(HelloError::Malformed(unknown))
        }
        [ALERT, ..] => judge_alert(record),
        _ => Err(unexpected("another record before the end of the hello")),
    }
}

/// An alert of the client instead of its hello.
fn judge_alert(record: &[u8]) -> Result<bool, HelloError> {
    match (record.get(..7), record) {
        (Some(whole), _) if let Some(alert) = clear_alert(whole) => Err(HelloError::Alert(alert)),
        (None, [_] | [_, 3] | [_, 3, _] | [_, 3, _, 0] | [_, 3, _, 0, 2, ..]) => Ok(false),
        _ => Err(HelloError::Malformed(
            Alert::DECODE_ERROR.of("an alert that cannot be read"),
        )),
    }
}

/// The same for the very first bytes, which may be anything.
fn judge_opening(bytes: &[u8]) -> Result<bool, HelloError> {
    match bytes {
        [] | [HANDSHAKE, ..] => judge_record(bytes),
        // Other content types of TLS, and SSL 2.0: a length with the highest bit set, CLIENT-HELLO,
        // then the version; both while too little of them is there.
        [_] | [0x80..=0xff, _] | [0x80..=0xff, _, 1] => Ok(false),
        [ALERT, 3, ..] => judge_alert(bytes),
        [20, 3, ..] => Err(unexpected("a change_cipher_spec where the hello is due")),
        [23, 3, ..] => Err(unexpected("application data where the hello is due")),
        [0x80..=0xff, _, 1, 0 | 2 | 3, ..] => Err(HelloError::Ssl2),
        [_, 3, ..] => Err(unexpected("a record of an unknown type")), // RFC 8446 §5.
        _ => match clear::judge(bytes) {
            clear::Verdict::Yes => Err(HelloError::PlainHttp),
            clear::Verdict::Open => Ok(false),
            clear::Verdict::No => Err(HelloError::NotTls),
        },
    }
}
