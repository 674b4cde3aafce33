//! Session tickets (RFC 5077, RFC 8446 §4.6.1) with keys of the control plane.
//!
//! Each key is derived for one site, its TLS policy and its certificates, so a ticket is not valid
//! for another site, or after one of them has changed.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use rustls::server::ProducesTickets;

/// The lifetime of a ticket, however rarely the keys are rotated.
const LIFETIME_S: u32 = 7200;
const NAME_LEN: usize = 16;
const KEY_LEN: usize = 32;
const TIME_LEN: usize = 8;
/// Separates these keys from others that may be derived from the same secret.
const SALT: &[u8] = b"port443 session ticket 1";

/// A site's ticket keys, newest first: the first encrypts, all decrypt.
pub(crate) struct TicketRing(Vec<TicketKey>);

struct TicketKey {
    /// The unencrypted start of a ticket, by which the key is found.
    name: [u8; NAME_LEN],
    aead: RandomizedNonceKey,
}

impl TicketRing {
    /// Derive a site's keys from the secrets; tickets are bound to `context`.
    pub(crate) fn derive(secrets: &[&[u8]], context: &[&[u8]]) -> Result<Self, Unspecified> {
        secrets
            .iter()
            .map(|secret| TicketKey::derive(secret, context))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn seal(&self, plain: &[u8], now_s: u64) -> Option<Vec<u8>> {
        let key = self.0.first()?;
        let mut sealed = [now_s.to_be_bytes().as_slice(), plain].concat();
        let nonce = key
            .aead
            .seal_in_place_append_tag(Aad::from(&key.name), &mut sealed)
            .ok()?;
        Some([key.name.as_slice(), nonce.as_ref(), sealed.as_slice()].concat())
    }

    fn open(&self, ticket: &[u8], now_s: u64) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME_LEN>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.0.iter().find(|key| key.name == *name)?;
        let mut sealed = sealed.to_vec();
        let opened = key
            .aead
            .open_in_place(Nonce::from(nonce), Aad::from(&key.name), &mut sealed)
            .ok()?;
        let (issued, plain) = opened.split_first_chunk::<TIME_LEN>()?;
        let age_s = now_s.checked_sub(u64::from_be_bytes(*issued))?;
        (age_s <= u64::from(LIFETIME_S)).then(|| plain.to_vec())
    }
}

impl TicketKey {
    fn derive(secret: &[u8], context: &[&[u8]]) -> Result<Self, Unspecified> {
        // Each piece is prefixed with its length, so that different contexts have different encodings.
        let info: Vec<u8> = context
            .iter()
            .flat_map(|piece| [&(piece.len() as u64).to_be_bytes(), *piece].concat())
            .collect();
        let mut okm = [0; KEY_LEN + NAME_LEN];
        Salt::new(HKDF_SHA256, SALT)
            .extract(secret)
            .expand(&[&info], Both)?
            .fill(&mut okm)?;
        let (key, rest) = okm.split_at(KEY_LEN);
        let mut name = [0; NAME_LEN];
        name.copy_from_slice(rest);
        Ok(Self {
            name,
            aead: RandomizedNonceKey::new(&AES_256_GCM, key)?,
        })
    }
}

/// The length of a key and its name together.
struct Both;

impl KeyType for Both {
    fn len(&self) -> usize {
        KEY_LEN + NAME_LEN
    }
}

impl fmt::Debug for TicketRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TicketRing({} keys)", self.0.len())
    }
}

impl ProducesTickets for TicketRing {
    fn enabled(&self) -> bool {
        !self.0.is_empty()
    }

    fn lifetime(&self) -> u32 {
        LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, now_s()?)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, now_s()?)
    }
}

fn now_s() -> Option<u64> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &[u8] = &[1; 32];
    const NEW: &[u8] = &[2; 32];
    const NOW: u64 = 1_800_000_000;

    fn ring(secrets: &[&[u8]], context: &[&[u8]]) -> TicketRing {
        TicketRing::derive(secrets, context).unwrap()
    }

    /// After a rotation, tickets of the older key are still accepted, and new ones use the newer key.
    #[test]
    fn the_first_key_encrypts_and_all_decrypt() {
        let before = ring(&[OLD], &[b"site"]);
        let after = ring(&[NEW, OLD], &[b"site"]);
        let old = before.seal(b"state", NOW).unwrap();
        let new = after.seal(b"state", NOW).unwrap();
        assert_eq!(Some(b"state".to_vec()), after.open(&old, NOW));
        assert_eq!(None, before.open(&new, NOW));
    }

    /// A ticket is accepted only with the context that it was issued for.
    #[test]
    fn a_ticket_is_bound_to_its_context() {
        let ticket = ring(&[OLD], &[b"ab", b"c"]).seal(b"state", NOW).unwrap();
        assert_eq!(None, ring(&[OLD], &[b"a", b"bc"]).open(&ticket, NOW));
        assert_eq!(
            Some(b"state".to_vec()),
            ring(&[OLD], &[b"ab", b"c"]).open(&ticket, NOW)
        );
    }

    /// A ticket expires after its lifetime, and one that was issued in the future is refused.
    #[test]
    fn a_ticket_expires() {
        let keys = ring(&[OLD], &[]);
        let ticket = keys.seal(b"state", NOW).unwrap();
        let end = NOW + u64::from(LIFETIME_S);
        assert!(keys.open(&ticket, end).is_some());
        assert_eq!(None, keys.open(&ticket, end + 1));
        assert_eq!(None, keys.open(&ticket, NOW - 1));
    }

    /// Without keys there are no tickets.
    #[test]
    fn an_empty_ring_is_disabled() {
        let none = ring(&[], &[]);
        assert!(!none.enabled());
        assert_eq!(None, none.encrypt(b"state"));
    }

    proptest! {
        /// Arbitrary bytes, or a ticket with a flipped bit, are refused.
        #[test]
        fn a_changed_ticket_is_refused(position in 0_usize..1000, bit in 0_u8..8, junk: Vec<u8>) {
            let keys = ring(&[OLD], &[b"site"]);
            prop_assert_eq!(None, keys.open(&junk, NOW));
            let mut ticket = keys.seal(b"state", NOW).unwrap();
            let position = position % ticket.len();
            ticket[position] ^= 1 << bit;
            prop_assert_eq!(None, keys.open(&ticket, NOW));
        }
    }
}
