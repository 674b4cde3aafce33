//! Writing HTTP/1 heads. All functions append to a vector of the caller.

use super::body::BodyKind;
use super::head::Version;
use super::request::RequestHead;
use super::response::ResponseHead;
use crate::bytes::write_decimal;
use crate::fields::expect::EXPECT_CONTINUE;
use crate::fields::forwarded::Forwarded;
use crate::fields::hsts::{HstsPolicy, hsts_covers};
use crate::fields::kind::{Field, FieldKind, connection_names};

pub use crate::fields::line::field;

/// The last chunk of a body without trailers (RFC 9112 §7.1).
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// The most bytes that [`chunk_start`] needs: 16 digits and a line end.
pub const CHUNK_START_BYTES: usize = 18;

/// A parsed head with its buffer and fields.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a, H> {
    /// The buffer.
    pub input: &'a [u8],
    /// The head.
    pub head: &'a H,
    /// The fields.
    pub fields: &'a [Field],
}

/// Append a request line of HTTP/1.1.
pub fn request_line(out: &mut Vec<u8>, method: &[u8], target: [&[u8]; 2]) {
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(target[0]);
    out.extend_from_slice(target[1]);
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// Append the framing field of a body, if it needs one.
pub fn framing(out: &mut Vec<u8>, body: BodyKind) {
    match body {
        BodyKind::Length(bytes) => content_length(out, bytes),
        BodyKind::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyKind::None | BodyKind::UntilClose => {}
    }
}

/// Append a Content-Length field.
pub fn content_length(out: &mut Vec<u8>, bytes: u64) {
    out.extend_from_slice(b"Content-Length: ");
    write_decimal(out, bytes);
    out.extend_from_slice(b"\r\n");
}

/// Append the head of an HTTP/1 client's request in the form for servers.
pub fn request(
    out: &mut Vec<u8>,
    message: Message<'_, RequestHead>,
    host: &[u8],
    forwarded: &Forwarded<'_>,
) {
    let Message {
        input,
        head,
        fields,
    } = message;
    let target = [head.target.prefix.as_bytes(), head.target.text.of(input)];
    request_line(out, head.method_text.of(input), target);
    field(out, b"Host", host);
    for it in fields {
        let name = it.name.of(input);
        let kept = match it.kind {
            FieldKind::EndToEnd
            | FieldKind::Cookie
            | FieldKind::Date
            | FieldKind::StrictTransportSecurity => {
                !(head.names_fields && connection_names(input, fields, name))
            }
            FieldKind::Upgrade => head.upgrade,
            _ => false,
        };
        if kept {
            field(out, name, it.value.of(input));
        }
    }
    if head.upgrade {
        out.extend_from_slice(b"Connection: Upgrade\r\n");
    }
    // Written in the simplest form, since servers parse the list differently.
    if head.expects_continue && !(head.names_fields && connection_names(input, fields, b"expect")) {
        field(out, b"Expect", EXPECT_CONTINUE);
    }
    framing(out, head.body);
    forwarded.write(out);
    out.extend_from_slice(b"\r\n");
}

/// How to write a response for an HTTP/1 client.
#[derive(Clone, Copy, Debug)]
pub struct ResponseOptions<'a> {
    /// The framing for the client; `None` keeps the Content-Length of a response to HEAD.
    pub body: BodyKind,
    /// The Connection field.
    pub connection: ConnectionField,
    /// The site's HSTS policy and header value.
    pub hsts: Option<(HstsPolicy, &'a [u8])>,
    /// The Date of a response that has none (RFC 9110 §6.6.1).
    pub date: &'a [u8],
}

/// The Connection field of a response (RFC 9110 §7.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionField {
    /// None: HTTP/1.1 connections persist by default.
    Absent,
    /// `close`.
    Close,
    /// `keep-alive`, which HTTP/1.0 clients require.
    KeepAlive,
    /// `Upgrade`: the connection switches to the protocol of the Upgrade field.
    Upgrade,
}

impl ConnectionField {
    /// The field for a connection that persists or does not.
    #[must_use]
    pub fn new(persists: bool, version: Version) -> Self {
        match (persists, version) {
            (false, _) => Self::Close,
            (true, Version::Http11) => Self::Absent,
            (true, Version::Http10) => Self::KeepAlive,
        }
    }

