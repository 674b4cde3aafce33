//! The connection's end, announced in GOAWAY (RFC 9113 §6.8).
//!
//! ```text
//! Open ──announce──► Announced ──the ping comes back, or finish──► Final
//!   └────────────────────── finish, abort ───────────────────────────┘
//! ```

use super::frame::ErrorCode;
use super::frame_writer::FrameWriter;
use super::settings::LARGEST_WINDOW;

/// The ping that follows a first GOAWAY, to learn when the client has read it.
const PING: [u8; 8] = *b"goodbye!";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Announced,
    Final,
}

/// How far the shutdown has come.
#[derive(Debug)]
pub(super) struct Shutdown {
    phase: Phase,
    /// The highest stream that is taken.
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
    /// Whether a stream of that number is still taken.
    pub(super) fn accepts(&self, stream: u32) -> bool {
        stream <= self.last_stream
    }

    /// Whether anything of it was said.
    pub(super) fn has_begun(&self) -> bool {
        self.phase != Phase::Open
    }

    /// Whether no stream is taken any more.
    pub(super) fn is_final(&self) -> bool {
        self.phase == Phase::Final
    }

    /// Say that the end is near; what the client sends until it reads that is still taken.
    pub(super) fn announce(&mut self, writer: &mut FrameWriter) {
        if self.phase == Phase::Open {
            self.phase = Phase::Announced;
            writer.go_away(LARGEST_WINDOW, ErrorCode::NO_ERROR);
            writer.ping(PING);
        }
    }

    /// Whether this answer to a ping shows that the client has read the announcement.
    pub(super) fn is_acknowledged_by(&self, ping: [u8; 8]) -> bool {
        self.phase == Phase::Announced && ping == PING
    }

    /// Take no stream above this one, the last that was opened.
    pub(super) fn finish(&mut self, last_stream: u32, writer: &mut FrameWriter) {
        if self.phase != Phase::Final {
            self.abort(last_stream, ErrorCode::NO_ERROR, writer);
        }
    }

    /// End the connection for that reason, whatever was said before.
    pub(super) fn abort(&mut self, last_stream: u32, code: ErrorCode, writer: &mut FrameWriter) {
        (self.phase, self.last_stream) = (Phase::Final, last_stream);
        writer.go_away(last_stream, code);
    }
}
