//! Parsing the first bytes of a connection: a `ClientHello` in TLS records, or anything else.
//!
//! Pure: bytes in, values out. The result does not depend on how the bytes were split into reads, or
//! the hello into records.

mod message;
mod plain_http;

pub use message::ClientHello;

use crate::alert::{Alert, Violation, unencrypted_alert};
use crate::reader::Reader;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const TLS_1_0: u16 = 0x0301;
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
/// RFC 8446 §5.1: an unencrypted record has at most 2^14 bytes.
const MAX_FRAGMENT: usize = 1 << 14;

/// The result of parsing the bytes received so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// A complete hello.
    Hello(ClientHello),
    /// Not a hello, whatever follows.
    Error(HelloError),
}

/// Why the first bytes are not a valid hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloError {
    /// Not a TLS record.
    NotTls,
    /// A plain HTTP request.
    PlainHttp,
    /// A hello whose newest version is SSL 2.0 or SSL 3.0; the version's name.
    Ssl(&'static str),
    /// TLS records without a valid hello.
    Malformed(Violation),
    /// An alert of the client.
    Alert(Alert),
    /// More bytes than the limit.
    TooLarge,
}

/// Parse the first bytes of a connection in one call.
#[must_use]
pub fn parse(bytes: &[u8], limit: usize) -> Progress {
    HelloParser::new(limit).read(bytes)
}

/// Whether the bytes are, or may become, a plain HTTP request.
#[must_use]
pub fn is_plain_http(prefix: &[u8]) -> bool {
    plain_http::detect(prefix) != plain_http::Match::No
}

/// An incremental parser, so that a hello in many small reads is not parsed repeatedly.
#[derive(Debug)]
pub struct HelloParser {
    limit: usize,
    /// The start of the next record.
    offset: usize,
    /// The joined fragments.
    message: Vec<u8>,
}

impl HelloParser {
    /// Create a parser; `limit` is the most bytes of a hello, including record headers.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            offset: 0,
            message: Vec::new(),
        }
    }

    /// Parse all bytes received so far, including those of earlier calls.
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

    /// Add a fragment; return the hello if it is complete.
    pub(crate) fn add(&mut self, fragment: &[u8]) -> Result<Option<ClientHello>, HelloError> {
        self.message.extend_from_slice(fragment);
        self.hello()
    }

    /// The hello, if it is complete.
    fn hello(&self) -> Result<Option<ClientHello>, HelloError> {
        let mut reader = Reader::new(&self.message);
        match reader.u8() {
            None => return Ok(None),
            Some(CLIENT_HELLO) => {}
            Some(_) => return Err(unexpected("the message is not a ClientHello")),
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
        let hello = message::parse(body).map_err(HelloError::Malformed)?;
        // RFC 8446 appendix D.5: refused before the server name is looked up.
        if !hello.offers_version(TLS_1_0) && hello.versions.is_none() {
            return Err(HelloError::Ssl("SSL 3.0"));
        }
        Ok(Some(hello))
    }
}

/// The content of the record at `offset`, once it is complete.
fn next_fragment(bytes: &[u8], offset: usize) -> Result<Option<&[u8]>, HelloError> {
    let record = &bytes[offset..];
    let is_record = if offset == 0 {
        check_opening(record)?
    } else {
        check_record(record)?
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
            let too_long = Alert::RECORD_OVERFLOW.violation("a record of more than 16,384 bytes");
            Err(HelloError::Malformed(too_long))
        }
    }
}

fn unexpected(detail: &'static str) -> HelloError {
    HelloError::Malformed(Alert::UNEXPECTED_MESSAGE.violation(detail))
}

/// Whether a handshake record starts here; `false` if more bytes are needed.
fn check_record(record: &[u8]) -> Result<bool, HelloError> {
    match record {
        [] | [HANDSHAKE] => Ok(false),
        [HANDSHAKE, 3, ..] => Ok(true),
        [HANDSHAKE, ..] => {
            let unknown = Alert::PROTOCOL_VERSION.violation("a record of an unknown major version");
            Err(HelloError::Malformed(unknown))
        }
        [ALERT, ..] => check_alert(record),
        _ => Err(unexpected("another record before the end of the hello")),
    }
}

/// An alert of the client instead of its hello.
fn check_alert(record: &[u8]) -> Result<bool, HelloError> {
    match (record.get(..7), record) {
        (Some(whole), _) if let Some(alert) = unencrypted_alert(whole) => {
            Err(HelloError::Alert(alert))
        }
        (None, [_] | [_, 3] | [_, 3, _] | [_, 3, _, 0] | [_, 3, _, 0, 2, ..]) => Ok(false),
        _ => Err(HelloError::Malformed(
            Alert::DECODE_ERROR.violation("a malformed alert"),
        )),
    }
}

/// The same for the first bytes of the connection, which may be anything.
fn check_opening(bytes: &[u8]) -> Result<bool, HelloError> {
    match bytes {
        [] | [HANDSHAKE, ..] => check_record(bytes),
        // Too few bytes to distinguish other content types of TLS, and SSL 2.0: a length with the highest
        // bit set, CLIENT-HELLO, then the version.
        [_] | [0x80..=0xff, _] | [0x80..=0xff, _, 1] => Ok(false),
        [ALERT, 3, ..] => check_alert(bytes),
        [20, 3, ..] => Err(unexpected("a change_cipher_spec instead of a hello")),
        [23, 3, ..] => Err(unexpected("application data instead of a hello")),
        [0x80..=0xff, _, 1, 0 | 2 | 3, ..] => Err(HelloError::Ssl("SSL 2.0")),
        [_, 3, ..] => Err(unexpected("a record of an unknown type")), // RFC 8446 §5.
        _ => match plain_http::detect(bytes) {
            plain_http::Match::Yes => Err(HelloError::PlainHttp),
            plain_http::Match::Incomplete => Ok(false),
            plain_http::Match::No => Err(HelloError::NotTls),
        },
    }
}
