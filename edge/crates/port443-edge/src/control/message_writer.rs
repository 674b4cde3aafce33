//! Writing replies to the control socket, within a time limit.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use edge_contract::{ErrorReply, Fault, encode_frame};
use serde::Serialize;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::descriptors::send;

/// The longest time for a client to read a reply.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// One reply: its frame, and the descriptors to send with it.
pub(super) struct OutgoingMessage {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl OutgoingMessage {
    /// Encode a reply as a frame.
    pub(super) fn new<T: Serialize>(reply: &T, descriptors: Vec<OwnedFd>) -> Result<Self, Fault> {
        use edge_contract::ErrorCode::Internal;
        let text =
            serde_json::to_vec(reply).map_err(|error| Fault::new(Internal, error.to_string()))?;
        Ok(Self {
            bytes: encode_frame(&text)?,
            descriptors,
        })
    }

    /// Send the whole frame. Fails with `TimedOut` if the client does not read it.
    pub(super) async fn send(&self, stream: &UnixStream) -> io::Result<()> {
        match timeout(WRITE_TIMEOUT, self.send_all(stream)).await {
            Ok(sent) => sent,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn send_all(&self, stream: &UnixStream) -> io::Result<()> {
        let mut descriptors: Vec<_> = self.descriptors.iter().map(OwnedFd::as_fd).collect();
        let mut sent = 0;
        while sent < self.bytes.len() {
            let rest = &self.bytes[sent..];
            sent += stream
                .async_io(Interest::WRITABLE, || send(stream, rest, &descriptors))
                .await?;
            // Descriptors are sent with the first byte.
            descriptors.clear();
        }
        Ok(())
    }
}

/// Send an error reply.
pub(super) async fn refuse(stream: &UnixStream, fault: Fault) -> io::Result<()> {
    match OutgoingMessage::new(&ErrorReply::from(fault), Vec::new()) {
        Ok(reply) => reply.send(stream).await,
        Err(fault) => Err(io::Error::other(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that nobody reads is given up in time: time runs on its own while nothing can be sent.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_reading_is_cut_off() -> io::Result<()> {
        let (stream, _unread) = UnixStream::pair()?;
        let answer = OutgoingMessage {
            bytes: vec![0; 64 << 20],
            descriptors: Vec::new(),
        };
        let begun = tokio::time::Instant::now();
        let sent = answer.send(&stream).await;
        let error = sent.err().map(|error| error.kind());
        assert_eq!(Some(io::ErrorKind::TimedOut), error);
        assert_eq!(WRITE_TIMEOUT, begun.elapsed());
        Ok(())
    }
}
