//! What a field name of HTTP/2 means to us (RFC 9113 §8.2, §8.3).

use crate::field::{FieldKind, field_kind, is_field_name};

/// The meaning of a name; found once for each name that stays in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http2) enum Class {
    /// `:method`.
    Method,
    /// `:scheme`.
    Scheme,
    /// `:authority`.
    Authority,
    /// `:path`.
    Path,
    /// Any other name that begins with a colon.
    OtherPseudo,
    /// No name at all: empty, upper case, or with bytes that no name may hold.
    Malformed,
    /// A field of HTTP/1's connections, which HTTP/2 forbids.
    Forbidden,
    /// `te`, which may say nothing but `trailers`.
    Te,
    /// A field, and what a proxy does with it.
    Field(FieldKind),
}

impl Class {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            [b':', ..] => Self::OtherPseudo,
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding"
            | b"upgrade" => Self::Forbidden,
            b"te" => Self::Te,
            _ if !is_field_name(name) || name.iter().any(u8::is_ascii_uppercase) => Self::Malformed,
            _ => Self::Field(field_kind(name)),
        }
    }
}
