//! Frames: a 4-byte big-endian length and that many bytes.

use crate::error::Fault;
use crate::generated_values::ErrorCode;
use crate::generated_values::bounds::MAX_FRAME;

const LENGTH_BYTES: usize = 4;

/// Splits a byte stream into frames; buffers at most one frame and one read.
#[derive(Default)]
pub struct FrameReader {
    bytes: Vec<u8>,
}

impl FrameReader {
    /// Append bytes that were read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, if it is complete.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(length) = self.announced()? else {
            return Ok(None);
        };
        let end = LENGTH_BYTES + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let rest = self.bytes.split_off(end);
        let mut frame = std::mem::replace(&mut self.bytes, rest);
        frame.drain(..LENGTH_BYTES);
        Ok(Some(frame))
    }

    /// Whether part of a frame is buffered.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Check that the stream ended between two frames.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.is_inside() {
            let buffered = self.bytes.len();
            return Err(Fault::new(
                ErrorCode::BadFrame,
                format!("the stream ended {buffered} bytes into a frame"),
            ));
        }
        Ok(())
    }

    fn announced(&self) -> Result<Option<usize>, Fault> {
        let Some(length) = self.bytes.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_FRAME {
            let message = format!("the frame has {length} bytes, at most {MAX_FRAME} are allowed");
            return Err(Fault::new(ErrorCode::FrameTooLong, message));
        }
        Ok(Some(length))
    }
}

/// Prepend the length to the payload of a frame.
pub fn encode_frame(payload: &[u8]) -> Result<Vec<u8>, Fault> {
    let too_long = || Fault::new(ErrorCode::FrameTooLong, "the reply exceeds a frame");
    let length = u32::try_from(payload.len()).map_err(|_| too_long())?;
    if payload.len() > MAX_FRAME {
        return Err(too_long());
    }
    let mut frame = Vec::with_capacity(LENGTH_BYTES + payload.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(payload);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames are read complete and in order, however the stream is split.
    #[test]
    fn frames_are_read_from_any_split() {
        let stream = [
            encode_frame(b"one").unwrap(),
            encode_frame(b"").unwrap(),
            encode_frame(b"three").unwrap(),
        ]
        .concat();
        for size in 1..=stream.len() {
            let mut reader = FrameReader::default();
            let mut frames = Vec::new();
            for piece in stream.chunks(size) {
                reader.push(piece);
                while let Some(frame) = reader.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            assert_eq!(vec![b"one".to_vec(), Vec::new(), b"three".to_vec()], frames);
            assert_eq!(Ok(()), reader.finish());
        }
    }

    /// A frame that is too long is refused once its length is read.
    #[test]
    fn too_long_frames_are_refused_by_their_length() {
        let mut reader = FrameReader::default();
        reader.push(&[0x04, 0x00, 0x00, 0x01]);
        assert_eq!(
            ErrorCode::FrameTooLong,
            reader.next_frame().unwrap_err().code
        );
    }

    /// A stream that ends inside a frame is an error.
    #[test]
    fn truncated_frames_are_detected() {
        let mut reader = FrameReader::default();
        reader.push(&[0, 0, 0]);
        assert_eq!(Ok(None), reader.next_frame());
        assert_eq!(ErrorCode::BadFrame, reader.finish().unwrap_err().code);
    }
}
