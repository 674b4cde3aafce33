//! What a client is answered whose request is refused: a status, and a sentence for the page.

use crate::generated::RequestRefusal;

impl RequestRefusal {
    /// The status that the client is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.answer().0
    }

    /// Whether the request is malformed: nobody may act on it, and its sender breaks the
    /// protocol (RFC 9112 §2.2, RFC 9113 §8.1.1).
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        self.status() == 400
    }

    /// What is wrong, in one plain sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.answer().1
    }

    const fn answer(self) -> (u16, &'static str) {
        match self {
            Self::BareCr => (400, "A line holds a carriage return that does not end it."),
            Self::BareLf => (400, "A line ends in a line feed alone."),
            Self::BodyMalformed => (400, "The request's body does not keep to its framing."),
            Self::BodyTooLarge => (413, "The request's body is larger than this site takes."),
            Self::BodyTimeout => (408, "The request's body did not arrive in time."),
            Self::ConnectionFieldForbidden => {
                (400, "The request has a header that HTTP/2 forbids.")
            }
            Self::ExpectationUnsupported => (417, "This server does not meet that expectation."),
            Self::FieldNameMalformed => (400, "A header line has no valid name."),
            Self::FieldValueMalformed => (400, "A header value holds a control byte."),
            Self::FieldsTooLarge => (431, "The request's header is too large."),
            Self::HeaderTimeout => (408, "The request's header did not arrive in time."),
            Self::HostDiffers => (400, "The Host header differs from the request's target."),
            Self::HostMalformed => (400, "The Host header holds no valid host."),
            Self::HostMissing => (400, "The request has no Host header."),
            Self::HostRepeated => (400, "The request has several Host headers."),
            Self::LengthMalformed => (400, "The Content-Length header holds no valid number."),
            Self::LengthRepeated => (400, "The request has several Content-Length headers."),
            Self::LengthWithTransferEncoding => (
                400,
                "The request has both Content-Length and Transfer-Encoding.",
            ),
            Self::LineFolded => (400, "A header line is folded."),
            Self::MethodMalformed => (400, "The request's method is malformed."),
            Self::MethodUnsupported => (501, "This server does not implement the method."),
            Self::Misdirected => (421, "This connection does not serve the requested host."),
            Self::PseudoFieldMalformed => (400, "The request's pseudo-headers are malformed."),
            Self::RequestLineMalformed => (400, "The request line is malformed."),
            Self::RequestTimeout => (408, "The request took longer than this server allows."),
            Self::SpaceBeforeColon => (400, "A header name is followed by white space."),
            Self::TargetMalformed => (400, "The request's target is malformed."),
            Self::TargetTooLong => (414, "The request's target is too long."),
            Self::TransferCodingUnsupported => {
                (501, "This server does not implement the transfer coding.")
            }
            Self::TransferEncodingMalformed => (400, "The Transfer-Encoding header is malformed."),
            Self::VersionUnsupported => (505, "This server does not speak that version of HTTP."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_status_of_an_error_and_a_sentence() {
        for refusal in RequestRefusal::ALL {
            assert!((400..600).contains(&refusal.status()), "{refusal:?}");
            assert!(refusal.sentence().ends_with('.'), "{refusal:?}");
        }
    }
}
