//! An incremental decoder of the chunked transfer coding (RFC 9112 §7.1).

use std::ops::Range;

use crate::bytes::{FIELD_VALUE, TOKEN};
use crate::fields::content_length::MAX_CONTENT_LENGTH;

/// The most digits of a chunk size, including leading zeros, which could overflow other decoders.
const SIZE_DIGITS: u32 = 16;
/// The most bytes of a size line. Extensions are ignored.
const SIZE_LINE_BYTES: u32 = 256;
/// The most bytes of the trailer section.
const TRAILER_BYTES: u32 = 16 * 1024;

/// Decodes a chunked body as it arrives, without buffering bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkReader {
    state: State,
    /// The number of bytes that are left of the chunk, or its size as far as it was read.
    size: u64,
    /// The number of digits of the size, of bytes of the size line, or of bytes of the trailer section.
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeLf,
    Payload,
    PayloadCr,
    PayloadLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Ended,
}

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkStep {
    /// Payload, as a range of the input.
    Payload(Range<usize>),
    /// The body is complete.
    Ended,
    /// The input was consumed, and the body is incomplete.
    MoreNeeded,
}

/// Why a chunked body is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkFault {
    /// A size is not a hexadecimal number, or a line does not end in CR LF.
    Malformed,
    /// A size exceeds 63 bits, or a size line or the trailer section is too long.
    TooLarge,
    /// A trailer line is not a field line.
    TrailerMalformed,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            state: State::Size,
            size: 0,
            count: 0,
        }
    }
}

impl ChunkReader {
    /// Decode the next step; return the number of bytes used, and the result.
    pub fn read(&mut self, input: &[u8]) -> Result<(usize, ChunkStep), ChunkFault> {
        let mut at = 0;
        while at < input.len() && self.state != State::Ended {
            if self.state == State::Payload {
                let range = at..at + self.read_payload(input.len() - at);
                return Ok((range.end, ChunkStep::Payload(range)));
            }
            self.state = self.after(input[at])?;
            at += 1;
        }
        let ended = self.state == State::Ended;
        Ok((
            at,
            if ended {
                ChunkStep::Ended
            } else {
                ChunkStep::MoreNeeded
            },
        ))
    }

    /// Whether the last chunk and the trailers were read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn read_payload(&mut self, available: usize) -> usize {
        let length = usize::try_from(self.size).map_or(available, |left| left.min(available));
        self.size -= length as u64;
        if self.size == 0 {
            self.state = State::PayloadCr;
        }
        length
    }

    fn after(&mut self, byte: u8) -> Result<State, ChunkFault> {
        match self.state {
            State::Size => self.after_size(byte),
            State::Extension => self.after_extension(byte),
            State::SizeLf => expect(byte, b'\n', self.after_size_line()),
            State::PayloadCr => expect(byte, b'\r', State::PayloadLf),
            State::PayloadLf => {
                *self = Self::default();
                expect(byte, b'\n', State::Size)
            }
            State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLf => {
                self.after_trailer(byte)
            }
            State::LastLf => expect(byte, b'\n', State::Ended),
            State::Payload | State::Ended => Ok(self.state),
        }
    }

    fn after_size(&mut self, byte: u8) -> Result<State, ChunkFault> {
        match (byte, char::from(byte).to_digit(16)) {
            (_, Some(_)) if self.count == SIZE_DIGITS => Err(ChunkFault::TooLarge),
            (_, Some(digit)) => {
                self.size = self.size << 4 | u64::from(digit);
                self.count += 1;
                if self.size > MAX_CONTENT_LENGTH {
                    return Err(ChunkFault::TooLarge);
                }
                Ok(State::Size)
            }
            (_, None) if self.count == 0 => Err(ChunkFault::Malformed),
            (b'\r', None) => Ok(State::SizeLf),
            (b';', None) => Ok(State::Extension),
            // Decoders differ in whether white space is allowed here.
            _ => Err(ChunkFault::Malformed),
        }
    }

    fn after_extension(&mut self, byte: u8) -> Result<State, ChunkFault> {
        self.count += 1;
        match byte {
            b'\r' => Ok(State::SizeLf),
            _ if self.count > SIZE_LINE_BYTES => Err(ChunkFault::TooLarge),
            _ if FIELD_VALUE[usize::from(byte)] => Ok(State::Extension),
            _ => Err(ChunkFault::Malformed),
        }
    }

    fn after_size_line(&mut self) -> State {
        self.count = 0;
        if self.size == 0 {
            State::TrailerStart
        } else {
            State::Payload
        }
    }

    fn after_trailer(&mut self, byte: u8) -> Result<State, ChunkFault> {
        self.count += 1;
        if self.count > TRAILER_BYTES {
            return Err(ChunkFault::TooLarge);
        }
        let known = |set: &[bool; 256]| set[usize::from(byte)];
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::LastLf),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if known(&TOKEN) => {
                Ok(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, _) if known(&FIELD_VALUE) => Ok(State::TrailerValue),
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            _ => Err(ChunkFault::TrailerMalformed),
        }
    }
}

fn expect(byte: u8, wanted: u8, next: State) -> Result<State, ChunkFault> {
    if byte == wanted {
        Ok(next)
    } else {
        Err(ChunkFault::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(input: &[u8]) -> Result<(Vec<u8>, usize, bool), ChunkFault> {
        let (mut reader, mut payload, mut at) = (ChunkReader::default(), Vec::new(), 0);
        loop {
            let (used, step) = reader.read(&input[at..])?;
            match step {
                ChunkStep::Payload(range) => payload.extend_from_slice(&input[at..][range]),
                ChunkStep::Ended => return Ok((payload, at + used, true)),
                ChunkStep::MoreNeeded => return Ok((payload, at + used, false)),
            }
            at += used;
        }
    }

    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let input = b"4\r\nWiki\r\n6;name=\"x\"\r\npedia \r\n0\r\nExpires: never\r\n\r\nGET";
        assert_eq!(
            Ok((b"Wikipedia ".to_vec(), input.len() - 3, true)),
            read_all(input)
        );
    }

    #[test]
    fn malformed_sizes_are_refused() {
        for input in [
            "\r\n",
            ";x\r\n",
            " 4\r\n",
            "4 \r\n",
            "0x4\r\n",
            "+4\r\n",
            "-1\r\n",
            "4\n",
            "4\rX",
            "g\r\n",
            "4;\n",
            "4;\0\r\n",
            "2\r\nabc",
            "2\r\nab\n",
            "2\r\nab\rX",
        ] {
            assert_eq!(
                Err(ChunkFault::Malformed),
                read_all(input.as_bytes()),
                "{input:?}"
            );
        }
    }

    #[test]
    fn excessive_lengths_are_refused() {
        let long_extension = format!("1;{}\r\n", "x".repeat(300));
        let long_trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(4000));
        for input in [
            "00000000000000001\r\n",
            "8000000000000000\r\n",
            &long_extension,
            &long_trailers,
        ] {
            assert_eq!(Err(ChunkFault::TooLarge), read_all(input.as_bytes()));
        }
    }

    #[test]
    fn trailers_are_field_lines() {
        for line in [
            "no colon\r\n",
            ": empty\r\n",
            " folded: x\r\n",
            "a: \0\r\n",
            "a: b\n",
        ] {
            let input = format!("0\r\n{line}\r\n");
            assert_eq!(
                Err(ChunkFault::TrailerMalformed),
                read_all(input.as_bytes()),
                "{line:?}"
            );
        }
    }
}
