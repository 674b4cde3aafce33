//! A request's field section, validated and encoded as HTTP/1.1 (RFC 9113 §8.2, §8.3; RFC 9114 §4.2, §4.3).

use super::line::{FieldLine, LineKind};
use crate::bytes::{TARGET, skip, trim};
use crate::fields::authority::{agreed_authority, without_empty_port};
use crate::fields::content_length::content_length;
use crate::fields::expect::{EXPECT_CONTINUE, expects_continue};
use crate::fields::forwarded::{Forwarded, Peer};
use crate::fields::kind::{FieldKind, Span, is_field_name};
use crate::fields::limits::HeadLimits;
use crate::http1::body::BodyKind;
use crate::http1::write;
use crate::method::Method;
use edge_contract::RequestRefusal;

/// The default port of an authority: every request here is for https.
const HTTPS_PORT: u16 = 443;
/// The separator of cookie pieces (RFC 9113 §8.2.3).
const COOKIE_SEPARATOR: &[u8] = b"; ";

/// The last decoded request. There is one for each connection, so that its memory is reused.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent")]
pub struct Request {
    /// The values of the pseudo-fields and Host.
    text: Vec<u8>,
    method: Option<Span>,
    scheme: Option<Span>,
    authority: Option<Span>,
    path: Option<Span>,
    host: Option<Span>,
    /// Field lines that are forwarded unchanged.
    field_lines: Vec<u8>,
    /// The pieces of the cookie, joined.
    cookie: Vec<u8>,
    has_cookie: bool,
    content_length: Option<u64>,
    expects_continue: bool,
    has_fields: bool,
    has_ended: bool,
    size: usize,
    count: usize,
    refusal: Option<RequestRefusal>,
}

impl Request {
    /// Start the next request, reusing the memory.
    pub(crate) fn start(&mut self, has_ended: bool) {
        let Self {
            mut text,
            mut field_lines,
            mut cookie,
            ..
        } = std::mem::take(self);
        text.clear();
        field_lines.clear();
        cookie.clear();
        *self = Self {
            text,
            field_lines,
            cookie,
            has_ended,
            ..Self::default()
        };
    }

    /// Release the memory, while the connection is idle.
    pub(crate) fn release_memory(&mut self) {
        *self = Self::default();
    }

    /// Add a line. After the first fault, lines are only counted.
    pub(crate) fn add(&mut self, line: FieldLine<'_>, limits: &HeadLimits) {
        // Pieces of a cookie are counted as the one field that they become (RFC 9113 §8.2.3).
        let is_piece = self.has_cookie && line.kind == LineKind::Field(FieldKind::Cookie);
        if is_piece {
            self.size += COOKIE_SEPARATOR.len() + line.value.len();
        } else {
            self.size += line.size();
            self.count += 1;
        }
        if self.refusal.is_none() {
            // As in HTTP/1, a colon and a space are between name and value.
            let before = if is_piece {
                self.cookie.len() + COOKIE_SEPARATOR.len()
            } else {
                0
            };
            let line_bytes = line.name.len() + before + line.value.len() + 2;
            let is_short = line_bytes <= limits.line_bytes || line.kind == LineKind::Path;
            let within = is_short
                && self.size <= limits.bytes
                && self.count <= limits.fields.saturating_add(4);
            let outcome = if within {
                self.add_within_limits(line, limits)
            } else {
                Err(RequestRefusal::FieldsTooLarge)
            };
            self.refusal = outcome.err();
        }
    }

