//! The protocol's reasons to end a connection, as they are counted.

use edge_http::http2::CutoffReason;
use edge_observe::Http2Cutoff;

/// The name that a reason has in events and statistics.
pub(super) fn observed(reason: CutoffReason) -> Http2Cutoff {
    match reason {
        CutoffReason::CompressionMalformed => Http2Cutoff::CompressionMalformed,
        CutoffReason::ContinuationFlood => Http2Cutoff::ContinuationFlood,
        CutoffReason::EmptyDataFlood => Http2Cutoff::EmptyDataFlood,
        CutoffReason::FlowControlViolated => Http2Cutoff::FlowControlViolated,
        CutoffReason::FrameSizeWrong => Http2Cutoff::FrameSizeWrong,
        CutoffReason::HeaderBomb => Http2Cutoff::HeaderBomb,
        CutoffReason::HeaderTimeout => Http2Cutoff::HeaderTimeout,
        CutoffReason::PingFlood => Http2Cutoff::PingFlood,
        CutoffReason::PriorityFlood => Http2Cutoff::PriorityFlood,
        CutoffReason::ProtocolViolated => Http2Cutoff::ProtocolViolated,
        CutoffReason::RapidReset => Http2Cutoff::RapidReset,
        CutoffReason::SettingsFlood => Http2Cutoff::SettingsFlood,
        CutoffReason::StreamClosed => Http2Cutoff::StreamClosed,
        CutoffReason::TooManyStreams => Http2Cutoff::TooManyStreams,
        CutoffReason::WindowStalled => Http2Cutoff::WindowStalled,
        CutoffReason::WindowUpdateFlood => Http2Cutoff::WindowUpdateFlood,
    }
}
