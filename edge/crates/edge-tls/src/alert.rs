//! TLS alerts (RFC 8446 §6): their numbers, their names, and the record of an unencrypted one.

/// The description of an alert: its number in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// The sender will send no more.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message or record that is not allowed at this point.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// A record that cannot be decrypted.
    pub const BAD_RECORD_MAC: Self = Self(20);
    /// A record that is too long.
    pub const RECORD_OVERFLOW: Self = Self(22);
    /// No acceptable set of parameters.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A field that is inconsistent with another or out of range.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// A message that cannot be decoded.
    pub const DECODE_ERROR: Self = Self(50);
    /// A signature or a Finished that is wrong.
    pub const DECRYPT_ERROR: Self = Self(51);
    /// No version in common.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// An error of the sender itself.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// A fallback to an older version than necessary (RFC 7507 §3).
    pub const INAPPROPRIATE_FALLBACK: Self = Self(86);
    /// The user canceled the handshake.
    pub const USER_CANCELED: Self = Self(90);
    /// A required extension is missing (RFC 8446 §9.2).
    pub const MISSING_EXTENSION: Self = Self(109);
    /// An extension that was not requested.
    pub const UNSUPPORTED_EXTENSION: Self = Self(110);
    /// No site has the server name.
    pub const UNRECOGNIZED_NAME: Self = Self(112);
    /// The site requires a client certificate (TLS 1.3 only).
    pub const CERTIFICATE_REQUIRED: Self = Self(116);
    /// No ALPN protocol in common (RFC 7301 §3.2).
    pub const NO_APPLICATION_PROTOCOL: Self = Self(120);

    /// The alert's name in the IANA registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(number, _)| *number == self.0)
            .map_or("unassigned_alert", |(_, name)| name)
    }

    /// The detail of an event for an alert of the client. The `alert` of events is only that of the edge.
    pub(crate) fn received_detail(self) -> String {
        format!("the client sent the alert {}", self.name())
    }

    /// Whether it means that a client rejects the certificate.
    #[must_use]
    pub fn rejects_certificate(self) -> bool {
        matches!(self.0, 42..=46 | 48 | 113)
    }
}

/// A violation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The alert that the RFC requires for it.
    pub alert: Alert,
    /// The cause as text.
    pub detail: &'static str,
}

impl Alert {
    /// A violation with this alert.
    pub(crate) const fn violation(self, detail: &'static str) -> Violation {
        Violation {
            alert: self,
            detail,
        }
    }

    /// The level and the description.
    pub(crate) fn encoded(self) -> [u8; 2] {
        // RFC 8446 §6: all but close_notify are fatal.
        [if self == Self::CLOSE_NOTIFY { 1 } else { 2 }, self.0]
    }
}

/// The names of the IANA registry "TLS Alerts", including those of older versions.
const NAMES: [(u8, &str); 34] = [
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

/// The record of an unencrypted alert.
#[must_use]
pub fn alert_record(alert: Alert) -> [u8; 7] {
    // RFC 8446 §5.1: the record's version is 0x0303 whatever version is negotiated.
    let [level, description] = alert.encoded();
    [21, 3, 3, 0, 2, level, description]
}

/// The alert in an unencrypted record, if it contains one.
pub(crate) fn unencrypted_alert(record: &[u8]) -> Option<Alert> {
    match record {
        [21, 3, _, 0, 2, 1 | 2, description] => Some(Alert(*description)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_record_parses_to_the_same_alert() {
        assert_eq!(
            Some(Alert::UNRECOGNIZED_NAME),
            unencrypted_alert(&alert_record(Alert::UNRECOGNIZED_NAME))
        );
    }

    #[test]
    fn alerts_that_reject_a_certificate_are_recognized() {
        let rejecting: Vec<_> = NAMES
            .iter()
            .filter(|(number, _)| Alert(*number).rejects_certificate())
            .map(|(_, name)| *name)
            .collect();
        let expected = [
            "bad_certificate",
            "unsupported_certificate",
            "certificate_revoked",
            "certificate_expired",
            "certificate_unknown",
            "unknown_ca",
            "bad_certificate_status_response",
        ];
        assert_eq!(expected.as_slice(), rejecting);
    }

    #[test]
    fn an_unknown_number_has_a_name() {
        assert_eq!("unassigned_alert", Alert(200).name());
    }
}
