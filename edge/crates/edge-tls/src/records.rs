//! A look at each record before rustls sees it: what rustls takes although it must not, or refuses
//! without the alert that the RFC names.

use rustls::ProtocolVersion;

use crate::alert::{Alert, Violation, clear_alert};
use crate::fault::Fault;

pub(crate) const HEADER: usize = 5;
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// RFC 8446 §5.1 and §5.2: the most that a record holds, in clear and encrypted. In TLS 1.2 more
/// may be added, but none of our suites does.
const MOST_IN_CLEAR: usize = 1 << 14;
const MOST_ENCRYPTED: usize = MOST_IN_CLEAR + 256;
/// As many `change_cipher_spec` as may do nothing; the RFC sets no bound.
const MOST_CHANGES: u8 = 32;

/// What counts for a record beside itself.
#[derive(Clone, Copy)]
pub(crate) struct Phase {
    /// The version, once it is chosen.
    pub(crate) version: Option<ProtocolVersion>,
    /// Whether the client has keys to encrypt with.
    pub(crate) is_encrypted: bool,
    /// Whether the client's Finished is still to come.
    pub(crate) is_handshaking: bool,
    /// Whether the last handshake message has not come to its end.
    pub(crate) is_split: bool,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Drop,
}

/// The length of the content that a header announces, when it may be as long.
pub(crate) fn content_length(header: [u8; HEADER]) -> Result<usize, Violation> {
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if header[0] == APPLICATION_DATA && header[1] == 3 && length <= MOST_ENCRYPTED {
        return Ok(length);
    }
    match header[0] {
        CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA => {}
        _ => return Err(Alert::UNEXPECTED_MESSAGE.of("a record of an unknown type")), // §5.
    }
    if header[1] != 3 {
        return Err(Alert::PROTOCOL_VERSION.of("a record of an unknown major version"));
    }
    if length > MOST_ENCRYPTED {
        return Err(Alert::RECORD_OVERFLOW.of("a record of more than 16,640 bytes"));
    }
    if length == 0 {
        return Err(Alert::UNEXPECTED_MESSAGE.of("an empty record"));
    }
    Ok(length)
}

/// Judge a whole record; `changes` counts those of `change_cipher_spec` that did nothing.
pub(crate) fn judge(record: &[u8], phase: Phase, changes: &mut u8) -> Result<Verdict, Fault> {
    let Some((header, content)) = record.split_at_checked(HEADER) else {
        return Ok(Verdict::Pass);
    };
    let is_tls13 = phase.version == Some(ProtocolVersion::TLSv1_3);
    let is_clear = !phase.is_encrypted || is_tls13 && header[0] != APPLICATION_DATA;
    if header[0] != APPLICATION_DATA && is_clear && content.len() > MOST_IN_CLEAR {
        return Err(Alert::RECORD_OVERFLOW
            .of("a record of more than 16,384 bytes")
            .into());
    }
    if let (true, true, Some(alert)) = (phase.is_handshaking, is_clear, clear_alert(record)) {
        return judge_alert(alert, phase);
    }
    let message_type = if phase.is_encrypted && is_tls13 {
        APPLICATION_DATA
    } else {
        HANDSHAKE
    };
    if phase.is_split && header[0] != message_type {
        let what = "a record in the middle of a handshake message"; // RFC 8446 §5.1.
        return Err(Alert::UNEXPECTED_MESSAGE.of(what).into());
    }
    match header[0] {
        CHANGE_CIPHER_SPEC if is_tls13 && phase.is_handshaking => judge_change(content, changes),
        HANDSHAKE if is_tls13 && phase.is_encrypted => {
            let what = "a handshake message in clear where it must be encrypted";
            Err(Alert::UNEXPECTED_MESSAGE.of(what).into())
        }
        ALERT if is_tls13 && phase.is_encrypted => {
            let what = "an alert in clear where it must be encrypted";
            Err(Alert::UNEXPECTED_MESSAGE.of(what).into())
        }
        _ => Ok(Verdict::Pass),
    }
}

/// An alert in clear before the end of the handshake.
fn judge_alert(alert: Alert, phase: Phase) -> Result<Verdict, Fault> {
    match alert {
        Alert::CLOSE_NOTIFY => Err(Fault::Left),
        _ if phase.is_split => Err(rustls::Error::AlertReceived(alert.0.into()).into()),
        _ => Ok(Verdict::Pass),
    }
}

/// RFC 8446 §5: dropped without further processing, when it is just what middleboxes want to see.
fn judge_change(content: &[u8], changes: &mut u8) -> Result<Verdict, Fault> {
    *changes += 1;
    let what = if content != [1] {
        "a change_cipher_spec of an unknown content"
    } else if *changes > MOST_CHANGES {
        "change_cipher_spec without end"
    } else {
        return Ok(Verdict::Drop);
    };
    Err(Alert::UNEXPECTED_MESSAGE.of(what).into())
}
