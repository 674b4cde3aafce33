//! Faults that end a connection, and the alerts for them.

use std::fmt;

use edge_contract::TlsFailure;
use rustls::{Error, InvalidMessage, PeerMisbehaved};

use crate::alert::{Alert, Violation};
use crate::hello::HelloError;

/// Why a connection cannot be used any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// An error of rustls.
    Tls(Error),
    /// A violation that was detected before rustls saw the record.
    Violation(Violation),
    /// A malformed second hello.
    Hello(HelloError),
    /// The client sent `close_notify` before the end of the handshake.
    ClosedByClient,
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
    /// The alert to send if rustls has sent none.
    pub(crate) fn due_alert(&self) -> Option<Alert> {
        match self {
            Self::Tls(Error::AlertReceived(_)) | Self::Hello(HelloError::Alert(_)) => None,
            Self::Tls(error) => Some(alert_for(error)),
            Self::Violation(violation) | Self::Hello(HelloError::Malformed(violation)) => {
                Some(violation.alert)
            }
            Self::Hello(_) => Some(Alert::DECODE_ERROR),
            // RFC 8446 §6.1: close_notify is answered with close_notify.
            Self::ClosedByClient => Some(Alert::CLOSE_NOTIFY),
        }
    }
}

/// A fault that ended a stream after its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFault {
    /// The stable reason.
    pub reason: TlsFailure,
    /// The cause as text.
    pub detail: String,
    /// The alert that was sent to the client.
    pub alert: Option<Alert>,
}

impl StreamFault {
    /// Convert a fault; `sent` is the alert that was sent to the client.
    pub(crate) fn of(fault: &Fault, sent: Option<Alert>) -> Self {
        let (reason, detail) = match (fault, fault.reason()) {
            (Fault::Tls(Error::AlertReceived(description)), _) => {
                let alert = Alert((*description).into());
                (TlsFailure::ClientAlerted, alert.received_detail())
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

/// The detail of a record that cannot be decrypted with the keys of the connection.
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

/// The alert of RFC 8446 §6.2 for errors of rustls without an alert.
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
        // RFC 8446 §5.1 and §5.4, and floods.
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
            Self::Violation(violation) => into.write_str(violation.detail),
            Self::Hello(error) => write!(into, "{error:?}"),
            Self::ClosedByClient => into.write_str("closed by the client"),
        }
    }
}
