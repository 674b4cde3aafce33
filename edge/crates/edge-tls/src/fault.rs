//! What ends a connection, and the alert that is due for it.

use std::fmt;

use edge_contract::TlsFailure;
use rustls::{Error, InvalidMessage, PeerMisbehaved};

use crate::alert::{Alert, Violation};
use crate::hello::HelloError;

/// Why no more can be said over a connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// What rustls found.
    Tls(Error),
    /// What we found before rustls saw it.
    Violation(Violation),
    /// The same in a second hello.
    Hello(HelloError),
    /// The client took its leave before the handshake was over.
    Left,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<HelloError> for Fault {
    fn from(error: HelloError) -> Self {
        Self::Hello(error)
    }
}

impl Fault {
    /// The alert that the client must get, where rustls has sent none.
    pub(crate) fn due_alert(&self) -> Option<Alert> {
        match self {
            Self::Tls(Error::AlertReceived(_)) | Self::Hello(HelloError::Alert(_)) => None,
            Self::Tls(error) => Some(alert_for(error)),
            Self::Violation(violation) | Self::Hello(HelloError::Malformed(violation)) => {
                Some(violation.alert)
            }
            Self::Hello(_) => Some(Alert::DECODE_ERROR),
            // RFC 8446 §6.1: who is told so answers alike.
            Self::Left => Some(Alert::CLOSE_NOTIFY),
        }
    }
}

/// What ended a stream behind its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFault {
    /// The stable reason.
    pub reason: TlsFailure,
    /// What exactly was met, for people.
    pub detail: String,
    /// The alert that the client got from us.
    pub alert: Option<Alert>,
}

impl StreamFault {
    /// The fault as it is told; `sent` is the alert that the client got.
    pub(crate) fn of(fault: &Fault, sent: Option<Alert>) -> Self {
        let (reason, detail) = match (fault, fault.reason()) {
            (Fault::Tls(Error::AlertReceived(description)), _) => {
                let heard = Alert((*description).into());
                (TlsFailure::ClientAlerted, heard.as_heard())
            }
            (_, TlsFailure::RecordUndecryptable) => {
                (TlsFailure::RecordUndecryptable, UNDECRYPTABLE.to_owned())
            }
            (_, reason) => (reason, fault.to_string()),
        };
        Self {
            reason,
            detail,
            alert: sent,
        }
    }
}

/// What a record is that fits no key of the connection.
pub(crate) const UNDECRYPTABLE: &str = "a record cannot be decrypted";

impl Fault {
    fn reason(&self) -> TlsFailure {
        if let Self::Tls(Error::PeerMisbehaved(
            PeerMisbehaved::TooManyEmptyFragments
            | PeerMisbehaved::TooManyKeyUpdateRequests
            | PeerMisbehaved::TooManyRenegotiationRequests
            | PeerMisbehaved::TooManyWarningAlertsReceived,
        )) = self
        {
            return TlsFailure::MessageFlood;
        }
        match self.due_alert() {
            Some(Alert::BAD_RECORD_MAC) => TlsFailure::RecordUndecryptable,
            Some(Alert::UNEXPECTED_MESSAGE) => TlsFailure::MessageForbidden,
            Some(Alert::INTERNAL_ERROR) => TlsFailure::TlsInternal,
            _ => TlsFailure::RecordMalformed,
        }
    }
}

/// RFC 8446 §6.2 for the errors that rustls ends connections with and sends no alert.
fn alert_for(error: &Error) -> Alert {
    match error {
        Error::InvalidMessage(InvalidMessage::MessageTooLarge) | Error::PeerSentOversizedRecord => {
            Alert::RECORD_OVERFLOW
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => Alert::UNEXPECTED_MESSAGE,
        Error::InvalidMessage(_) => Alert::DECODE_ERROR,
        Error::DecryptError => Alert::BAD_RECORD_MAC,
        Error::PeerMisbehaved(how) => alert_for_misbehaviour(how),
        Error::PeerIncompatible(_) => Alert::HANDSHAKE_FAILURE,
        _ => Alert::INTERNAL_ERROR,
    }
}

fn alert_for_misbehaviour(how: &PeerMisbehaved) -> Alert {
    use PeerMisbehaved as How;
    match how {
        // RFC 8446 §5.1 and §5.4, and what comes too often to be meant well.
        How::IllegalTlsInnerPlaintext
        | How::IllegalMiddleboxChangeCipherSpec
        | How::MessageInterleavedWithHandshakeMessage
        | How::RejectedEarlyDataInterleavedWithHandshakeMessage
        | How::KeyEpochWithPendingFragment
        | How::TooManyEmptyFragments
        | How::TooManyKeyUpdateRequests
        | How::TooManyWarningAlertsReceived
        | How::TooMuchEarlyDataReceived => Alert::UNEXPECTED_MESSAGE,
        How::UnsolicitedCertExtension => Alert::UNSUPPORTED_EXTENSION, // RFC 8446 §4.2.
        How::TooManyRenegotiationRequests => Alert::HANDSHAKE_FAILURE, // RFC 5746 §4.5.
        _ => Alert::ILLEGAL_PARAMETER,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(into),
            Self::Violation(violation) => into.write_str(violation.what),
            Self::Hello(error) => write!(into, "{error:?}"),
            Self::Left => into.write_str("closed by the client"),
        }
    }
}
