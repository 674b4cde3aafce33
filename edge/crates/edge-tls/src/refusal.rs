//! Why a handshake failed: stable reasons, and how rustls' errors and clients' alerts map to them.

use std::io;

use edge_contract::HandshakeFailure;
use rustls::{Error, PeerIncompatible};

use crate::alert::Alert;
use crate::fault::{Fault, UNDECRYPTABLE};

/// A handshake that ends here: the reason, a detail for people, and the alert that we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason.
    pub reason: HandshakeFailure,
    /// What exactly was met, for people.
    pub detail: String,
    /// The alert that the client gets from us.
    pub alert: Option<Alert>,
}

impl Refusal {
    /// A refusal that is answered by an alert.
    pub(crate) fn answered(
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
    pub(crate) fn silent(reason: HandshakeFailure, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            alert: None,
        }
    }

    /// The refusal behind an alert that the client sent; `sent` is the one that it got.
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
            detail: alert.as_heard(),
            alert: sent,
        }
    }

    /// The refusal behind a fault; `sent` is the alert that the client got.
    pub(crate) fn of_fault(fault: &Fault, stage: Stage, sent: Option<Alert>) -> Self {
        match fault {
            Fault::Tls(error) => Self::of_error(error, stage, sent),
            Fault::Violation(violation) => Self {
                reason: HandshakeFailure::ProtocolViolation,
                detail: violation.what.to_owned(),
                alert: sent,
            },
            Fault::Hello(error) => Self::of_hello(*error),
            Fault::Left => Self::of_client_alert(Alert::CLOSE_NOTIFY, sent),
        }
    }

    /// The refusal behind an error of rustls.
    fn of_error(error: &Error, stage: Stage, sent: Option<Alert>) -> Self {
        let is_hello = stage != Stage::Answered;
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

    /// The refusal behind a connection that broke.
    pub(crate) fn of_io(error: &io::Error, stage: Stage) -> Self {
        let when = match stage {
            Stage::Hello => "before our answer",
            Stage::AskedAgain => "after a HelloRetryRequest",
            Stage::Answered => "after our certificate was sent",
        };
        let how = match error.kind() {
            io::ErrorKind::UnexpectedEof => "closed".to_owned(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset".to_owned(),
            _ => error.to_string(),
        };
        Self::silent(HandshakeFailure::ClientClosed, format!("{how} {when}"))
    }
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing has been sent yet.
    #[default]
    Hello,
    /// A `HelloRetryRequest` is on its way.
    AskedAgain,
    /// Our first flight is on its way.
    Answered,
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
    fn a_client_that_rejects_our_certificate_is_named_with_its_alert() {
        let refusal = Refusal::of_error(
            &Error::AlertReceived(AlertDescription::UnknownCA),
            Stage::Answered,
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
    fn a_client_that_takes_its_leave_is_no_violation() {
        for alert in [
            AlertDescription::CloseNotify,
            AlertDescription::UserCanceled,
        ] {
            assert_eq!(
                HandshakeFailure::ClientClosed,
                reason_of(&Error::AlertReceived(alert), Stage::Answered)
            );
        }
        let other = Error::AlertReceived(AlertDescription::DecryptError);
        assert_eq!(
            HandshakeFailure::ProtocolViolation,
            reason_of(&other, Stage::Answered)
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
            reason_of(&error, Stage::Answered)
        );
    }

    #[test]
    fn what_was_not_shared_keeps_its_name() {
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
    fn a_broken_connection_says_when_it_broke() {
        let error = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(
            "closed after our certificate was sent",
            Refusal::of_io(&error, Stage::Answered).detail
        );
    }
}