    fn add_within_limits(
        &mut self,
        line: FieldLine<'_>,
        limits: &HeadLimits,
    ) -> Result<(), RequestRefusal> {
        let FieldLine { name, value, .. } = line;
        if !line.is_valid {
            return Err(RequestRefusal::FieldValueMalformed);
        }
        let kind = match line.kind {
            LineKind::Method => return self.pseudo(value, |it| &mut it.method),
            LineKind::Scheme => return self.pseudo(value, |it| &mut it.scheme),
            LineKind::Authority => return self.pseudo(value, |it| &mut it.authority),
            LineKind::Path if value.len() > limits.target_bytes => {
                return Err(RequestRefusal::TargetTooLong);
            }
            LineKind::Path => return self.pseudo(value, |it| &mut it.path),
            LineKind::OtherPseudo => return Err(RequestRefusal::PseudoFieldMalformed),
            LineKind::Malformed => return Err(RequestRefusal::FieldNameMalformed),
            LineKind::Forbidden => return Err(RequestRefusal::ConnectionFieldForbidden),
            LineKind::Te if value != b"trailers" => {
                return Err(RequestRefusal::ConnectionFieldForbidden);
            }
            LineKind::Te => FieldKind::HopByHop,
            LineKind::Field(kind) => kind,
        };
        self.has_fields = true;
        match kind {
            FieldKind::Expect => self.expects_continue |= expects_continue(value)?,
            FieldKind::EndToEnd | FieldKind::Date | FieldKind::StrictTransportSecurity => {
                write::field(&mut self.field_lines, name, value);
            }
            FieldKind::Cookie => self.cookie(value),
            FieldKind::Host => {
                let span = self.store(value);
                set(&mut self.host, span, RequestRefusal::HostRepeated)?;
            }
            FieldKind::ContentLength => {
                let length = content_length(value).ok_or(RequestRefusal::LengthMalformed)?;
                set(
                    &mut self.content_length,
                    length,
                    RequestRefusal::LengthRepeated,
                )?;
            }
            FieldKind::Connection
            | FieldKind::Forwarded
            | FieldKind::HopByHop
            | FieldKind::TransferEncoding
            | FieldKind::Upgrade => {}
        }
        Ok(())
    }

    /// RFC 9113 §8.3: once each, and before all fields.
    fn pseudo(
        &mut self,
        value: &[u8],
        slot: impl Fn(&mut Self) -> &mut Option<Span>,
    ) -> Result<(), RequestRefusal> {
        if self.has_fields {
            return Err(RequestRefusal::PseudoFieldMalformed);
        }
        let span = self.store(value);
        set(slot(self), span, RequestRefusal::PseudoFieldMalformed)
    }

    fn store(&mut self, value: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(value);
        Span::new(start, self.text.len())
    }

    /// RFC 9113 §8.2.3: pieces of a cookie are joined for HTTP/1.
    fn cookie(&mut self, value: &[u8]) {
        if std::mem::replace(&mut self.has_cookie, true) {
            self.cookie.extend_from_slice(COOKIE_SEPARATOR);
        }
        self.cookie.extend_from_slice(value);
    }

    /// Validate the whole request, after its last line.
    pub(crate) fn finish(&mut self) {
        if self.refusal.is_none() {
            self.refusal = self.check().err();
        }
    }

    fn check(&self) -> Result<(), RequestRefusal> {
        let missing = RequestRefusal::PseudoFieldMalformed;
        let method = self.method.ok_or(missing)?.of(&self.text);
        if !is_field_name(method) {
            return Err(RequestRefusal::MethodMalformed);
        }
        // CONNECT has neither scheme nor path, so it is checked first (RFC 9113 §8.5).
        if self.method() == Method::Connect {
            let is_plain = self.scheme.is_none() && self.path.is_none();
            return Err(if is_plain {
                RequestRefusal::MethodUnsupported
            } else {
                missing
            });
        }
        let scheme = self.scheme.ok_or(missing)?.of(&self.text);
        if !scheme.eq_ignore_ascii_case(b"https") {
            return Err(missing);
        }
        check_path(self.method(), self.path.ok_or(missing)?.of(&self.text))?;
        self.check_host()?;
        // RFC 9113 §8.1.1: a request whose DATA frames do not add up to its length is malformed.
        if self.has_ended && self.content_length.is_some_and(|length| length > 0) {
            return Err(RequestRefusal::BodyMalformed);
        }
        Ok(())
    }

    fn check_host(&self) -> Result<(), RequestRefusal> {
        let (first, second) = match (self.authority, self.host) {
            (None, None) => return Err(RequestRefusal::HostMissing),
            (Some(span), other) => (span, other),
            (None, Some(span)) => (span, None),
        };
        let second = second.map(|it| it.of(&self.text));
        agreed_authority(first.of(&self.text), second, HTTPS_PORT).map(drop)
    }

    /// Why the request is refused, if it is.
    #[must_use]
    pub fn refusal(&self) -> Option<RequestRefusal> {
        self.refusal
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        Method::of(self.method_text())
    }

