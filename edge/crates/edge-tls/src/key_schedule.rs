//! SHA-256 for the key schedule of TLS 1.3 (RFC 8446 §7.1), faster than that of rustls' provider.
//!
//! A handshake computes some thirty HMACs of one or two blocks. With AWS-LC's EVP interface each
//! allocates, looks up and cleanses a context, which takes longer than the hashing.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::aws_lc_rs::cipher_suite;
use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{CipherSuiteCommon, hmac as tls_hmac};
use rustls::{SupportedCipherSuite, Tls13CipherSuite};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// `TLS_AES_128_GCM_SHA256`.
pub(crate) static AES_128_GCM: LazyLock<SupportedCipherSuite> =
    LazyLock::new(|| with_sha256(cipher_suite::TLS13_AES_128_GCM_SHA256));
/// `TLS_CHACHA20_POLY1305_SHA256`.
pub(crate) static CHACHA20_POLY1305: LazyLock<SupportedCipherSuite> =
    LazyLock::new(|| with_sha256(cipher_suite::TLS13_CHACHA20_POLY1305_SHA256));

const TAG_LEN: usize = 32;
const BLOCK_LEN: usize = 64;

/// The suite with the hash of this module. Leaked, so to be called once for each suite.
fn with_sha256(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let Some(suite) = suite.tls13() else {
        return suite;
    };
    SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: &Transcript,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: &HkdfUsingHmac(&HmacSha256),
        aead_alg: suite.aead_alg,
        quic: suite.quic,
    })))
}

struct HmacSha256;

/// An HMAC to which the key was added.
struct HmacKey(Hmac<Sha256>);

impl tls_hmac::Hmac for HmacSha256 {
    fn with_key(&self, key: &[u8]) -> Box<dyn tls_hmac::Key> {
        // RFC 2104 §2: a key is padded to a block with zeros; a longer one is hashed.
        let mut block = [0; BLOCK_LEN];
        if key.len() <= BLOCK_LEN {
            block[..key.len()].copy_from_slice(key);
        } else {
            block[..TAG_LEN].copy_from_slice(&Sha256::digest(key));
        }
        let keyed = Hmac::new(&block.into());
        block.zeroize();
        Box::new(HmacKey(keyed))
    }

    fn hash_output_len(&self) -> usize {
        TAG_LEN
    }
}

impl tls_hmac::Key for HmacKey {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> tls_hmac::Tag {
        let mut mac = self.0.clone();
        mac.update(first);
        for piece in middle {
            mac.update(piece);
        }
        mac.update(last);
        tls_hmac::Tag::new(&mac.finalize().into_bytes())
    }

    fn tag_len(&self) -> usize {
        TAG_LEN
    }
}

/// The hash over all messages of a handshake (RFC 8446 §4.4.1).
struct Transcript;

struct TranscriptContext(Sha256);

impl Hash for Transcript {
    fn start(&self) -> Box<dyn Context> {
        Box::new(TranscriptContext(Sha256::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&Sha256::digest(data))
    }

    fn output_len(&self) -> usize {
        TAG_LEN
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

impl Context for TranscriptContext {
    fn fork_finish(&self) -> Output {
        Output::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Output {
        Output::new(&self.0.finalize())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{digest, hmac as reference};
    use proptest::prelude::*;
    use rustls::crypto::hmac::Hmac as _;

    use super::*;

    proptest! {
        /// Every HMAC equals that of AWS-LC, for all lengths.
        #[test]
        fn hmacs_equal_those_of_the_library(key: Vec<u8>, first: Vec<u8>, middle: Vec<Vec<u8>>, last: Vec<u8>) {
            let pieces: Vec<&[u8]> = middle.iter().map(Vec::as_slice).collect();
            let found = HmacSha256.with_key(&key).sign_concat(&first, &pieces, &last);
            let whole = [first, middle.concat(), last].concat();
            let expected = reference::sign(&reference::Key::new(reference::HMAC_SHA256, &key), &whole);
            prop_assert_eq!(expected.as_ref(), found.as_ref());
        }

        /// A transcript's hash is the hash of its pieces in order, and a fork does not disturb it.
        #[test]
        fn transcripts_hash_all_messages(pieces: Vec<Vec<u8>>) {
            let mut transcript = Transcript.start();
            for piece in &pieces {
                transcript.update(piece);
                transcript.fork().update(b"something else");
            }
            let expected = digest::digest(&digest::SHA256, &pieces.concat());
            prop_assert!(expected.as_ref() == transcript.fork_finish().as_ref());
            prop_assert!(expected.as_ref() == transcript.finish().as_ref());
            prop_assert!(expected.as_ref() == Transcript.hash(&pieces.concat()).as_ref());
        }
    }

    /// A key longer than a block is hashed (RFC 4231 §4.7).
    #[test]
    fn long_keys_are_hashed() {
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let tag = HmacSha256.with_key(&[0xaa; 131]).sign(&[text]);
        assert_eq!([0x60, 0xe4, 0x31, 0x59], tag.as_ref()[..4]);
    }
}
