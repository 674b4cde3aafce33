//! TLS alerts (RFC 8446 §6): their numbers, their names, and the record of one sent in clear.

/// The description of an alert: its number in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// The peer is done and says so.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message or record where it may not come.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// A record that cannot be opened.
    pub const BAD_RECORD_MAC: Self = Self(20);
    /// A record that is too long.
    pub const RECORD_OVERFLOW: Self = Self(22);
    /// No acceptable set of parameters.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A field that contradicts another or is out of its range.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// A message that cannot be decoded.
    pub const DECODE_ERROR: Self = Self(50);
    /// A signature or a Finished that is wrong.
    pub const DECRYPT_ERROR: Self = Self(51);
    /// No version in common.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// Something that only we are to blame for.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// A hello of an older version than the client could have been served with (RFC 7507 §3).
    pub const INAPPROPRIATE_FALLBACK: Self = Self(86);
    /// The user gave up.
    pub const USER_CANCELED: Self = Self(90);
    /// An extension that must be there is not (RFC 8446 §9.2).
    pub const MISSING_EXTENSION: Self = Self(109);
    /// An extension that was not asked for.
    pub const UNSUPPORTED_EXTENSION: Self = Self(110);
    /// No site has the name that was asked for.
    pub const UNRECOGNIZED_NAME: Self = Self(112);
    /// The site wants a certificate (TLS 1.3 only).
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

    /// Who sent it, where that was the client: events name by themselves what we sent alone.
    pub(crate) fn as_heard(self) -> String {
        format!("the client sent the alert {}", self.name())
    }

    /// Whether a client says with it that it does not accept our certificate.
    #[must_use]
    pub fn rejects_certificate(self) -> bool {
        matches!(self.0, 42..=46 | 48 | 113)
    }
}

/// A breach of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The alert that the RFC names for it.
    pub alert: Alert,
    /// What is wrong, in words.
    pub what: &'static str,
}

impl Alert {
    /// The breach that this alert answers.
    pub(crate) const fn of(self, what: &'static str) -> Violation {
        Violation { alert: self, what }
    }

    /// The level and the description, as they are sent.
    pub(crate) fn encoded(self) -> [u8; 2] {
        // RFC 8446 §6: all but close_notify are fatal.
        [if self == Self::CLOSE_NOTIFY { 1 } else { 2 }, self.0]
    }
}

/// IANA "TLS Alerts"; the last four of the 40s and 60 are of older versions but still sent.
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

/// The record of an alert sent before any key exists.
#[must_use]
pub fn alert_record(alert: Alert) -> [u8; 7] {
    // RFC 8446 §5.1: the record's version is 0x0303 whatever comes later.
    let [level, description] = alert.encoded();
    [21, 3, 3, 0, 2, level, description]
}

/// The alert in a record that was sent in clear, when the bytes are one.
pub(crate) fn clear_alert(record: &[u8]) -> Option<Alert> {
    match record {
        [21, 3, _, 0, 2, 1 | 2, description] => Some(Alert(*description)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_record_is_read_back_as_the_same_alert() {
        assert_eq!(
            Some(Alert::UNRECOGNIZED_NAME),
            clear_alert(&alert_record(Alert::UNRECOGNIZED_NAME))
        );
    }

    #[test]
    fn alerts_that_reject_a_certificate_are_told_from_the_others() {
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
    fn an_unknown_number_has_a_name_too() {
        assert_eq!("unassigned_alert", Alert(200).name());
    }
}