    /// The method as it was sent.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        self.span(self.method)
    }

    /// The target: origin form, or the asterisk of OPTIONS.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.span(self.path)
    }

    /// The authority.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        without_empty_port(self.span(self.authority.or(self.host)))
    }

    /// The framing of the body for the server.
    #[must_use]
    pub fn body(&self) -> BodyKind {
        match self.content_length {
            Some(length) => BodyKind::Length(length),
            None if self.has_ended && !self.method().expects_body() => BodyKind::None,
            None => BodyKind::Chunked,
        }
    }

    /// The number of bytes that the body must have.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Append the head for the server. The request must not be refused.
    pub fn write(&self, out: &mut Vec<u8>, peer: Peer<'_>) {
        write::request_line(out, self.method_text(), [self.target(), b""]);
        write::field(out, b"Host", self.host());
        out.extend_from_slice(&self.field_lines);
        if self.has_cookie {
            // After an empty last piece there would be a trailing space, which some servers do not trim.
            write::field(out, b"Cookie", trim(&self.cookie));
        }
        // Only with a body (RFC 9110 §10.1.1).
        if self.expects_continue && !self.has_ended && self.content_length != Some(0) {
            write::field(out, b"Expect", EXPECT_CONTINUE);
        }
        write::framing(out, self.body());
        let host = Some(self.host());
        Forwarded { peer, host }.write(out);
        out.extend_from_slice(b"\r\n");
    }

    fn span(&self, span: Option<Span>) -> &[u8] {
        span.map_or(b"", |span| span.of(&self.text))
    }
}

/// `:path` (RFC 9113 §8.3.1): origin form, or the asterisk of OPTIONS.
fn check_path(method: Method, path: &[u8]) -> Result<(), RequestRefusal> {
    match path {
        [b'/', ..] if skip(path, 0, &TARGET) == path.len() => Ok(()),
        b"*" if method == Method::Options => Ok(()),
        _ => Err(RequestRefusal::TargetMalformed),
    }
}

