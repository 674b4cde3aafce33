//! Frames as they come, each with the descriptors that came on its bytes.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use edge_contract::{ErrorCode, Fault, FrameReader};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::descriptors::{MAX_DESCRIPTORS, receive};

const BUFFER_BYTES: usize = 65_536;
/// The longest silence in the middle of a frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// A frame, and the descriptors that came with it.
pub(super) struct Message {
    pub(super) frame: Vec<u8>,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Cuts a client's stream into messages.
///
/// The kernel hands descriptors out with the last bytes of one read. So those of the newest read
/// belong to the last frame of that read, whole or not, and those of earlier reads to the frame
/// that was not whole then.
pub(super) struct Inbox {
    reader: FrameReader,
    buffer: Box<[u8]>,
    earlier: Vec<OwnedFd>,
    newest: Vec<OwnedFd>,
}

impl Default for Inbox {
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

impl Inbox {
    /// The next message; nothing when the client has gone between two frames.
    pub(super) async fn next(&mut self, stream: &UnixStream) -> Result<Option<Message>, Fault> {
        loop {
            if let Some(frame) = self.reader.next_frame()? {
                return Ok(Some(Message {
                    frame,
                    descriptors: self.claim(),
                }));
            }
            if self.read(stream).await? == 0 {
                return self.reader.finish().map(|()| None);
            }
        }
    }

    fn claim(&mut self) -> Vec<OwnedFd> {
        let mut claimed = std::mem::take(&mut self.earlier);
        if !self.reader.is_inside() {
            claimed.append(&mut self.newest);
        }
        claimed
    }

    async fn read(&mut self, stream: &UnixStream) -> Result<usize, Fault> {
        self.earlier.append(&mut self.newest);
        // One more than may ever be asked for: a client that sends more only gets a refusal.
        self.earlier.truncate(MAX_DESCRIPTORS + 1);
        let (buffer, newest) = (&mut self.buffer, &mut self.newest);
        let reading = stream.async_io(Interest::READABLE, || receive(stream, buffer, newest));
        let count = if self.reader.is_inside() {
            timeout(PATIENCE, reading)
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
