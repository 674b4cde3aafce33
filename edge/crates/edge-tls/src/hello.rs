//! The first bytes of a connection: a `ClientHello` over TLS records, or what they are instead.
//!
//! Pure: bytes in, values out. How the bytes were cut into reads, and the hello into records,
//! changes nothing but when the answer is known.

mod clear;
mod message;

pub use message::ClientHello;

use crate::reader::Reader;

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
    /// TLS records without a readable hello; the text says what is wrong.
    Malformed(&'static str),
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
            self.message.extend_from_slice(fragment);
            if let Some(hello) = self.hello()? {
                return Ok(Some(hello));
            }
        }
        Ok(None)
    }

    /// The hello, once its last fragment has come.
    fn hello(&self) -> Result<Option<ClientHello>, HelloError> {
        let mut reader = Reader::new(&self.message);
        match reader.u8() {
            None => return Ok(None),
            Some(CLIENT_HELLO) => {}
            Some(_) => return Err(HelloError::Malformed("the first message is no ClientHello")),
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
    if let (0, Some(error)) = (offset, not_a_record(record)) {
        return Err(error);
    }
    let Some(header) = record.first_chunk::<RECORD_HEADER>() else {
        return check_record_start(record).map(|()| None);
    };
    check_record_start(header)?;
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if length == 0 || length > MAX_FRAGMENT {
        // RFC 8446 §5.1: no empty fragments of handshake messages.
        return Err(HelloError::Malformed(
            "a record of a length that is not allowed",
        ));
    }
    Ok(record[RECORD_HEADER..].get(..length))
}

/// Judge the first two bytes of a record as soon as they are there.
fn check_record_start(record: &[u8]) -> Result<(), HelloError> {
    match record {
        [] | [HANDSHAKE] | [HANDSHAKE, 3, ..] => Ok(()),
        [HANDSHAKE, ..] => Err(HelloError::Malformed(
            "a record of an unknown major version",
        )),
        _ => Err(HelloError::Malformed(
            "another record before the end of the hello",
        )),
    }
}

/// What the connection's very first bytes are when they are no handshake record.
fn not_a_record(bytes: &[u8]) -> Option<HelloError> {
    match bytes {
        // Handshake, or another content type of TLS whose version has not come yet.
        [] | [HANDSHAKE, ..] | [20 | 21 | 23] => None,
        [20 | 21 | 23, 3, ..] => Some(HelloError::Malformed("the first record is no handshake")),
        _ => not_tls(bytes),
    }
}

fn not_tls(bytes: &[u8]) -> Option<HelloError> {
    match clear::judge(bytes) {
        clear::Verdict::Yes => return Some(HelloError::PlainHttp),
        clear::Verdict::Open => return None,
        clear::Verdict::No => {}
    }
    // SSL 2.0: two bytes of length with the highest bit set, then CLIENT-HELLO, then the version.
    match bytes {
        [0x80..=0xff] | [0x80..=0xff, _] | [0x80..=0xff, _, 1] => None,
        [0x80..=0xff, _, 1, 0 | 2 | 3, ..] => Some(HelloError::Ssl2),
        _ => Some(HelloError::NotTls),
    }
}
