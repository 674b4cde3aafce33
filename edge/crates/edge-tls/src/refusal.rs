//! Why a handshake failed: the mapping of rustls' errors and clients' alerts to stable reasons.

use std::io;

use edge_contract::HandshakeFailure;
use rustls::{Error, PeerIncompatible};

use crate::alert::Alert;
use crate::fault::{Fault, UNDECRYPTABLE};

/// A failed handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason.
    pub reason: HandshakeFailure,
    /// The cause as text.
    pub detail: String,
    /// The alert to the client.
    pub alert: Option<Alert>,
}

impl Refusal {
    /// A refusal with an alert.
    pub(crate) fn with_alert(
        reason: HandshakeFailure,
        alert: Alert,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            detail: detail.into(),
            alert: Some(alert),
        }
    }

    /// A refusal without an alert.
    pub(crate) fn without_alert(reason: HandshakeFailure, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            alert: None,
        }
    }

    /// The refusal for an alert of the client; `sent` is the alert to the client.
    pub(crate) fn of_client_alert(alert: Alert, sent: Option<Alert>) -> Self {
        let reason = if alert.rejects_certificate() {
            HandshakeFailure::ClientRejectedCertificate
        } else if alert == Alert::CLOSE_NOTIFY || alert == Alert::USER_CANCELED {
            HandshakeFailure::ClientClosed
        } else {
            HandshakeFailure::ProtocolViolation
        };
        Self {
            reason,
            detail: alert.received_detail(),
            alert: sent,
        }
    }

    /// The refusal for a fault; `sent` is the alert to the client.
    pub(crate) fn of_fault(fault: &Fault, stage: Stage, sent: Option<Alert>) -> Self {
        match fault {
            Fault::Tls(error) => Self::of_error(error, stage, sent),
            Fault::Violation(violation) => Self {
                reason: HandshakeFailure::ProtocolViolation,
                detail: violation.detail.to_owned(),
                alert: sent,
            },
            Fault::Hello(error) => Self::of_hello(*error),
            Fault::ClosedByClient => Self::of_client_alert(Alert::CLOSE_NOTIFY, sent),
        }
    }

    /// The refusal for an error of rustls.
    fn of_error(error: &Error, stage: Stage, sent: Option<Alert>) -> Self {
        let is_hello = stage != Stage::FlightSent;
        let reason = match error {
            Error::AlertReceived(description) => {
                return Self::of_client_alert(Alert((*description).into()), sent);
            }
            Error::PeerIncompatible(cause) => reason_of_incompatibility(cause),
            Error::NoApplicationProtocol => HandshakeFailure::NoSharedAlpn,
            Error::NoCertificatesPresented => HandshakeFailure::ClientCertificateMissing,
            Error::InvalidCertificate(_) => HandshakeFailure::ClientCertificateInvalid,
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerMisbehaved(_)
            | Error::PeerSentOversizedRecord
            | Error::DecryptError => {
                if is_hello {
                    HandshakeFailure::HelloMalformed
                } else {
                    HandshakeFailure::ProtocolViolation
                }
            }
            _ => HandshakeFailure::Internal,
        };
        let detail = match (error, sent) {
            (Error::DecryptError, Some(Alert::DECRYPT_ERROR)) => {
                "the client's Finished is wrong".to_owned()
            }
            (Error::DecryptError, _) => UNDECRYPTABLE.to_owned(),
            _ => error.to_string(),
        };
        Self {
            reason,
            detail,
            alert: sent,
        }
    }

    /// The refusal for a connection that failed.
    pub(crate) fn of_io(error: &io::Error, stage: Stage) -> Self {
        let when = match stage {
            Stage::Hello => "before the server's first flight",
            Stage::RetryRequested => "after the HelloRetryRequest",
            Stage::FlightSent => "after the server's first flight",
        };
        let how = match error.kind() {
            io::ErrorKind::UnexpectedEof => "closed".to_owned(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset".to_owned(),
            _ => error.to_string(),
        };
        Self::without_alert(HandshakeFailure::ClientClosed, format!("{how} {when}"))
    }
}

/// What the server has sent in a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing.
    #[default]
    Hello,
    /// A `HelloRetryRequest`.
    RetryRequested,
    /// The first flight.
    FlightSent,
}

fn reason_of_incompatibility(cause: &PeerIncompatible) -> HandshakeFailure {
    match cause {
        PeerIncompatible::NoCipherSuitesInCommon => HandshakeFailure::NoSharedSuite,
        PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::EcPointsExtensionRequired
        | PeerIncompatible::UncompressedEcPointsRequired => HandshakeFailure::NoSharedGroup,
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            HandshakeFailure::NoSharedSignatureScheme
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired => HandshakeFailure::NoSharedVersion,
        _ => HandshakeFailure::ProtocolViolation,
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, InvalidMessage};

    use super::*;

    fn reason_of(error: &Error, stage: Stage) -> HandshakeFailure {
        Refusal::of_error(error, stage, None).reason
    }

    #[test]
    fn a_client_that_rejects_the_certificate_is_reported_with_its_alert() {
        let refusal = Refusal::of_error(
            &Error::AlertReceived(AlertDescription::UnknownCA),
            Stage::FlightSent,
            None,
        );
        assert_eq!(
            (
                HandshakeFailure::ClientRejectedCertificate,
                "the client sent the alert unknown_ca"
            ),
            (refusal.reason, refusal.detail.as_str())
        );
        assert_eq!(None, refusal.alert);
    }

    #[test]
    fn a_client_that_closes_the_connection_is_no_violation() {
        for alert in [
            AlertDescription::CloseNotify,
            AlertDescription::UserCanceled,
        ] {
            assert_eq!(
                HandshakeFailure::ClientClosed,
                reason_of(&Error::AlertReceived(alert), Stage::FlightSent)
            );
        }
        let other = Error::AlertReceived(AlertDescription::DecryptError);
        assert_eq!(
            HandshakeFailure::ProtocolViolation,
            reason_of(&other, Stage::FlightSent)
        );
    }

    #[test]
    fn an_unreadable_message_is_a_malformed_hello_only_at_the_start() {
        let error = Error::InvalidMessage(InvalidMessage::MissingData("x"));
        assert_eq!(
            HandshakeFailure::HelloMalformed,
            reason_of(&error, Stage::Hello)
        );
        assert_eq!(
            HandshakeFailure::ProtocolViolation,
            reason_of(&error, Stage::FlightSent)
        );
    }

    #[test]
    fn incompatibilities_have_their_reason() {
        let cases = [
            (
                PeerIncompatible::NoCipherSuitesInCommon,
                HandshakeFailure::NoSharedSuite,
            ),
            (
                PeerIncompatible::NamedGroupsExtensionRequired,
                HandshakeFailure::NoSharedGroup,
            ),
            (
                PeerIncompatible::SignatureAlgorithmsExtensionRequired,
                HandshakeFailure::NoSharedSignatureScheme,
            ),
            (
                PeerIncompatible::Tls12NotOffered,
                HandshakeFailure::NoSharedVersion,
            ),
            (
                PeerIncompatible::NullCompressionRequired,
                HandshakeFailure::ProtocolViolation,
            ),
        ];
        for (cause, expected) in cases {
            assert_eq!(expected, reason_of(&cause.into(), Stage::Hello));
        }
    }

    #[test]
    fn a_failed_connection_has_its_stage() {
        let error = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(
            "closed after the server's first flight",
            Refusal::of_io(&error, Stage::FlightSent).detail
        );
    }
}
