//! Bodies: their framing, and finding the payload in received bytes.

use std::ops::Range;

use super::chunked::{ChunkFault, ChunkReader, ChunkStep};

/// The framing of a body (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// No body.
    None,
    /// A body of this many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
    /// Ends with the connection; responses only.
    UntilClose,
}

/// Reads one body from the bytes that follow its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyReader {
    /// The body was read completely.
    Ended,
    /// This many bytes are left; never 0.
    Length(u64),
    /// The chunked transfer coding.
    Chunked(ChunkReader),
    /// The body ends with the connection.
    UntilClose,
}

/// The result of reading a piece of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPiece {
    /// The range of the payload in the input.
    pub payload: Range<usize>,
    /// The number of bytes of the input that belong to this body. The rest belongs to the next message.
    pub used: usize,
}

/// Why a body is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// The chunked transfer coding is malformed.
    Chunk(ChunkFault),
    /// The connection ended before the body did.
    EndedEarly,
}

impl BodyReader {
    /// Create a reader at the start of a body.
    #[must_use]
    pub fn new(kind: BodyKind) -> Self {
        match kind {
            BodyKind::None | BodyKind::Length(0) => Self::Ended,
            BodyKind::Length(bytes) => Self::Length(bytes),
            BodyKind::Chunked => Self::Chunked(ChunkReader::default()),
            BodyKind::UntilClose => Self::UntilClose,
        }
    }

    /// Find the payload in received bytes.
    ///
    /// The payload of several chunks is moved together inside `input`, so that it is one range, which
    /// can be forwarded with one write.
    pub fn read(&mut self, input: &mut [u8]) -> Result<BodyPiece, BodyFault> {
        match self {
            Self::Ended => Ok(BodyPiece {
                payload: 0..0,
                used: 0,
            }),
            Self::UntilClose => Ok(BodyPiece {
                payload: 0..input.len(),
                used: input.len(),
            }),
            Self::Length(left) => {
                let piece = usize::try_from(*left).map_or(input.len(), |it| it.min(input.len()));
                *left -= piece as u64;
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(BodyPiece {
                    payload: 0..piece,
                    used: piece,
                })
            }
            Self::Chunked(chunks) => {
                let piece = join_chunks(chunks, input).map_err(BodyFault::Chunk)?;
                if chunks.has_ended() {
                    *self = Self::Ended;
                }
                Ok(piece)
            }
        }
    }

    /// Whether the body was read completely.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// The number of bytes that are left, if it is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Ended => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Handle the end of the stream, which is an error if the body is incomplete.
    pub fn end_of_input(&mut self) -> Result<(), BodyFault> {
        match self {
            Self::Ended => Ok(()),
            Self::UntilClose => {
                *self = Self::Ended;
                Ok(())
            }
            Self::Length(_) | Self::Chunked(_) => Err(BodyFault::EndedEarly),
        }
    }
}

fn join_chunks(chunks: &mut ChunkReader, input: &mut [u8]) -> Result<BodyPiece, ChunkFault> {
    let mut payload = 0..0;
    let mut at = 0;
    loop {
        let (used, step) = chunks.read(&input[at..])?;
        let ChunkStep::Payload(range) = step else {
            return Ok(BodyPiece {
                payload,
                used: at + used,
            });
        };
        let found = at + range.start..at + range.end;
        at += used;
        if payload.is_empty() {
            payload = found;
        } else {
            let end = payload.end + found.len();
            input.copy_within(found, payload.end);
            payload.end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_after_its_length() {
        let mut reader = BodyReader::new(BodyKind::Length(5));
        assert_eq!(
            Ok(BodyPiece {
                payload: 0..3,
                used: 3
            }),
            reader.read(&mut b"abc".to_vec())
        );
        assert_eq!(Err(BodyFault::EndedEarly), reader.clone().end_of_input());
        assert_eq!(
            Ok(BodyPiece {
                payload: 0..2,
                used: 2
            }),
            reader.read(&mut b"deGET".to_vec())
        );
        assert!(reader.has_ended());
    }

    #[test]
    fn chunks_become_one_range() {
        let mut reader = BodyReader::new(BodyKind::Chunked);
        let mut input = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\nnext".to_vec();
        let piece = reader.read(&mut input).unwrap();
        assert_eq!(b"abcde", &input[piece.payload]);
        assert_eq!(b"next", &input[piece.used..]);
        assert!(reader.has_ended());
    }

    #[test]
    fn the_end_of_the_stream_completes_only_a_body_without_framing() {
        assert_eq!(Ok(()), BodyReader::new(BodyKind::UntilClose).end_of_input());
        assert_eq!(Ok(()), BodyReader::new(BodyKind::Length(0)).end_of_input());
        let mut chunked = BodyReader::new(BodyKind::Chunked);
        assert_eq!(Err(BodyFault::EndedEarly), chunked.end_of_input());
    }
}
