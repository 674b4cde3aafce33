//! One field line of a section, and what its name means (RFC 9113 §8.2, §8.3; RFC 9114 §4.2, §4.3).

use crate::bytes::trim;
use crate::fields::kind::{FieldKind, field_kind, is_field_name, is_field_value};

/// What a line counts beside its bytes (RFC 9113 §6.5.2, RFC 9114 §4.2.2).
pub(crate) const LINE_OVERHEAD: usize = 32;

/// A field line that was decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLine<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) kind: LineKind,
    /// Whether the value is one (RFC 9113 §8.2.1).
    pub(crate) is_valid: bool,
}

impl<'a> FieldLine<'a> {
    /// A line whose name is known to be of that kind.
    pub(crate) fn new(kind: LineKind, name: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            name,
            value,
            kind,
            is_valid: is_field_value(value) && trim(value).len() == value.len(),
        }
    }

    /// Whether trailers may hold it: no pseudo-field, and well-formed.
    pub(crate) fn may_be_trailer(&self) -> bool {
        self.is_valid && matches!(self.kind, LineKind::Field(_) | LineKind::Te)
    }

    /// What the line counts against limits.
    pub(crate) fn size(&self) -> usize {
        self.name.len() + self.value.len() + LINE_OVERHEAD
    }
}

/// The meaning of a name; found once for each name that stays in a compression table.
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
    /// No name at all: empty, upper case, or with bytes that no name may hold.
    Malformed,
    /// A field of HTTP/1's connections, which later versions forbid (RFC 9113 §8.2.2).
    Forbidden,
    /// `te`, which may say nothing but `trailers`.
    Te,
    /// A field, and what a proxy does with it.
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
