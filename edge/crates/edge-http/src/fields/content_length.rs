//! Content-Length (RFC 9110 §8.6), the same for every version of HTTP.

use crate::bytes::decimal;

/// The largest Content-Length. Servers that use signed 64-bit numbers would overflow above it.
pub(crate) const MAX_CONTENT_LENGTH: u64 = i64::MAX as u64;

/// Parse a Content-Length: digits only, at most [`MAX_CONTENT_LENGTH`].
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    decimal(value).filter(|&length| length <= MAX_CONTENT_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unambiguous_lengths_are_accepted() {
        assert_eq!(Some(0), content_length(b"0"));
        assert_eq!(
            Some(MAX_CONTENT_LENGTH),
            content_length(b"9223372036854775807")
        );
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
