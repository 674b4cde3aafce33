//! A strict parser of request heads (RFC 9112 §3).

use super::body::BodyKind;
use super::head::{
    ConnectionOptions, Halt, Version, VersionFault, byte_at, line_end, read_fields, version_of,
};
use super::target::{Target, TargetAuthority, read_target};
use crate::bytes::{TARGET, TOKEN, members, skip};
use crate::fields::authority::agreed_authority;
use crate::fields::content_length::content_length;
use crate::fields::expect::expects_continue;
use crate::fields::kind::{Field, FieldKind, Span};
use crate::fields::limits::HeadLimits;
use crate::method::Method;
use edge_contract::RequestRefusal;

/// A parsed request head, with ranges of its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent")]
pub struct RequestHead {
    /// The number of bytes from the buffer's start to the body.
    pub length: usize,
    /// The method.
    pub method: Method,
    /// The method as it was sent.
    pub method_text: Span,
    /// The target in the form for servers.
    pub target: Target,
    /// The version.
    pub version: Version,
    /// The authority: Host, or that of the absolute target; `None` only in HTTP/1.0.
    pub host: Option<Span>,
    /// The framing of the body.
    pub body: BodyKind,
    /// Whether the client keeps the connection open for another request.
    pub persists: bool,
    /// Whether the client asks for an upgrade to a WebSocket (RFC 6455 §4.1).
    ///
    /// Other protocols are not forwarded: with `h2c`, requests would pass without being checked.
    pub upgrade: bool,
    /// Whether `Connection` names fields that would be forwarded otherwise.
    pub names_fields: bool,
    /// Whether the client waits for 100 (Continue) before it sends the body. Never in HTTP/1.0, or
    /// without a body (RFC 9110 §10.1.1).
    pub expects_continue: bool,
}

/// The most empty lines before a request, which some clients send after a body (RFC 9112 §2.2).
pub const MAX_EMPTY_LINES: usize = 4;

/// Parse the request head at the start of `input`; `None` if more bytes are needed.
///
/// `fields` is cleared, and the fields are appended to it. The result does not depend on how the
/// bytes were split into reads.
pub fn parse_request(
    input: &[u8],
    limits: &HeadLimits,
    fields: &mut Vec<Field>,
) -> Result<Option<RequestHead>, RequestRefusal> {
    fields.clear();
    let readable = &input[..input.len().min(limits.bytes)];
    match read_request(readable, limits, fields) {
        Ok(head) => Ok(Some(head)),
        Err(Halt::Fault(refusal)) => Err(refusal),
        Err(Halt::Incomplete) if input.len() < limits.bytes => Ok(None),
        Err(Halt::Incomplete) => Err(too_large(readable)),
    }
}

fn too_large(input: &[u8]) -> RequestRefusal {
    let in_request_line = !input.contains(&b'\n');
    if in_request_line {
        RequestRefusal::TargetTooLong
    } else {
        RequestRefusal::FieldsTooLarge
    }
}

fn read_request(
    input: &[u8],
    limits: &HeadLimits,
    fields: &mut Vec<Field>,
) -> Result<RequestHead, Halt<RequestRefusal>> {
    let mut start = 0;
    for _ in 0..MAX_EMPTY_LINES {
        if byte_at(input, start)? != b'\r' {
            break;
        }
        start = line_end(input, start)?;
    }
    let line = read_request_line(input, start, limits)?;
    let length = read_fields(input, line.end, limits, fields)?;
    check_head(input, &line, fields, length).map_err(Halt::Fault)
}

struct RequestLine {
    method: Span,
    target: Span,
    version: Version,
    end: usize,
}

fn read_request_line(
    input: &[u8],
    start: usize,
    limits: &HeadLimits,
) -> Result<RequestLine, Halt<RequestRefusal>> {
    let method_end = skip(input, start, &TOKEN);
    if byte_at(input, method_end)? != b' ' || method_end == start {
        return Err(Halt::Fault(RequestRefusal::MethodMalformed));
    }
    let target_start = method_end + 1;
    let target_end = skip(input, target_start, &TARGET);
    if target_end - target_start > limits.target_bytes {
        return Err(Halt::Fault(RequestRefusal::TargetTooLong));
    }
    match byte_at(input, target_end)? {
        b' ' if target_end > target_start => {}
        b'\r' | b'\n' => return Err(Halt::Fault(RequestRefusal::RequestLineMalformed)),
        _ => return Err(Halt::Fault(RequestRefusal::TargetMalformed)),
    }
    let version_end = target_end + 9;
    let version = read_version(input, target_end + 1, version_end)?;
    let end = line_end(input, version_end).map_err(|halt| match halt {
        Halt::Fault(RequestRefusal::FieldValueMalformed) => {
            Halt::Fault(RequestRefusal::RequestLineMalformed)
        }
        other => other,
    })?;
    let (method, target) = (
        Span::new(start, method_end),
        Span::new(target_start, target_end),
    );
    Ok(RequestLine {
        method,
        target,
        version,
        end,
    })
}

