//! One field line of a section, and the kind of its name (RFC 9113 §8.2, §8.3; RFC 9114 §4.2, §4.3).

use crate::bytes::trim;
use crate::fields::kind::{FieldKind, field_kind, is_field_name, is_field_value};

/// The overhead that is added to the size of each line (RFC 9113 §6.5.2, RFC 9114 §4.2.2).
pub(crate) const LINE_OVERHEAD: usize = 32;

/// A decoded field line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLine<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) kind: LineKind,
    /// Whether the value is valid (RFC 9113 §8.2.1).
    pub(crate) is_valid: bool,
}

impl<'a> FieldLine<'a> {
    /// Create a line whose name is of this kind.
    pub(crate) fn new(kind: LineKind, name: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            name,
            value,
            kind,
            is_valid: is_field_value(value) && trim(value).len() == value.len(),
        }
    }

    /// Whether it may be in trailers: well-formed and not a pseudo-field.
    pub(crate) fn may_be_trailer(&self) -> bool {
        self.is_valid && matches!(self.kind, LineKind::Field(_) | LineKind::Te)
    }

    /// The size of the line for limits.
    pub(crate) fn size(&self) -> usize {
        self.name.len() + self.value.len() + LINE_OVERHEAD
    }
}

/// The kind of a name; determined once for each name in a compression table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
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
    /// Not a valid name: empty, with upper-case letters, or with bytes that are not allowed.
    Malformed,
    /// A connection-specific field of HTTP/1, which is forbidden (RFC 9113 §8.2.2).
    Forbidden,
    /// `te`, whose only allowed value is `trailers`.
    Te,
    /// Any other field.
    Field(FieldKind),
}

impl LineKind {
    pub(crate) fn of(name: &[u8]) -> Self {
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
