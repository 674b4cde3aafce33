//! Content-Length (RFC 9110 §8.6), read alike in every version.

use crate::bytes::decimal;

/// The longest body that can be declared; many servers count in signed numbers, and above this
/// theirs are negative.
pub(crate) const LONGEST: u64 = i64::MAX as u64;

/// Read a Content-Length: digits only, and a size that nobody's arithmetic turns into another.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    decimal(value).filter(|&length| length <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_length_that_every_server_reads_alike_is_one() {
        assert_eq!(Some(0), content_length(b"0"));
        assert_eq!(Some(LONGEST), content_length(b"9223372036854775807"));
        for text in [
            "",
            "+1",
            "1,1",
            " 1",
            "9223372036854775808",
            "18446744073709551616",
        ] {
            assert_eq!(None, content_length(text.as_bytes()), "{text:?}");
        }
    }
}
