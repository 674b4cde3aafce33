//! Heads written anew, in one strict form; the caller's vector keeps its capacity between them.

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
/// Bytes that [`chunk_start`] may need: 16 digits and a line end.
pub const CHUNK_START_BYTES: usize = 18;

/// A message's head with the buffer that it was read from and the fields found there.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a, H> {
    /// The buffer.
    pub input: &'a [u8],
    /// The head.
    pub head: &'a H,
    /// The fields.
    pub fields: &'a [Field],
}

/// Append a request line; servers are always spoken to in HTTP/1.1.
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

/// Append the head that an HTTP/1 client's request has on its way to a server.
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
    // Read as a list and written in the one form that everybody reads.
    if head.expects_continue && !(head.names_fields && connection_names(input, fields, b"expect")) {
        field(out, b"Expect", EXPECT_CONTINUE);
    }
    framing(out, head.body);
    forwarded.write(out);
    out.extend_from_slice(b"\r\n");
}

/// How a response goes on to an HTTP/1 client.
#[derive(Clone, Copy, Debug)]
pub struct ResponseOnward<'a> {
    /// The client's framing of the body; `None` keeps the Content-Length of a response to HEAD.
    pub body: BodyKind,
    /// What the client is told about the connection.
    pub connection: ConnectionNote,
    /// The site's own HSTS policy, and the header value that says it.
    pub hsts: Option<(HstsPolicy, &'a [u8])>,
    /// The time, for responses that came without one (RFC 9110 §6.6.1).
    pub date: &'a [u8],
}

/// What a response says about the connection it comes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionNote {
    /// Nothing: HTTP/1.1 connections stay.
    Silent,
    /// `close`.
    Close,
    /// `keep-alive`, which an HTTP/1.0 client waits for.
    KeepAlive,
    /// `Upgrade`: the connection now speaks what the response's Upgrade field says.
    Upgrade,
}

impl ConnectionNote {
    /// The note for a connection that stays or does not.
    #[must_use]
    pub fn new(persists: bool, version: Version) -> Self {
        match (persists, version) {
            (false, _) => Self::Close,
            (true, Version::Http11) => Self::Silent,
            (true, Version::Http10) => Self::KeepAlive,
        }
    }

    /// Append the Connection field, if there is something to say.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Silent => b"",
            Self::Close => b"Connection: close\r\n",
            Self::KeepAlive => b"Connection: keep-alive\r\n",
            Self::Upgrade => b"Connection: Upgrade\r\n",
        });
    }

    /// The same beside an Upgrade field, which it has to name (RFC 9110 §7.8).
    fn write_with_upgrade(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Silent | Self::Upgrade => b"Connection: Upgrade\r\n",
            Self::Close => b"Connection: close, Upgrade\r\n",
            Self::KeepAlive => b"Connection: keep-alive, Upgrade\r\n",
        });
    }
}

/// Append the head that a server's final response has on its way to an HTTP/1 client.
pub fn response(
    out: &mut Vec<u8>,
    message: Message<'_, ResponseHead>,
    onward: &ResponseOnward<'_>,
) {
    let Message {
        input,
        head,
        fields,
    } = message;
    status_line(out, head.status, head.reason.of(input));
    let upgrades = onward.connection == ConnectionNote::Upgrade || offers_upgrade(message);
    for (name, value) in kept_fields(message, onward.hsts.map(|it| it.0), upgrades) {
        field(out, name, value);
    }
    match (onward.body, head.content_length) {
        // RFC 9110 §8.6: 1xx and 204 have no Content-Length, answers to HEAD and 304 may.
        (BodyKind::None, Some(length)) if head.status >= 200 && head.status != 204 => {
            content_length(out, length);
        }
        (body, _) => framing(out, body),
    }
    if let Some((policy, value)) = onward.hsts
        && !covers(input, fields, policy)
    {
        field(out, b"Strict-Transport-Security", value);
    }
    if !head.has_date {
        field(out, b"Date", onward.date);
    }
    if upgrades {
        onward.connection.write_with_upgrade(out);
    } else {
        onward.connection.write(out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a server answers nothing before its client upgrades: then the field that says to what
/// is the answer (RFC 9110 §15.5.22).
fn offers_upgrade(message: Message<'_, ResponseHead>) -> bool {
    let has_field = || {
        message
            .fields
            .iter()
            .any(|it| it.kind == FieldKind::Upgrade)
    };
    message.head.status == 426 && has_field()
}

/// Append an interim response (RFC 9110 §15.2) on its way to an HTTP/1.1 client.
pub fn interim(out: &mut Vec<u8>, message: Message<'_, ResponseHead>) {
    status_line(
        out,
        message.head.status,
        message.head.reason.of(message.input),
    );
    for (name, value) in kept_fields(message, None, false) {
        field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// The fields of a response that go on to a client, of any version.
///
/// `policy` is the site's own HSTS: of the server's header the first is kept when it asks for at
/// least as much, since clients read no other (RFC 6797 §8.1), and none when it asks for less.
pub fn kept_fields(
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

/// Whether the server's own Strict-Transport-Security asks for at least what the policy does.
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

/// Write the line that begins a chunk to the end of `space`, and return where it starts.
///
/// Payload that lies right after `space` becomes a chunk so, without being moved.
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
