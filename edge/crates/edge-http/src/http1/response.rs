//! A strict parser of response heads (RFC 9112 §4).

use edge_contract::RequestRefusal;

use super::body::BodyKind;
use super::head::{
    ConnectionOptions, Halt, Version, VersionFault, byte_at, line_end, read_fields, version_of,
};
use crate::bytes::{FIELD_VALUE, decimal, skip};
use crate::fields::content_length::content_length;
use crate::fields::kind::{Field, FieldKind, Span};
use crate::fields::limits::HeadLimits;
use crate::method::Method;

/// A parsed response head, with ranges of its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The number of bytes from the buffer's start to the body.
    pub length: usize,
    /// The version.
    pub version: Version,
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub reason: Span,
    /// The framing of the body.
    pub body: BodyKind,
    /// The Content-Length; also of a response without a body, such as one to HEAD.
    pub content_length: Option<u64>,
    /// Whether the server keeps the connection open for another request.
    pub persists: bool,
    /// Whether `Connection` names fields that would be forwarded otherwise.
    pub names_fields: bool,
    /// Whether there is a Date.
    pub has_date: bool,
}

/// Why a response cannot be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFault {
    /// The framing is ambiguous.
    FramingAmbiguous,
    /// A line is malformed.
    LineMalformed,
    /// The head exceeds the limits.
    TooLarge,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    VersionUnsupported,
}

/// Parse the response head at the start of `input`; `None` if more bytes are needed.
///
/// `method` is that of the request: a response to HEAD has no body.
pub fn parse_response(
    input: &[u8],
    method: Method,
    limits: &HeadLimits,
    fields: &mut Vec<Field>,
) -> Result<Option<ResponseHead>, ResponseFault> {
    fields.clear();
    let readable = &input[..input.len().min(limits.bytes)];
    match read_response(readable, method, limits, fields) {
        Ok(head) => Ok(Some(head)),
        Err(Halt::Fault(fault)) => Err(fault),
        Err(Halt::Incomplete) if input.len() < limits.bytes => Ok(None),
        Err(Halt::Incomplete) => Err(ResponseFault::TooLarge),
    }
}

fn read_response(
    input: &[u8],
    method: Method,
    limits: &HeadLimits,
    fields: &mut Vec<Field>,
) -> Result<ResponseHead, Halt<ResponseFault>> {
    let (version, status, reason, next) = read_status_line(input)?;
    let length = read_fields(input, next, limits, fields).map_err(Halt::or)?;
    let mut head = ResponseHead {
        length,
        version,
        status,
        reason,
        body: BodyKind::UntilClose,
        content_length: None,
        persists: false,
        names_fields: false,
        has_date: false,
    };
    check_head(input, method, fields, &mut head).map_err(Halt::Fault)?;
    Ok(head)
}

fn read_status_line(input: &[u8]) -> Result<(Version, u16, Span, usize), Halt<ResponseFault>> {
    let malformed = Halt::Fault(ResponseFault::LineMalformed);
    // `HTTP/1.1 200` is the shortest line: some servers omit the space before an empty reason.
    let Some(start) = input.get(..12) else {
        let ended = input.contains(&b'\n');
        let fault = short_line_fault(input);
        return Err(if ended {
            Halt::Fault(fault)
        } else {
            Halt::Incomplete
        });
    };
    let version = match version_of(&start[..8]) {
        Ok(version) if start[8] == b' ' => version,
        Err(VersionFault::Unsupported) => {
            return Err(Halt::Fault(ResponseFault::VersionUnsupported));
        }
        _ => return Err(malformed),
    };
    let status = decimal(&start[9..]).and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|&code| code >= 100).ok_or(malformed)?;
    let reason_start = if byte_at(input, 12)? == b' ' { 13 } else { 12 };
    let reason_end = if reason_start == 13 {
        skip(input, 13, &FIELD_VALUE)
    } else {
        12
    };
    let next = line_end(input, reason_end).map_err(Halt::or)?;
    Ok((version, status, Span::new(reason_start, reason_end), next))
}

/// The fault of a line that is too short. It must not depend on how the bytes were split into reads.
fn short_line_fault(input: &[u8]) -> ResponseFault {
    match input.get(..8).map(version_of) {
        Some(Err(VersionFault::Unsupported)) => ResponseFault::VersionUnsupported,
        _ => ResponseFault::LineMalformed,
    }
}

fn check_head(
    input: &[u8],
    method: Method,
    fields: &[Field],
    head: &mut ResponseHead,
) -> Result<(), ResponseFault> {
    let mut connection = ConnectionOptions::default();
    let mut chunked = false;
    for field in fields {
        let value = field.value.of(input);
        match field.kind {
            FieldKind::Connection => connection.add(value),
            FieldKind::ContentLength => head.content_length = Some(one_length(head, value)?),
            FieldKind::Date => head.has_date = true,
            FieldKind::TransferEncoding => {
                // TE is not forwarded, so no other coding is allowed.
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(ResponseFault::FramingAmbiguous);
                }
                chunked = true;
            }
            _ => {}
        }
    }
    head.body = body_of(method, chunked, head)?;
    head.persists = connection.persists(head.version) && head.body != BodyKind::UntilClose;
    head.names_fields = connection.names_fields;
    Ok(())
}

fn one_length(head: &ResponseHead, value: &[u8]) -> Result<u64, ResponseFault> {
    let length = content_length(value).filter(|_| head.content_length.is_none());
    length.ok_or(ResponseFault::FramingAmbiguous)
}

/// RFC 9112 §6.3.
fn body_of(method: Method, chunked: bool, head: &ResponseHead) -> Result<BodyKind, ResponseFault> {
    if chunked && (head.content_length.is_some() || head.version == Version::Http10) {
        return Err(ResponseFault::FramingAmbiguous);
    }
    if method == Method::Head || matches!(head.status, 100..=199 | 204 | 304) {
        return Ok(BodyKind::None);
    }
    Ok(match head.content_length {
        _ if chunked => BodyKind::Chunked,
        Some(length) => BodyKind::Length(length),
        None => BodyKind::UntilClose,
    })
}

impl From<RequestRefusal> for ResponseFault {
    fn from(fault: RequestRefusal) -> Self {
        match fault {
            RequestRefusal::FieldsTooLarge => Self::TooLarge,
            _ => Self::LineMalformed,
        }
    }
}
