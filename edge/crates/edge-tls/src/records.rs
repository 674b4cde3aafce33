//! Checking each record before rustls sees it: rustls accepts some that must be refused, and refuses
//! others without the alert that the RFC requires.

use rustls::ProtocolVersion;

use crate::alert::{Alert, Violation, unencrypted_alert};
use crate::fault::Fault;

pub(crate) const HEADER: usize = 5;
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// RFC 8446 §5.1 and §5.2: the longest content of a record in bytes, unencrypted and encrypted. TLS 1.2
/// allows longer ones, which the supported suites do not produce.
const MAX_UNENCRYPTED: usize = 1 << 14;
const MAX_ENCRYPTED: usize = MAX_UNENCRYPTED + 256;
/// The most `change_cipher_spec` records that are ignored; the RFC sets no limit.
const MAX_CHANGES: u8 = 32;

/// The state of the connection on which the check depends.
#[derive(Clone, Copy)]
pub(crate) struct Phase {
    /// The version, once it is negotiated.
    pub(crate) version: Option<ProtocolVersion>,
    /// Whether the client encrypts.
    pub(crate) is_encrypted: bool,
    /// Whether the client's Finished has not been received.
    pub(crate) is_handshaking: bool,
    /// Whether the last handshake message is incomplete.
    pub(crate) is_split: bool,
}

/// What to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordAction {
    Pass,
    Drop,
}

/// The length of the content from a record header.
pub(crate) fn content_length(header: [u8; HEADER]) -> Result<usize, Violation> {
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if header[0] == APPLICATION_DATA && header[1] == 3 && length <= MAX_ENCRYPTED {
        return Ok(length);
    }
    match header[0] {
        CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA => {}
        _ => return Err(Alert::UNEXPECTED_MESSAGE.violation("a record of an unknown type")), // §5.
    }
    if header[1] != 3 {
        return Err(Alert::PROTOCOL_VERSION.violation("a record of an unknown major version"));
    }
    if length > MAX_ENCRYPTED {
        return Err(Alert::RECORD_OVERFLOW.violation("a record of more than 16,640 bytes"));
    }
    if length == 0 {
        return Err(Alert::UNEXPECTED_MESSAGE.violation("an empty record"));
    }
    Ok(length)
}

/// Check a complete record; `changes` counts the `change_cipher_spec` records that were ignored.
pub(crate) fn check(record: &[u8], phase: Phase, changes: &mut u8) -> Result<RecordAction, Fault> {
    let Some((header, content)) = record.split_at_checked(HEADER) else {
        return Ok(RecordAction::Pass);
    };
    let is_tls13 = phase.version == Some(ProtocolVersion::TLSv1_3);
    let is_clear = !phase.is_encrypted || is_tls13 && header[0] != APPLICATION_DATA;
    if header[0] != APPLICATION_DATA && is_clear && content.len() > MAX_UNENCRYPTED {
        return Err(Alert::RECORD_OVERFLOW
            .violation("a record of more than 16,384 bytes")
            .into());
    }
    if let (true, true, Some(alert)) = (phase.is_handshaking, is_clear, unencrypted_alert(record)) {
        return check_alert(alert, phase);
    }
    let message_type = if phase.is_encrypted && is_tls13 {
        APPLICATION_DATA
    } else {
        HANDSHAKE
    };
    if phase.is_split && header[0] != message_type {
        let detail = "a record in the middle of a handshake message"; // RFC 8446 §5.1.
        return Err(Alert::UNEXPECTED_MESSAGE.violation(detail).into());
    }
    match header[0] {
        CHANGE_CIPHER_SPEC if is_tls13 && phase.is_handshaking => {
            check_change_cipher_spec(content, changes)
        }
        HANDSHAKE if is_tls13 && phase.is_encrypted => {
            let detail = "an unencrypted handshake message where it must be encrypted";
            Err(Alert::UNEXPECTED_MESSAGE.violation(detail).into())
        }
        ALERT if is_tls13 && phase.is_encrypted => {
            let detail = "an unencrypted alert where it must be encrypted";
            Err(Alert::UNEXPECTED_MESSAGE.violation(detail).into())
        }
        _ => Ok(RecordAction::Pass),
    }
}

/// Check an unencrypted alert before the end of the handshake.
fn check_alert(alert: Alert, phase: Phase) -> Result<RecordAction, Fault> {
    match alert {
        Alert::CLOSE_NOTIFY => Err(Fault::ClosedByClient),
        _ if phase.is_split => Err(rustls::Error::AlertReceived(alert.0.into()).into()),
        _ => Ok(RecordAction::Pass),
    }
}

/// RFC 8446 §5: the record of middlebox compatibility mode is ignored.
fn check_change_cipher_spec(content: &[u8], changes: &mut u8) -> Result<RecordAction, Fault> {
    *changes += 1;
    let detail = if content != [1] {
        "a change_cipher_spec with unknown content"
    } else if *changes > MAX_CHANGES {
        "too many change_cipher_spec records"
    } else {
        return Ok(RecordAction::Drop);
    };
    Err(Alert::UNEXPECTED_MESSAGE.violation(detail).into())
}
