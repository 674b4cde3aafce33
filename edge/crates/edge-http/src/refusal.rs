//! Why a request is refused: a stable reason, a status, and a sentence for the page.

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $reason:literal $sentence:literal,)+) => {
        /// Why a request is not passed on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $name,)+
        }

        impl Refusal {
            /// Every refusal there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable name that events carry.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason),+ }
            }

            /// The status that the client is answered with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// Whether the request is malformed: nobody may act on it, and its sender breaks the
            /// protocol (RFC 9112 §2.2, RFC 9113 §8.1.1).
            #[must_use]
            pub fn is_malformed(self) -> bool {
                self.status() == 400
            }

            /// What is wrong, in one plain sentence.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),+ }
            }
        }
    };
}

refusals! {
    /// A carriage return without a line feed.
    BareCr = 400 "bare_cr" "A line holds a carriage return that does not end it.",
    /// A line feed without a carriage return.
    BareLf = 400 "bare_lf" "A line ends in a line feed alone.",
    /// The body ended before its framing said so, or did not keep to the framing.
    BodyMalformed = 400 "body_malformed" "The request's body does not keep to its framing.",
    /// The body is longer than the site takes (RFC 9110 §15.5.14).
    BodyTooLarge = 413 "body_too_large" "The request's body is larger than this site takes.",
    /// The client fell silent in the middle of a body.
    BodyTimeout = 408 "body_timeout" "The request's body did not arrive in time.",
    /// A field of HTTP/1's connections in HTTP/2.
    ConnectionFieldForbidden = 400 "connection_field_forbidden"
        "The request has a header that HTTP/2 forbids.",
    /// An Expect that is not `100-continue`, once.
    ExpectationUnsupported = 417 "expectation_unsupported"
        "This server does not meet that expectation.",
    /// A field line without a name, or with bytes that no name may hold.
    FieldNameMalformed = 400 "field_name_malformed" "A header line has no valid name.",
    /// A field value holds a control byte.
    FieldValueMalformed = 400 "field_value_malformed" "A header value holds a control byte.",
    /// Too many field lines, or too many bytes of them.
    FieldsTooLarge = 431 "fields_too_large" "The request's header is too large.",
    /// The head did not arrive in time.
    HeaderTimeout = 408 "header_timeout" "The request's header did not arrive in time.",
    /// Host and the target of absolute form name different authorities.
    HostDiffers = 400 "host_differs" "The Host header differs from the request's target.",
    /// Host holds no host name or IP address.
    HostMalformed = 400 "host_malformed" "The Host header holds no valid host.",
    /// An HTTP/1.1 request without Host.
    HostMissing = 400 "host_missing" "The request has no Host header.",
    /// More than one Host field.
    HostRepeated = 400 "host_repeated" "The request has several Host headers.",
    /// Content-Length is no number.
    LengthMalformed = 400 "length_malformed" "The Content-Length header holds no valid number.",
    /// More than one Content-Length.
    LengthRepeated = 400 "length_repeated" "The request has several Content-Length headers.",
    /// Content-Length together with Transfer-Encoding.
    LengthWithTransferEncoding = 400 "length_with_transfer_encoding"
        "The request has both Content-Length and Transfer-Encoding.",
    /// A field value folded over several lines.
    LineFolded = 400 "line_folded" "A header line is folded.",
    /// The method holds bytes that no method may hold.
    MethodMalformed = 400 "method_malformed" "The request's method is malformed.",
    /// CONNECT: a reverse proxy makes no tunnels.
    MethodUnsupported = 501 "method_unsupported" "This server does not implement the method.",
    /// The host is none of this connection's.
    Misdirected = 421 "misdirected" "This connection does not serve the requested host.",
    /// Pseudo-fields are missing, repeated, unknown or not in front.
    PseudoFieldMalformed = 400 "pseudo_field_malformed"
        "The request's pseudo-headers are malformed.",
    /// The request line is not `method target version`.
    RequestLineMalformed = 400 "request_line_malformed" "The request line is malformed.",
    /// The request was not answered whole in the time that one may take.
    RequestTimeout = 408 "request_timeout" "The request took longer than this server allows.",
    /// White space between a field's name and its colon.
    SpaceBeforeColon = 400 "space_before_colon" "A header name is followed by white space.",
    /// The target is in none of the forms that the method allows.
    TargetMalformed = 400 "target_malformed" "The request's target is malformed.",
    /// The target is longer than we read.
    TargetTooLong = 414 "target_too_long" "The request's target is too long.",
    /// A transfer coding other than chunked.
    TransferCodingUnsupported = 501 "transfer_coding_unsupported"
        "This server does not implement the transfer coding.",
    /// Transfer-Encoding does not end in one chunked, or the version has none.
    TransferEncodingMalformed = 400 "transfer_encoding_malformed"
        "The Transfer-Encoding header is malformed.",
    /// Neither HTTP/1.0 nor HTTP/1.1.
    VersionUnsupported = 505 "version_unsupported" "This server does not speak that version of HTTP.",
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_reason_of_its_own_and_a_client_or_server_status() {
        let reasons: HashSet<_> = Refusal::ALL
            .iter()
            .map(|refusal| refusal.reason())
            .collect();
        assert_eq!(Refusal::ALL.len(), reasons.len());
        assert!(
            Refusal::ALL
                .iter()
                .all(|refusal| (400..600).contains(&refusal.status()))
        );
    }
}