fn set<V>(slot: &mut Option<V>, value: V, repeated: RequestRefusal) -> Result<(), RequestRefusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(repeated),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const GET: [(&str, &str); 4] = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/"),
        (":authority", "a"),
    ];

    fn written_as(fields: &[(&str, &str)], has_ended: bool) -> Result<String, RequestRefusal> {
        written_within(&HeadLimits::with_bytes(10_000), fields, has_ended)
    }

    fn written_within(
        limits: &HeadLimits,
        fields: &[(&str, &str)],
        has_ended: bool,
    ) -> Result<String, RequestRefusal> {
        let mut request = Request::default();
        request.start(has_ended);
        for (name, value) in fields {
            let (name, value) = (name.as_bytes(), value.as_bytes());
            request.add(FieldLine::new(LineKind::of(name), name, value), limits);
        }
        request.finish();
        let mut out = Vec::new();
        request.refusal().map_or(Ok(()), Err)?;
        request.write(&mut out, IpAddr::from([192, 0, 2, 1]).into());
        Ok(String::from_utf8(out).unwrap())
    }

    fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        [&GET, more].concat()
    }

    #[test]
    fn a_request_is_written_in_http_1_1() {
        let request = [
            (":path", "/x?y"),
            (":authority", "a.example:8443"),
            (":scheme", "https"),
            (":method", "GET"),
            ("accept", "*/*"),
            ("cookie", "a=b"),
            ("te", "trailers"),
            ("x-forwarded-for", "forged"),
            ("cookie", "c=d"),
        ];
        let expected = "GET /x?y HTTP/1.1\r\nHost: a.example:8443\r\naccept: */*\r\n\
            Cookie: a=b; c=d\r\n\
            Forwarded: for=192.0.2.1;host=\"a.example:8443\";proto=https\r\n\
            X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\
            X-Forwarded-Host: a.example:8443\r\n\r\n";
        assert_eq!(Ok(expected.into()), written_as(&request, true));
    }

    #[test]
    fn an_empty_last_cookie_piece_leaves_no_trailing_space() {
        for (pieces, line) in [
            (vec![""], "\r\nCookie: \r\n"),
            (vec!["a", ""], "\r\nCookie: a;\r\n"),
            (vec!["", "a"], "\r\nCookie: ; a\r\n"),
        ] {
            let fields: Vec<_> = pieces.into_iter().map(|piece| ("cookie", piece)).collect();
            assert!(
                written_as(&with(&fields), true).unwrap().contains(line),
                "{line:?}"
            );
        }
    }

    #[test]
    fn cookie_pieces_count_as_one_field_of_their_joined_length() {
        let pieces = |count| [&GET[..], &vec![("cookie", "name=value"); count]].concat();
        let joined = vec!["name=value"; 400].join("; ");
        let written_once = written_as(&with(&[("cookie", joined.clone().leak())]), true);
        assert_eq!(written_once, written_as(&pieces(400), true));
        assert!(
            written_once
                .unwrap()
                .contains(&format!("\r\nCookie: {joined}\r\n"))
        );
        // The limit on lines applies to the joined line.
        let long = [("cookie", "x".repeat(9000).leak() as &str)];
        let both = [&with(&long)[..], &long].concat();
        assert_eq!(Err(RequestRefusal::FieldsTooLarge), written_as(&both, true));
        let limits = HeadLimits {
            line_bytes: 100,
            ..HeadLimits::with_bytes(10_000)
        };
        let is_accepted = |count| written_within(&limits, &pieces(count), true).is_ok();
        assert_eq!([true, false], [7, 8].map(is_accepted));
    }

    #[test]
    fn an_authority_is_normalised() {
        for (authority, host, written) in [
            ("a:", None, "a"),
            ("a:443", Some("a"), "a:443"),
            ("a", Some("A:443"), "a"),
            ("a:", Some("a:443"), "a"),
        ] {
            let mut fields = GET.to_vec();
            fields[3].1 = authority;
            fields.extend(host.map(|host| ("host", host)));
            let line = format!("\r\nHost: {written}\r\n");
            assert!(
                written_as(&fields, true).unwrap().contains(&line),
                "{authority}"
            );
        }
        for host in ["a:80", "a:8443", "b"] {
            assert_eq!(
                Err(RequestRefusal::HostDiffers),
                written_as(&with(&[("host", host)]), true)
            );
        }
    }

    #[test]
    fn a_body_has_a_length_or_is_chunked() {
        let head = written_as(&GET, false).unwrap();
        let chunked = "\r\nTransfer-Encoding: chunked\r\n";
        assert!(head.contains(chunked));
        for (method, is_chunked) in [
            ("POST", true),
            ("PUT", true),
            ("PATCH", true),
            ("GET", false),
        ] {
            let mut fields = GET;
            fields[0].1 = method;
            assert_eq!(
                is_chunked,
                written_as(&fields, true).unwrap().contains(chunked)
            );
        }
        let sized = written_as(&with(&[("content-length", "7")]), false).unwrap();
        assert!(sized.contains("\r\nContent-Length: 7\r\n"));
        assert!(!sized.contains("content-length"));
    }

    #[test]
    fn an_expectation_is_forwarded_only_with_a_body() {
        let expecting = with(&[("expect", "100-Continue")]);
        let line = "\r\nExpect: 100-continue\r\n";
        assert!(written_as(&expecting, false).unwrap().contains(line));
        let listed = with(&[("expect", "100-continue,"), ("expect", ", 100-Continue")]);
        assert_eq!(1, written_as(&listed, false).unwrap().matches(line).count());
        let sized = [&expecting[..], &[("content-length", "1")]].concat();
        assert!(written_as(&sized, false).unwrap().contains(line));
        let empty = [&expecting[..], &[("content-length", "0")]].concat();
        let mut post = expecting.clone();
        post[0].1 = "POST";
        let nothing = written_as(&with(&[("expect", "")]), false);
        for bodiless in [
            written_as(&expecting, true),
            written_as(&empty, false),
            written_as(&post, true),
            nothing,
        ] {
            assert!(!bodiless.unwrap().to_lowercase().contains("expect"));
        }
    }

    #[test]
    fn malformed_fields_are_refused() {
        for (refusal, more) in [
            (RequestRefusal::HostDiffers, vec![("host", "b")]),
            (
                RequestRefusal::HostRepeated,
                vec![("host", "a"), ("host", "a")],
            ),
            (
                RequestRefusal::LengthRepeated,
                vec![("content-length", "0"), ("content-length", "0")],
            ),
            (
                RequestRefusal::LengthMalformed,
                vec![("content-length", "+1")],
            ),
            (
                RequestRefusal::LengthMalformed,
                vec![("content-length", "9223372036854775808")],
            ),
            (RequestRefusal::BodyMalformed, vec![("content-length", "1")]),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("connection", "x")],
            ),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("keep-alive", "1")],
            ),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("proxy-connection", "x")],
            ),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("transfer-encoding", "chunked")],
            ),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("upgrade", "h2c")],
            ),
            (
                RequestRefusal::ConnectionFieldForbidden,
                vec![("te", "gzip")],
            ),
            (
                RequestRefusal::ExpectationUnsupported,
                vec![("expect", "200-ok")],
            ),
            (
                RequestRefusal::ExpectationUnsupported,
                vec![("expect", "x")],
            ),
            (
                RequestRefusal::ExpectationUnsupported,
                vec![("expect", "100-continue, x"), ("expect", "100-continue")],
            ),
            (RequestRefusal::FieldNameMalformed, vec![("Accept", "x")]),
            (RequestRefusal::FieldNameMalformed, vec![("", "x")]),
            (RequestRefusal::FieldNameMalformed, vec![("a b", "x")]),
            (RequestRefusal::FieldNameMalformed, vec![("a\r\nb", "x")]),
            (RequestRefusal::FieldNameMalformed, vec![("a:", "x")]),
            (
                RequestRefusal::FieldValueMalformed,
                vec![("a", "x\r\nb: c")],
            ),
            (RequestRefusal::FieldValueMalformed, vec![("a", "x\n")]),
            (RequestRefusal::FieldValueMalformed, vec![("a", "\0")]),
            (RequestRefusal::FieldValueMalformed, vec![("a", " x")]),
            (RequestRefusal::FieldValueMalformed, vec![("a", "x\t")]),
            (
                RequestRefusal::FieldValueMalformed,
                vec![("cookie", "x\r\n")],
            ),
            (RequestRefusal::PseudoFieldMalformed, vec![(":path", "/")]),
            (
                RequestRefusal::PseudoFieldMalformed,
                vec![(":status", "200")],
            ),
            (
                RequestRefusal::PseudoFieldMalformed,
                vec![(":protocol", "x")],
            ),
        ] {
            assert_eq!(Err(refusal), written_as(&with(&more), true), "{more:?}");
        }
    }

    #[test]
    fn malformed_pseudo_fields_are_refused() {
        for (refusal, name, value) in [
            (RequestRefusal::HostMalformed, ":authority", "user@a"),
            (RequestRefusal::HostMalformed, ":authority", ""),
            (RequestRefusal::TargetMalformed, ":path", "*"),
            (RequestRefusal::TargetMalformed, ":path", ""),
            (RequestRefusal::TargetMalformed, ":path", "https://a/"),
            (RequestRefusal::TargetMalformed, ":path", "/a b"),
            (RequestRefusal::TargetMalformed, ":path", "/a#b"),
            (RequestRefusal::MethodMalformed, ":method", "G T"),
            (RequestRefusal::MethodMalformed, ":method", ""),
            (RequestRefusal::PseudoFieldMalformed, ":method", "CONNECT"),
            (RequestRefusal::PseudoFieldMalformed, ":scheme", "http"),
            (RequestRefusal::FieldValueMalformed, ":path", "/\r\nx: y"),
        ] {
            let mut fields = GET;
            let position = fields.iter().position(|it| it.0 == name).unwrap();
            fields[position].1 = value;
            assert_eq!(Err(refusal), written_as(&fields, true), "{name} {value:?}");
        }
    }

    #[test]
    fn pseudo_fields_are_required_and_come_first() {
        for missing in 0..3 {
            let mut fields = GET.to_vec();
            fields.remove(missing);
            assert_eq!(
                Err(RequestRefusal::PseudoFieldMalformed),
                written_as(&fields, true)
            );
        }
        assert_eq!(
            Err(RequestRefusal::HostMissing),
            written_as(&GET[..3], true)
        );
        let late = [&[("accept", "x")][..], &GET].concat();
        assert_eq!(
            Err(RequestRefusal::PseudoFieldMalformed),
            written_as(&late, true)
        );
    }

    #[test]
    fn fields_beyond_the_limits_are_refused() {
        let long = "x".repeat(9000);
        let fields = [&GET[..], &[("a", &long), ("b", &long)]].concat();
        assert_eq!(
            Err(RequestRefusal::FieldsTooLarge),
            written_as(&fields, true)
        );
        let many = [&GET[..], &[("a", ""); 129]].concat();
        assert_eq!(Err(RequestRefusal::FieldsTooLarge), written_as(&many, true));
    }
}
