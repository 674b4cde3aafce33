//! Why a whole connection is ended by us.

use super::frame::ErrorCode;

macro_rules! cutoffs {
    ($($(#[$doc:meta])* $name:ident = $code:ident,)+) => {
        /// What a client did that no connection survives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CutoffReason {
            $($(#[$doc])* $name,)+
        }

        impl CutoffReason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code that GOAWAY says.
            #[must_use]
            pub fn code(self) -> ErrorCode {
                match self { $(Self::$name => ErrorCode::$code),+ }
            }
        }
    };
}

cutoffs! {
    /// More frames of a header block than any header needs.
    ContinuationFlood = ENHANCE_YOUR_CALM,
    /// A header block that cannot be read.
    CompressionMalformed = COMPRESSION_ERROR,
    /// DATA frames that carry nothing.
    EmptyDataFlood = ENHANCE_YOUR_CALM,
    /// More than the windows allow, or a window beyond its largest size.
    FlowControlViolated = FLOW_CONTROL_ERROR,
    /// A frame that is longer than we said, or not as long as its type says.
    FrameSizeWrong = FRAME_SIZE_ERROR,
    /// A header block that says far more than the limit.
    HeaderBomb = ENHANCE_YOUR_CALM,
    /// A header block, or a frame that is none of a body, that does not become whole.
    HeaderTimeout = ENHANCE_YOUR_CALM,
    /// Pings without end.
    PingFlood = ENHANCE_YOUR_CALM,
    /// Priorities, and frames of unknown types, without end.
    PriorityFlood = ENHANCE_YOUR_CALM,
    /// A frame that may not come here.
    ProtocolViolated = PROTOCOL_ERROR,
    /// Streams that end as soon as they begin (CVE-2023-44487, CVE-2025-8671).
    RapidReset = ENHANCE_YOUR_CALM,
    /// Settings without end.
    SettingsFlood = ENHANCE_YOUR_CALM,
    /// A frame on a stream that was closed before.
    StreamClosed = STREAM_CLOSED,
    /// More streams at once than we said, again and again.
    TooManyStreams = ENHANCE_YOUR_CALM,
    /// A response waited too long for the client's window.
    WindowStalled = ENHANCE_YOUR_CALM,
    /// Windows that grow by crumbs without end.
    WindowUpdateFlood = ENHANCE_YOUR_CALM,
}

/// The end of a connection, by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// Why.
    pub reason: CutoffReason,
}

impl From<CutoffReason> for Cutoff {
    fn from(reason: CutoffReason) -> Self {
        Self { reason }
    }
}
