//! Reading frames from the control socket, each with the file descriptors that were sent with it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use edge_contract::{ErrorCode, Fault, FrameReader};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::descriptors::{MAX_DESCRIPTORS, receive};

const BUFFER_BYTES: usize = 65_536;
/// The longest wait for more bytes of a frame that has begun.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A frame and its descriptors.
pub(super) struct Message {
    pub(super) frame: Vec<u8>,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Splits a client's byte stream into messages.
///
/// A read never returns bytes beyond those that descriptors were attached to (unix(7)). The
/// descriptors of the latest read therefore belong to the last frame of that read, complete or not, and
/// those of earlier reads to the frame that was incomplete then.
pub(super) struct MessageReader {
    reader: FrameReader,
    buffer: Box<[u8]>,
    earlier: Vec<OwnedFd>,
    newest: Vec<OwnedFd>,
}

impl Default for MessageReader {
    fn default() -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self {
            reader: FrameReader::default(),
            buffer,
            earlier: Vec::new(),
            newest: Vec::new(),
        }
    }
}

impl MessageReader {
    /// The next message; `None` if the client closed the connection between two frames.
    pub(super) async fn next(&mut self, stream: &UnixStream) -> Result<Option<Message>, Fault> {
        loop {
            if let Some(frame) = self.reader.next_frame()? {
                return Ok(Some(Message {
                    frame,
                    descriptors: self.take_descriptors(),
                }));
            }
            if self.read(stream).await? == 0 {
                return self.reader.finish().map(|()| None);
            }
        }
    }

    fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        let mut descriptors = std::mem::take(&mut self.earlier);
        if !self.reader.is_inside() {
            descriptors.append(&mut self.newest);
        }
        descriptors
    }

    async fn read(&mut self, stream: &UnixStream) -> Result<usize, Fault> {
        self.earlier.append(&mut self.newest);
        // One more than any request may have, which is enough to refuse the request.
        self.earlier.truncate(MAX_DESCRIPTORS + 1);
        let (buffer, newest) = (&mut self.buffer, &mut self.newest);
        let reading = stream.async_io(Interest::READABLE, || receive(stream, buffer, newest));
        let count = if self.reader.is_inside() {
            timeout(READ_TIMEOUT, reading)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        } else {
            reading.await
        };
        let count = count.map_err(|error| Fault::new(ErrorCode::BadFrame, error.to_string()))?;
        self.reader.push(&self.buffer[..count]);
        Ok(count)
    }
}
