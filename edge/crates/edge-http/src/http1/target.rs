//! Request targets (RFC 9112 §3.2), converted to the form for servers.

use crate::fields::kind::Span;
use crate::method::Method;
use edge_contract::RequestRefusal;

/// A request target in origin or asterisk form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The range in the buffer.
    pub text: Span,
    /// The text to insert before it: `/` for an absolute target without a path (RFC 9112 §3.2.2),
    /// `*` for such a target of OPTIONS (§3.2.4), else empty.
    pub prefix: &'static str,
}

/// The authority of a target in absolute form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetAuthority {
    pub(crate) text: Span,
    /// The default port of the scheme.
    pub(crate) default_port: u16,
}

/// Parse the target of a request line, and the authority if it is in absolute form.
pub(crate) fn read_target(
    input: &[u8],
    method: Method,
    span: Span,
) -> Result<(Target, Option<TargetAuthority>), RequestRefusal> {
    let text = span.of(input);
    match (method, text) {
        (Method::Connect, _) => Err(RequestRefusal::MethodUnsupported),
        (_, [b'/', ..]) | (Method::Options, b"*") => Ok((
            Target {
                text: span,
                prefix: "",
            },
            None,
        )),
        _ => absolute(input, method, span),
    }
}

fn absolute(
    input: &[u8],
    method: Method,
    span: Span,
) -> Result<(Target, Option<TargetAuthority>), RequestRefusal> {
    let text = span.of(input);
    let (scheme, default_port) = [(b"https://".as_slice(), 443), (b"http://", 80)]
        .into_iter()
        .find(|(scheme, _)| {
            text.get(..scheme.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        })
        .ok_or(RequestRefusal::TargetMalformed)?;
    let rest = &text[scheme.len()..];
    let host_length = rest
        .iter()
        .position(|byte| b"/?".contains(byte))
        .unwrap_or(rest.len());
    let host_start = span.start() + scheme.len();
    let path_start = host_start + host_length;
    let prefix = match rest.get(host_length) {
        Some(b'/') => "",
        None if method == Method::Options => "*",
        _ => "/",
    };
    let path = Span::new(path_start, span.start() + text.len());
    let authority = TargetAuthority {
        text: Span::new(host_start, path_start),
        default_port,
    };
    Ok((Target { text: path, prefix }, Some(authority)))
}
