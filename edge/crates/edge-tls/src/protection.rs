//! Instrumented cipher suites, which report what rustls does not.
//!
//! rustls reports neither that it skipped a record that it could not decrypt, nor which encrypted alert it
//! sent, and it sends no alerts but its own. The suites made here record the former and can
//! replace the latter. Reports are per thread, and belong to the current call of rustls, since a call
//! never waits.

use std::cell::Cell;

use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, OutboundChunks, OutboundOpaqueMessage, OutboundPlainMessage,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite, Tls12CipherSuite,
    Tls13CipherSuite,
};

use crate::alert::{Alert, Violation};

/// A report on one call of rustls.
#[derive(Clone, Copy, Default)]
pub(crate) struct CallReport {
    /// Whether a record could not be decrypted.
    pub(crate) undecryptable: bool,
    /// A violation in the content of a record.
    pub(crate) violation: Option<Violation>,
    /// The alert that was received.
    pub(crate) alert_received: Option<Alert>,
    /// The alert that was sent.
    pub(crate) alert_sent: Option<Alert>,
    /// The alert to send instead of that of rustls.
    replacement: Option<Alert>,
}

thread_local! {
    static REPORT: Cell<CallReport> = const { Cell::new(CallReport::NONE) };
}

impl CallReport {
    const NONE: Self = Self {
        undecryptable: false,
        violation: None,
        alert_received: None,
        alert_sent: None,
        replacement: None,
    };

    fn change(how: impl FnOnce(&mut Self)) {
        let mut report = REPORT.get();
        how(&mut report);
        REPORT.set(report);
    }

    /// Take the report, and begin a new one.
    pub(crate) fn take() -> Self {
        REPORT.replace(Self::NONE)
    }

    /// Replace the next alert that rustls sends.
    pub(crate) fn replace_next_alert(alert: Alert) {
        Self::change(|report| report.replacement = Some(alert));
    }
}

/// The suite with instrumented record protection. Leaked, so to be called once for each suite.
pub(crate) fn instrumented(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(Instrumented(suite.aead_alg))),
                quic: suite.quic,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(Instrumented(suite.aead_alg))),
            })))
        }
    }
}

fn common(common: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: common.suite,
        hash_provider: common.hash_provider,
        confidentiality_limit: common.confidentiality_limit,
    }
}

struct Instrumented<A: ?Sized + 'static>(&'static A);

impl Tls13AeadAlgorithm for Instrumented<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(ReportingEncrypter(self.0.encrypter(key, iv)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(ReportingDecrypter(self.0.decrypter(key, iv)))
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

impl Tls12AeadAlgorithm for Instrumented<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(ReportingEncrypter(self.0.encrypter(key, iv, extra)))
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(ReportingDecrypter(self.0.decrypter(key, iv)))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

struct ReportingDecrypter(Box<dyn MessageDecrypter>);

impl MessageDecrypter for ReportingDecrypter {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let outcome = self.0.decrypt(message, sequence);
        match &outcome {
            Ok(opened) if opened.typ != ContentType::ApplicationData => check_content(opened)?,
            Err(Error::DecryptError) => CallReport::change(|report| report.undecryptable = true),
            _ => {}
        }
        outcome
    }
}

/// Refuse content that rustls accepts, or refuses with another alert than the RFC requires.
fn check_content(opened: &InboundPlainMessage<'_>) -> Result<(), Error> {
    let detail = match (opened.typ, opened.payload) {
        // RFC 8446 §5.4, RFC 5246 §6.2.1.
        (ContentType::Handshake | ContentType::Alert, []) => "an empty record",
        (ContentType::Alert, [_, description]) => {
            let alert = Alert(*description);
            CallReport::change(|report| report.alert_received = Some(alert));
            CallReport::replace_next_alert(Alert::CLOSE_NOTIFY);
            return Ok(());
        }
        (ContentType::Handshake | ContentType::Alert | ContentType::ChangeCipherSpec, _) => {
            return Ok(());
        }
        _ => "a record of an unknown type", // RFC 8446 §5.
    };
    CallReport::change(|report| {
        report.violation = Some(Alert::UNEXPECTED_MESSAGE.violation(detail));
    });
    Err(Error::General(detail.to_owned()))
}

struct ReportingEncrypter(Box<dyn MessageEncrypter>);

impl MessageEncrypter for ReportingEncrypter {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        if message.typ != ContentType::Alert {
            return self.0.encrypt(message, sequence);
        }
        let chosen = message.payload.to_vec();
        let mut encoded = [chosen[0], chosen[1]];
        CallReport::change(|report| {
            if let Some(alert) = report.replacement.take() {
                encoded = alert.encoded();
            }
            report.alert_sent = Some(Alert(encoded[1]));
        });
        let payload = OutboundChunks::Single(&encoded);
        self.0
            .encrypt(OutboundPlainMessage { payload, ..message }, sequence)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.0.encrypted_payload_len(payload_len)
    }
}
