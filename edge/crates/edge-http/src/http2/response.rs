//! A response's header block, written field by field.

use super::hpack::{write_field, write_status};

/// Where the fields of a response go.
pub struct ResponseFields<'a>(pub(super) &'a mut Vec<u8>);

impl ResponseFields<'_> {
    /// The status; before all fields (RFC 9113 §8.3.2).
    pub fn status(&mut self, status: u16) {
        write_status(self.0, status);
    }

    /// A field; name and value were checked when they were read.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        write_field(self.0, name, value);
    }

    /// The length of the body.
    pub fn content_length(&mut self, bytes: u64) {
        let mut digits = [0; 20];
        let (mut start, mut left) = (digits.len(), bytes);
        loop {
            start -= 1;
            digits[start] = b"0123456789"[usize::try_from(left % 10).unwrap_or_default()];
            left /= 10;
            if left == 0 {
                return self.field(b"content-length", &digits[start..]);
            }
        }
    }
}