fn read_version(input: &[u8], start: usize, end: usize) -> Result<Version, Halt<RequestRefusal>> {
    let Some(text) = input.get(start..end) else {
        // A line that has ended before the version is malformed.
        let broken = input.get(start..).is_some_and(|rest| rest.contains(&b'\n'));
        let halt = Halt::Fault(RequestRefusal::RequestLineMalformed);
        return Err(if broken { halt } else { Halt::Incomplete });
    };
    version_of(text).map_err(|fault| match fault {
        VersionFault::Unsupported => Halt::Fault(RequestRefusal::VersionUnsupported),
        VersionFault::Malformed => Halt::Fault(RequestRefusal::RequestLineMalformed),
    })
}

/// The relevant fields, collected in one pass.
#[derive(Default)]
struct RelevantFields {
    host: Option<Span>,
    length: Option<Span>,
    transfer_encoding: Option<Span>,
    connection: ConnectionOptions,
    /// Whether the only Upgrade field asks for a WebSocket.
    upgrade: Option<bool>,
    expects_continue: bool,
}

fn check_head(
    input: &[u8],
    line: &RequestLine,
    fields: &[Field],
    length: usize,
) -> Result<RequestHead, RequestRefusal> {
    let relevant = collect_fields(input, fields)?;
    let method_name = line.method.of(input);
    let method = Method::of(method_name);
    let (target, target_host) = read_target(input, method, line.target)?;
    let host = check_host(input, line.version, relevant.host, target_host)?;
    let body = body_framing(input, line.version, &relevant)?;
    let persists = relevant.connection.persists(line.version);
    let has_body = !matches!(body, BodyKind::None | BodyKind::Length(0));
    // RFC 6455 §4.1: the handshake is a GET.
    let upgrade = relevant.upgrade == Some(true)
        && relevant.connection.upgrade
        && line.version == Version::Http11
        && method == Method::Get;
    Ok(RequestHead {
        length,
        method,
        method_text: line.method,
        target,
        version: line.version,
        host,
        body,
        persists,
        upgrade: upgrade && !has_body,
        names_fields: relevant.connection.names_fields,
        expects_continue: relevant.expects_continue && has_body && line.version == Version::Http11,
    })
}

fn collect_fields(input: &[u8], fields: &[Field]) -> Result<RelevantFields, RequestRefusal> {
    let mut relevant = RelevantFields::default();
    for field in fields {
        match field.kind {
            FieldKind::Connection => relevant.connection.add(field.value.of(input)),
            FieldKind::ContentLength if relevant.length.is_some() => {
                return Err(RequestRefusal::LengthRepeated);
            }
            FieldKind::ContentLength => relevant.length = Some(field.value),
            FieldKind::Host if relevant.host.is_some() => return Err(RequestRefusal::HostRepeated),
            FieldKind::Host => relevant.host = Some(field.value),
            FieldKind::TransferEncoding if relevant.transfer_encoding.is_some() => {
                return Err(RequestRefusal::TransferEncodingMalformed);
            }
            FieldKind::TransferEncoding => relevant.transfer_encoding = Some(field.value),
            FieldKind::Upgrade => {
                let is_websocket = field.value.of(input).eq_ignore_ascii_case(b"websocket");
                relevant.upgrade = Some(is_websocket && relevant.upgrade.is_none());
            }
            FieldKind::Expect => {
                relevant.expects_continue |= expects_continue(field.value.of(input))?;
            }
            _ => {}
        }
    }
    Ok(relevant)
}

fn check_host(
    input: &[u8],
    version: Version,
    field: Option<Span>,
    target: Option<TargetAuthority>,
) -> Result<Option<Span>, RequestRefusal> {
    let (host, target) = match (field, target) {
        (None, _) if version == Version::Http11 => return Err(RequestRefusal::HostMissing),
        (None, None) => return Ok(None),
        (None, Some(target)) => (target.text, None),
        (Some(host), target) => (host, target),
    };
    let default_port = target.map_or(0, |it| it.default_port);
    let target = target.map(|it| it.text.of(input));
    let text = agreed_authority(host.of(input), target, default_port)?;
    Ok(Some(Span::new(host.start(), host.start() + text.len())))
}

fn body_framing(
    input: &[u8],
    version: Version,
    relevant: &RelevantFields,
) -> Result<BodyKind, RequestRefusal> {
    match (relevant.transfer_encoding, relevant.length) {
        (Some(_), Some(_)) => Err(RequestRefusal::LengthWithTransferEncoding),
        (Some(coding), None) => check_coding(version, coding.of(input)).map(|()| BodyKind::Chunked),
        (None, Some(length)) => content_length(length.of(input))
            .map(BodyKind::Length)
            .ok_or(RequestRefusal::LengthMalformed),
        (None, None) => Ok(BodyKind::None),
    }
}

/// RFC 9112 §6.1: chunked exactly once, as the last coding; none in HTTP/1.0.
fn check_coding(version: Version, value: &[u8]) -> Result<(), RequestRefusal> {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if version == Version::Http10 {
        return Err(RequestRefusal::TransferEncodingMalformed);
    }
    if is_chunked(value) {
        return Ok(());
    }
    let ends_in_chunked = members(value).last().is_some_and(is_chunked);
    let chunked_times = members(value).filter(|coding| is_chunked(coding)).count();
    if ends_in_chunked && chunked_times == 1 && members(value).count() > 1 {
        return Err(RequestRefusal::TransferCodingUnsupported);
    }
    Err(RequestRefusal::TransferEncodingMalformed)
}
