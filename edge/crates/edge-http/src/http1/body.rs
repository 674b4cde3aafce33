//! Bodies: how they are delimited, and where their payload lies in what has arrived.

use std::ops::Range;

use super::chunked::{ChunkFault, ChunkReader, ChunkStep};

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks up to the last one.
    Chunked,
    /// Everything until the connection ends; responses only.
    UntilClose,
}

/// Reads one body from the bytes that follow its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyReader {
    /// Nothing is left.
    Ended,
    /// So many bytes are left; never 0.
    Length(u64),
    /// In the middle of chunks.
    Chunked(ChunkReader),
    /// The end of the connection is the end of the body.
    UntilClose,
}

/// What was found in a piece of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where the payload lies now.
    pub payload: Range<usize>,
    /// How many bytes of the input belong to this body; what follows belongs to the next message.
    pub used: usize,
}

/// Why a body cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// The chunks are not in order.
    Chunk(ChunkFault),
    /// The connection ended before the body did.
    EndedEarly,
}

impl BodyReader {
    /// A reader at the start of a body.
    #[must_use]
    pub fn new(kind: BodyKind) -> Self {
        match kind {
            BodyKind::None | BodyKind::Length(0) => Self::Ended,
            BodyKind::Length(bytes) => Self::Length(bytes),
            BodyKind::Chunked => Self::Chunked(ChunkReader::default()),
            BodyKind::UntilClose => Self::UntilClose,
        }
    }

    /// Find the payload in what has arrived.
    ///
    /// The payload of several chunks is moved together inside `input`, so that it is one range
    /// and leaves in one write.
    pub fn take(&mut self, input: &mut [u8]) -> Result<Taken, BodyFault> {
        match self {
            Self::Ended => Ok(Taken {
                payload: 0..0,
                used: 0,
            }),
            Self::UntilClose => Ok(Taken {
                payload: 0..input.len(),
                used: input.len(),
            }),
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(input.len(), |it| it.min(input.len()));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(Taken {
                    payload: 0..taken,
                    used: taken,
                })
            }
            Self::Chunked(chunks) => {
                let taken = gather(chunks, input).map_err(BodyFault::Chunk)?;
                if chunks.has_ended() {
                    *self = Self::Ended;
                }
                Ok(taken)
            }
        }
    }

    /// Whether the whole body was read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// How many bytes are left, where that is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Ended => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Take note that no more bytes will come.
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

fn gather(chunks: &mut ChunkReader, input: &mut [u8]) -> Result<Taken, ChunkFault> {
    let mut payload = 0..0;
    let mut at = 0;
    loop {
        let (used, step) = chunks.read(&input[at..])?;
        let ChunkStep::Payload(range) = step else {
            return Ok(Taken {
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
    fn a_length_ends_where_it_says() {
        let mut reader = BodyReader::new(BodyKind::Length(5));
        assert_eq!(
            Ok(Taken {
                payload: 0..3,
                used: 3
            }),
            reader.take(&mut b"abc".to_vec())
        );
        assert_eq!(Err(BodyFault::EndedEarly), reader.clone().end_of_input());
        assert_eq!(
            Ok(Taken {
                payload: 0..2,
                used: 2
            }),
            reader.take(&mut b"deGET".to_vec())
        );
        assert!(reader.has_ended());
    }

    #[test]
    fn chunks_become_one_range() {
        let mut reader = BodyReader::new(BodyKind::Chunked);
        let mut input = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\nnext".to_vec();
        let taken = reader.take(&mut input).unwrap();
        assert_eq!(b"abcde", &input[taken.payload]);
        assert_eq!(b"next", &input[taken.used..]);
        assert!(reader.has_ended());
    }

    #[test]
    fn the_end_of_the_connection_ends_only_a_body_without_framing() {
        assert_eq!(Ok(()), BodyReader::new(BodyKind::UntilClose).end_of_input());
        assert_eq!(Ok(()), BodyReader::new(BodyKind::Length(0)).end_of_input());
        let mut chunked = BodyReader::new(BodyKind::Chunked);
        assert_eq!(Err(BodyFault::EndedEarly), chunked.end_of_input());
    }
}
