//! What passes rustls' record protection, and what rustls does not tell of it.
//!
//! rustls says neither that it skipped a record that it could not open, nor which alert it sent
//! encrypted, and sends no other alert than its own. The suites made here note the former and
//! change the latter for the call of rustls that is under way: a call never waits, so that its
//! thread makes no other one before it returns.

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

/// What a call of rustls met.
#[derive(Clone, Copy, Default)]
pub(crate) struct Notes {
    /// Whether a record could not be opened.
    pub(crate) unopened: bool,
    /// What was wrong inside of a record.
    pub(crate) inside: Option<Violation>,
    /// The alert that the client sent.
    pub(crate) heard: Option<Alert>,
    /// The alert that was sent.
    pub(crate) said: Option<Alert>,
    /// The alert to be sent instead of the one that rustls chooses.
    instead: Option<Alert>,
}

thread_local! {
    static NOTES: Cell<Notes> = const { Cell::new(Notes::NONE) };
}

impl Notes {
    const NONE: Self = Self {
        unopened: false,
        inside: None,
        heard: None,
        said: None,
        instead: None,
    };

    fn change(how: impl FnOnce(&mut Self)) {
        let mut notes = NOTES.get();
        how(&mut notes);
        NOTES.set(notes);
    }

    /// The notes since the last look.
    pub(crate) fn take() -> Self {
        NOTES.replace(Self::NONE)
    }

    /// Have the next alert be this one.
    pub(crate) fn say_instead(alert: Alert) {
        Self::change(|notes| notes.instead = Some(alert));
    }
}

/// The suite with a watch on its record protection; made once for the life of the program.
pub(crate) fn watched(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(Watched(suite.aead_alg))),
                quic: suite.quic,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(Watched(suite.aead_alg))),
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

struct Watched<A: ?Sized + 'static>(&'static A);

impl Tls13AeadAlgorithm for Watched<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Sealing(self.0.encrypter(key, iv)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Opening(self.0.decrypter(key, iv)))
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

impl Tls12AeadAlgorithm for Watched<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(Sealing(self.0.encrypter(key, iv, extra)))
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Opening(self.0.decrypter(key, iv)))
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

struct Opening(Box<dyn MessageDecrypter>);

impl MessageDecrypter for Opening {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let outcome = self.0.decrypt(message, sequence);
        match &outcome {
            Ok(opened) if opened.typ != ContentType::ApplicationData => look_inside(opened)?,
            Err(Error::DecryptError) => Notes::change(|notes| notes.unopened = true),
            _ => {}
        }
        outcome
    }
}

/// Refuse what rustls takes, or answers by another alert than the RFC names.
fn look_inside(opened: &InboundPlainMessage<'_>) -> Result<(), Error> {
    let what = match (opened.typ, opened.payload) {
        // RFC 8446 §5.4, RFC 5246 §6.2.1.
        (ContentType::Handshake | ContentType::Alert, []) => "an empty record",
        (ContentType::Alert, [_, description]) => {
            let heard = Alert(*description);
            Notes::change(|notes| notes.heard = Some(heard));
            Notes::say_instead(Alert::CLOSE_NOTIFY);
            return Ok(());
        }
        (ContentType::Handshake | ContentType::Alert | ContentType::ChangeCipherSpec, _) => {
            return Ok(());
        }
        _ => "a record of an unknown type", // RFC 8446 §5.
    };
    Notes::change(|notes| notes.inside = Some(Alert::UNEXPECTED_MESSAGE.of(what)));
    Err(Error::General(what.to_owned()))
}

struct Sealing(Box<dyn MessageEncrypter>);

impl MessageEncrypter for Sealing {
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
        Notes::change(|notes| {
            if let Some(alert) = notes.instead.take() {
                encoded = alert.encoded();
            }
            notes.said = Some(Alert(encoded[1]));
        });
        let payload = OutboundChunks::Single(&encoded);
        self.0
            .encrypt(OutboundPlainMessage { payload, ..message }, sequence)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.0.encrypted_payload_len(payload_len)
    }
}
