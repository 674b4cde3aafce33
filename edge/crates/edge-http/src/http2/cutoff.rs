//! Cutoffs: connection errors, and limits that a client has exceeded.

use edge_contract::Http2Cutoff;

use super::frame::ErrorCode;

/// Why the edge closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// The reason.
    pub reason: Http2Cutoff,
}

impl From<Http2Cutoff> for Cutoff {
    fn from(reason: Http2Cutoff) -> Self {
        Self { reason }
    }
}

impl Cutoff {
    /// The error code of the GOAWAY (RFC 9113 §7): that of the violated rule, or `ENHANCE_YOUR_CALM` if a limit
    /// was exceeded.
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
