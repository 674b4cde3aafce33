//! Parsing common to request and response heads: lines, fields and their limits (RFC 9112 §2, §5).
//!
//! A malformed line has the reason that a request is refused for; a response is then malformed or too large.

use edge_contract::RequestRefusal;

use crate::bytes::{TOKEN, skip, skip_value};
use crate::fields::kind::{Field, FieldKind, Span, field_kind};
use crate::fields::limits::HeadLimits;

/// The versions with this message format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: connections do not persist by default.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Why parsing stopped before the end of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt<F> {
    /// More input is needed.
    Incomplete,
    /// The input is malformed, whatever follows.
    Fault(F),
}

impl<F> Halt<F> {
    pub(crate) fn or<G: From<F>>(self) -> Halt<G> {
        match self {
            Self::Incomplete => Halt::Incomplete,
            Self::Fault(fault) => Halt::Fault(fault.into()),
        }
    }
}

/// Whether to parse a head again that was incomplete after `seen` bytes.
///
/// A head can only be completed by a line end. Parsing only then bounds the work for a client that
/// sends single bytes.
#[must_use]
pub fn head_may_be_complete(input: &[u8], seen: usize, limits: &HeadLimits) -> bool {
    input.len() >= limits.bytes
        || input
            .get(seen..)
            .is_some_and(|added| added.contains(&b'\n'))
}

/// The byte at a position.
pub(crate) fn byte_at<F>(input: &[u8], at: usize) -> Result<u8, Halt<F>> {
    input.get(at).copied().ok_or(Halt::Incomplete)
}

/// Parse a line end, strictly CR LF (RFC 9112 §2.2); return the position after it.
pub(crate) fn line_end(input: &[u8], at: usize) -> Result<usize, Halt<RequestRefusal>> {
    match byte_at(input, at)? {
        b'\r' if byte_at(input, at + 1)? == b'\n' => Ok(at + 2),
        b'\r' => Err(Halt::Fault(RequestRefusal::BareCr)),
        b'\n' => Err(Halt::Fault(RequestRefusal::BareLf)),
        _ => Err(Halt::Fault(RequestRefusal::FieldValueMalformed)),
    }
}

/// Parse field lines up to and including the empty line; return the position after it.
pub(crate) fn read_fields(
    input: &[u8],
    mut at: usize,
    limits: &HeadLimits,
    fields: &mut Vec<Field>,
) -> Result<usize, Halt<RequestRefusal>> {
    while !matches!(byte_at(input, at)?, b'\r' | b'\n') {
        let (field, next) = read_field(input, at, limits.line_bytes)?;
        if fields.len() == limits.fields {
            return Err(Halt::Fault(RequestRefusal::FieldsTooLarge));
        }
        fields.push(field);
        at = next;
    }
    line_end(input, at)
}

fn read_field(input: &[u8], at: usize, max: usize) -> Result<(Field, usize), Halt<RequestRefusal>> {
    let name_end = skip(input, at, &TOKEN);
    match byte_at(input, name_end)? {
        b':' if name_end > at => {}
        b' ' | b'\t' if name_end == at => return Err(Halt::Fault(RequestRefusal::LineFolded)),
        b' ' | b'\t' => return Err(Halt::Fault(RequestRefusal::SpaceBeforeColon)),
        b'\n' => return Err(Halt::Fault(RequestRefusal::BareLf)),
        _ => return Err(Halt::Fault(RequestRefusal::FieldNameMalformed)),
    }
    let mut start = name_end + 1;
    while matches!(input.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    let line = skip_value(input, start);
    if line - at > max {
        return Err(Halt::Fault(RequestRefusal::FieldsTooLarge));
    }
    let next = line_end(input, line)?;
    let mut end = line;
    while end > start && matches!(input[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    let kind: FieldKind = field_kind(&input[at..name_end]);
    let (name, value) = (Span::new(at, name_end), Span::new(start, end));
    Ok((Field { name, value, kind }, next))
}

/// Why a version is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionFault {
    Malformed,
    Unsupported,
}

/// Parse `HTTP/1.0` or `HTTP/1.1`.
pub(crate) fn version_of(text: &[u8]) -> Result<Version, VersionFault> {
    match text {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(VersionFault::Unsupported)
        }
        _ => Err(VersionFault::Malformed),
    }
}

/// The options of the `Connection` fields of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the options are independent")]
pub(crate) struct ConnectionOptions {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Whether it names fields that are not hop-by-hop by definition.
    pub(crate) names_fields: bool,
}

impl ConnectionOptions {
    pub(crate) fn add(&mut self, value: &[u8]) {
        for option in crate::bytes::members(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else {
                self.names_fields |= field_kind(option) != FieldKind::HopByHop;
            }
        }
    }

    /// Whether the connection persists after the message (RFC 9112 §9.3).
    pub(crate) fn persists(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}
