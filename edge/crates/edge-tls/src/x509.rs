//! Parsing the public key of a certificate.
//!
//! Nothing else of a certificate is checked here. The control plane warns of chains that clients would
//! reject. Path validation by webpki would refuse chains that clients accept, such as those with
//! certificate policies.

use crate::reader::Reader;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The tag of version (RFC 5280 §4.1), which is absent in version 1.
const VERSION: u8 = 0xa0;

/// The `SubjectPublicKeyInfo` of a certificate with its tag and length; `None` if it is not a certificate.
pub(crate) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut outer = Reader::new(certificate);
    let mut signed = Reader::new(content(outer.element(SEQUENCE)?)?);
    let mut body = Reader::new(content(signed.element(SEQUENCE)?)?);
    if !outer.is_empty() {
        return None;
    }
    if body.rest().first() == Some(&VERSION) {
        body.element(VERSION)?;
    }
    body.element(INTEGER)?; // serialNumber
    for _ in ["signature", "issuer", "validity", "subject"] {
        body.element(SEQUENCE)?;
    }
    body.element(SEQUENCE)
}

/// The content of an element, without tag and length.
fn content(element: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(element);
    reader.u8()?;
    reader.der_length()?;
    Some(reader.rest())
}

impl<'a> Reader<'a> {
    /// One complete DER element with this tag (X.690 §8.1).
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        if ahead.u8()? != tag {
            return None;
        }
        let length = ahead.der_length()?;
        let header = self.rest().len() - ahead.rest().len();
        self.take(header.checked_add(length)?)
    }

    /// A length in the definite form, of up to four octets after the first.
    fn der_length(&mut self) -> Option<usize> {
        let first = self.u8()?;
        let count = usize::from(first & 0x7f);
        if first & 0x80 == 0 {
            return Some(count);
        }
        let octets = self.take(count).filter(|it| (1..=4).contains(&it.len()))?;
        Some(
            octets
                .iter()
                .fold(0, |length, octet| length << 8 | usize::from(*octet)),
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test reports")]
mod tests {
    use super::public_key;

    #[test]
    fn the_public_key_of_versions_1_and_3_is_found() {
        let key = [0x30, 0x02, 0x05, 0x00];
        let rest = [0x02, 0x01, 0x07, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0];
        for version in [&[][..], &[0xa0, 0x03, 0x02, 0x01, 0x02]] {
            let tlv = |content: &[u8]| {
                [&[0x30, 0x81, u8::try_from(content.len()).unwrap()], content].concat()
            };
            let whole = tlv(&tlv(&[version, &rest, &key].concat()));
            assert_eq!(public_key(&whole), Some(&key[..]));
            assert_eq!(public_key(&whole[..whole.len() - 1]), None);
            assert_eq!(public_key(&[&whole[..], &[0]].concat()), None);
        }
    }
}