    /// Append the field.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Absent => b"",
            Self::Close => b"Connection: close\r\n",
            Self::KeepAlive => b"Connection: keep-alive\r\n",
            Self::Upgrade => b"Connection: Upgrade\r\n",
        });
    }

    /// Append the field to a head with an Upgrade field, which it must name (RFC 9110 §7.8).
    fn write_with_upgrade(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Absent | Self::Upgrade => b"Connection: Upgrade\r\n",
            Self::Close => b"Connection: close, Upgrade\r\n",
            Self::KeepAlive => b"Connection: keep-alive, Upgrade\r\n",
        });
    }
}

/// Append the head of a server's final response in the form for an HTTP/1 client.
pub fn response(
    out: &mut Vec<u8>,
    message: Message<'_, ResponseHead>,
    options: &ResponseOptions<'_>,
) {
    let Message {
        input,
        head,
        fields,
    } = message;
    status_line(out, head.status, head.reason.of(input));
    let upgrades = options.connection == ConnectionField::Upgrade || offers_upgrade(message);
    for (name, value) in forwarded_fields(message, options.hsts.map(|it| it.0), upgrades) {
        field(out, name, value);
    }
    match (options.body, head.content_length) {
        // RFC 9110 §8.6: 1xx and 204 have no Content-Length; 304 and responses to HEAD may have one.
        (BodyKind::None, Some(length)) if head.status >= 200 && head.status != 204 => {
            content_length(out, length);
        }
        (body, _) => framing(out, body),
    }
    if let Some((policy, value)) = options.hsts
        && !covers(input, fields, policy)
    {
        field(out, b"Strict-Transport-Security", value);
    }
    if !head.has_date {
        field(out, b"Date", options.date);
    }
    if upgrades {
        options.connection.write_with_upgrade(out);
    } else {
        options.connection.write(out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a server requires an upgrade, to the protocol in the Upgrade field (RFC 9110 §15.5.22).
fn offers_upgrade(message: Message<'_, ResponseHead>) -> bool {
    let has_field = || {
        message
            .fields
            .iter()
            .any(|it| it.kind == FieldKind::Upgrade)
    };
    message.head.status == 426 && has_field()
}

/// Append an interim response (RFC 9110 §15.2) in the form for an HTTP/1.1 client.
pub fn interim(out: &mut Vec<u8>, message: Message<'_, ResponseHead>) {
    status_line(
        out,
        message.head.status,
        message.head.reason.of(message.input),
    );
    for (name, value) in forwarded_fields(message, None, false) {
        field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// The fields of a response to forward to a client of any version.
///
/// `policy` is the site's HSTS policy. The server's first header is forwarded if it is at least as strong,
/// since clients use only the first one (RFC 6797 §8.1).
pub fn forwarded_fields(
    message: Message<'_, ResponseHead>,
    policy: Option<HstsPolicy>,
    upgrades: bool,
) -> impl Iterator<Item = (&[u8], &[u8])> {
    let Message {
        input,
        head,
        fields,
    } = message;
    let mut keeps_hsts = policy.is_none_or(|policy| covers(input, fields, policy));
    fields.iter().filter_map(move |it| {
        let name = it.name.of(input);
        let kept = match it.kind {
            FieldKind::EndToEnd | FieldKind::Cookie | FieldKind::Date | FieldKind::Expect => {
                !(head.names_fields && connection_names(input, fields, name))
            }
            FieldKind::StrictTransportSecurity => std::mem::take(&mut keeps_hsts),
            FieldKind::Upgrade => upgrades,
            _ => false,
        };
        kept.then(|| (name, it.value.of(input)))
    })
}

/// Whether the server's own Strict-Transport-Security is at least as strong as the policy.
#[must_use]
pub fn covers(input: &[u8], fields: &[Field], policy: HstsPolicy) -> bool {
    let mut own = fields
        .iter()
        .filter(|it| it.kind == FieldKind::StrictTransportSecurity);
    own.next()
        .is_some_and(|it| hsts_covers(it.value.of(input), policy))
}

/// Append a status line.
pub fn status_line(out: &mut Vec<u8>, status: u16, reason: &[u8]) {
    out.extend_from_slice(b"HTTP/1.1 ");
    write_decimal(out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// Write the size line of a chunk to the end of `space`, and return its start.
///
/// Payload that directly follows `space` becomes a chunk without being moved.
pub fn chunk_start(space: &mut [u8; CHUNK_START_BYTES], bytes: usize) -> usize {
    let [.., cr, lf] = space;
    (*cr, *lf) = (b'\r', b'\n');
    let (mut start, mut left) = (CHUNK_START_BYTES - 2, bytes);
    loop {
        start -= 1;
        space[start] = b"0123456789abcdef"[left & 15];
        left >>= 4;
        if left == 0 {
            return start;
        }
    }
}
