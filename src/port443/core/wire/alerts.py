"""Alerts (RFC 8446 §6), by their code points.

Source: the IANA registry "TLS Alerts", as of 2025-11; written down by hand from the RFCs it names.
"""

from dataclasses import dataclass

from port443.core.wire.reading import Malformed

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    117: "general_error",
    120: "no_application_protocol",
    121: "ech_required",
}
WARNING, FATAL = 1, 2


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as received."""

    level: int
    description: int

    @classmethod
    def parse(cls, content: bytes) -> "Alert":
        """Read the two bytes of an alert."""
        if len(content) != 2:
            raise Malformed(f"an alert of {len(content)} bytes came, two are due")
        return cls(content[0], content[1])

    def encode(self) -> bytes:
        return bytes((self.level, self.description))

    @property
    def name(self) -> str:
        return ALERTS.get(self.description, f"alert_{self.description}")

    @property
    def ends_connection(self) -> bool:
        """Whether nothing can follow; in TLS 1.3 the level has no meaning (RFC 8446 §6)."""
        return self.level != WARNING or self.name == "close_notify"


USER_CANCELED = Alert(WARNING, 90)
CLOSE_NOTIFY = Alert(WARNING, 0)
