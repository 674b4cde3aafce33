//! A response's header block, written field by field.

use super::hpack::{write_field, write_status};
use crate::field_section::ResponseEncoder;

/// Where the fields of a response go.
pub struct ResponseFields<'a>(pub(super) &'a mut Vec<u8>);

impl ResponseEncoder for ResponseFields<'_> {
    fn status(&mut self, status: u16) {
        write_status(self.0, status);
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        write_field(self.0, name, value);
    }
}
