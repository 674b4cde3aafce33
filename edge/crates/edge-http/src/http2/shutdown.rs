//! The graceful shutdown of a connection by GOAWAY (RFC 9113 §6.8).
//!
//! ```text
//! Open ──announce──► Announced ──PING acknowledged, or finish──► Final
//!   └────────────────────── finish, abort ─────────────────────────┘
//! ```

use super::frame::ErrorCode;
use super::frame_writer::FrameWriter;
use super::settings::MAX_WINDOW;

/// The payload of the PING after the first GOAWAY, whose acknowledgement shows that the client has read both.
const PING: [u8; 8] = *b"goodbye!";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Announced,
    Final,
}

/// The state of the shutdown.
#[derive(Debug)]
pub(super) struct Shutdown {
    phase: Phase,
    /// The highest stream that is accepted.
    last_stream: u32,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            phase: Phase::Open,
            last_stream: u32::MAX,
        }
    }
}

impl Shutdown {
    /// Whether a stream with this number is still accepted.
    pub(super) fn accepts(&self, stream: u32) -> bool {
        stream <= self.last_stream
    }

    /// Whether a GOAWAY was sent.
    pub(super) fn has_begun(&self) -> bool {
        self.phase != Phase::Open
    }

    /// Whether no stream is accepted any more.
    pub(super) fn is_final(&self) -> bool {
        self.phase == Phase::Final
    }

    /// Announce the shutdown. Streams that the client opens before it reads that are still accepted.
    pub(super) fn announce(&mut self, writer: &mut FrameWriter) {
        if self.phase == Phase::Open {
            self.phase = Phase::Announced;
            writer.go_away(MAX_WINDOW, ErrorCode::NO_ERROR);
            writer.ping(PING);
        }
    }

    /// Whether this PING acknowledgement shows that the client has read the announcement.
    pub(super) fn is_acknowledged_by(&self, ping: [u8; 8]) -> bool {
        self.phase == Phase::Announced && ping == PING
    }

    /// Accept no streams after the last one that was opened.
    pub(super) fn finish(&mut self, last_stream: u32, writer: &mut FrameWriter) {
        if self.phase != Phase::Final {
            self.abort(last_stream, ErrorCode::NO_ERROR, writer);
        }
    }

    /// End the connection with this error code, in any phase.
    pub(super) fn abort(&mut self, last_stream: u32, code: ErrorCode, writer: &mut FrameWriter) {
        (self.phase, self.last_stream) = (Phase::Final, last_stream);
        writer.go_away(last_stream, code);
    }
}
