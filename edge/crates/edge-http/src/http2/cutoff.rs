//! The end of a whole connection, by us.

use edge_contract::Http2Cutoff;

use super::frame::ErrorCode;

/// The end of a connection, by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// What the client did that no connection survives.
    pub reason: Http2Cutoff,
}

impl From<Http2Cutoff> for Cutoff {
    fn from(reason: Http2Cutoff) -> Self {
        Self { reason }
    }
}

impl Cutoff {
    /// The code that GOAWAY carries (RFC 9113 §7): one of its own where a rule of the protocol was
    /// broken, and the one for too much of what is allowed.
    pub(super) fn code(self) -> ErrorCode {
        match self.reason {
            Http2Cutoff::CompressionMalformed => ErrorCode::COMPRESSION_ERROR,
            Http2Cutoff::FlowControlViolated => ErrorCode::FLOW_CONTROL_ERROR,
            Http2Cutoff::FrameSizeWrong => ErrorCode::FRAME_SIZE_ERROR,
            Http2Cutoff::ProtocolViolated => ErrorCode::PROTOCOL_ERROR,
            Http2Cutoff::StreamClosed => ErrorCode::STREAM_CLOSED,
            Http2Cutoff::ContinuationFlood
            | Http2Cutoff::EmptyDataFlood
            | Http2Cutoff::HeaderBomb
            | Http2Cutoff::HeaderTimeout
            | Http2Cutoff::PingFlood
            | Http2Cutoff::PriorityFlood
            | Http2Cutoff::RapidReset
            | Http2Cutoff::SettingsFlood
            | Http2Cutoff::TooManyStreams
            | Http2Cutoff::WindowStalled
            | Http2Cutoff::WindowUpdateFlood => ErrorCode::ENHANCE_YOUR_CALM,
        }
    }
}
