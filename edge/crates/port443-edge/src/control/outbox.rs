//! Answers on their way out, for as long as the client reads.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use edge_contract::{ErrorReply, Fault, encode_frame};
use serde::Serialize;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::descriptors::send;

/// How long a client may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One answer: bytes, and descriptors that go with them.
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Outgoing {
    /// Frame an answer.
    pub(super) fn new<T: Serialize>(reply: &T, descriptors: Vec<OwnedFd>) -> Result<Self, Fault> {
        use edge_contract::ErrorCode::Internal;
        let text =
            serde_json::to_vec(reply).map_err(|error| Fault::new(Internal, error.to_string()))?;
        Ok(Self {
            bytes: encode_frame(&text)?,
            descriptors,
        })
    }

    /// Send all of it, unless the client stops reading.
    pub(super) async fn send(&self, stream: &UnixStream) -> io::Result<()> {
        match timeout(PATIENCE, self.send_all(stream)).await {
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
            // They went with the first byte.
            descriptors.clear();
        }
        Ok(())
    }
}

/// Send a refusal.
pub(super) async fn refuse(stream: &UnixStream, fault: Fault) -> io::Result<()> {
    match Outgoing::new(&ErrorReply::from(fault), Vec::new()) {
        Ok(refusal) => refusal.send(stream).await,
        Err(fault) => Err(io::Error::other(fault)),
    }
}
