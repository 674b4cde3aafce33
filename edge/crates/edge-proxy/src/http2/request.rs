//! An HTTP/2 request as HTTP/1.1 says it (RFC 9113 §8), with the same rules for what is refused.

use std::net::IpAddr;

use edge_http::{
    Authority, BodyKind, FieldKind, Forwarded, Method, Refusal, check_path, field_kind, write,
};
use http::header::{CONTENT_LENGTH, HOST};
use http::request::Parts;

/// What a request asks for, checked.
pub(super) struct Described<'a> {
    parts: &'a Parts,
    path: &'a str,
    /// The authority that is asked for.
    pub(super) host: &'a [u8],
    /// How the server will know where the body ends.
    pub(super) body: BodyKind,
}

/// Check a request; `has_ended` when no DATA will follow.
pub(super) fn describe(parts: &Parts, has_ended: bool) -> Result<Described<'_>, Refusal> {
    let method = Method::of(parts.method.as_str().as_bytes());
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    check_path(method, path.as_bytes())?;
    let host = host_of(parts)?;
    let body = body_of(parts, has_ended)?;
    Ok(Described {
        parts,
        path,
        host,
        body,
    })
}

/// RFC 9113 §8.3.1: where both are there, `:authority` and Host must agree.
fn host_of(parts: &Parts) -> Result<&[u8], Refusal> {
    let parse = |text| Authority::parse(text).ok_or(Refusal::HostMalformed);
    let authority = parts
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let mut fields = parts
        .headers
        .get_all(HOST)
        .iter()
        .map(http::HeaderValue::as_bytes);
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Refusal::HostRepeated);
    }
    match (authority, field) {
        (None, None) => Err(Refusal::HostMissing),
        (Some(one), Some(two)) if !parse(one)?.is_same(&parse(two)?) => Err(Refusal::HostDiffers),
        (Some(host), _) | (None, Some(host)) => parse(host).map(|_| host),
    }
}

fn body_of(parts: &Parts, has_ended: bool) -> Result<BodyKind, Refusal> {
    let mut lengths = parts.headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(Refusal::LengthRepeated);
    }
    let digits = length.map(http::HeaderValue::as_bytes);
    match digits.map(|digits| edge_http::decimal(digits).ok_or(Refusal::LengthMalformed)) {
        // RFC 9113 §8.1.1: a length that the DATA frames do not add up to is malformed.
        Some(bytes) if has_ended && bytes? > 0 => Err(Refusal::BodyMalformed),
        Some(bytes) => bytes.map(BodyKind::Length),
        None if has_ended => Ok(BodyKind::None),
        None => Ok(BodyKind::Chunked),
    }
}

impl Described<'_> {
    /// Append the head that the request has on its way to a server.
    pub(super) fn write(&self, out: &mut Vec<u8>, peer: IpAddr) {
        let method = self.parts.method.as_str().as_bytes();
        write::request_line(out, method, [self.path.as_bytes(), b""]);
        write::field(out, b"Host", self.host);
        for (name, value) in &self.parts.headers {
            let name = name.as_str().as_bytes();
            if matches!(
                field_kind(name),
                FieldKind::EndToEnd | FieldKind::Date | FieldKind::StrictTransportSecurity
            ) {
                write::field(out, name, value.as_bytes());
            }
        }
        self.write_cookie(out);
        write::framing(out, self.body);
        Forwarded {
            peer,
            host: Some(self.host),
        }
        .write(out);
        out.extend_from_slice(b"\r\n");
    }

    /// RFC 9113 §8.2.3: pieces of a cookie are one field where HTTP/2 ends.
    fn write_cookie(&self, out: &mut Vec<u8>) {
        let mut lead = b"Cookie: ".as_slice();
        for piece in self.parts.headers.get_all(http::header::COOKIE) {
            out.extend_from_slice(lead);
            out.extend_from_slice(piece.as_bytes());
            lead = b"; ";
        }
        if lead == b"; " {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Builder;

    use super::*;

    fn described(builder: Builder, has_ended: bool) -> Result<String, Refusal> {
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        describe(&parts, has_ended)?.write(&mut out, IpAddr::from([192, 0, 2, 1]));
        Ok(String::from_utf8(out).unwrap())
    }

    fn get(uri: &str) -> Builder {
        Request::builder().uri(uri)
    }

    #[test]
    fn a_request_is_said_in_http_1_1() {
        let request = get("https://a.example:8443/x?y")
            .header("accept", "*/*")
            .header("cookie", "a=b")
            .header("te", "trailers")
            .header("x-forwarded-for", "forged")
            .header("cookie", "c=d");
        let expected = "GET /x?y HTTP/1.1\r\nHost: a.example:8443\r\naccept: */*\r\n\
            Cookie: a=b; c=d\r\n\
            Forwarded: for=192.0.2.1;host=\"a.example:8443\";proto=https\r\n\
            X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\
            X-Forwarded-Host: a.example:8443\r\n\r\n";
        assert_eq!(Ok(expected.into()), described(request, true));
    }

    #[test]
    fn a_body_has_its_length_or_comes_in_chunks() {
        let head = |builder| described(builder, false).unwrap();
        assert!(head(get("https://a/")).contains("\r\nTransfer-Encoding: chunked\r\n"));
        let sized = head(get("https://a/").header("content-length", "7"));
        assert!(sized.contains("\r\nContent-Length: 7\r\n"));
        assert!(!sized.contains("content-length"));
    }

    #[test]
    fn what_http_1_would_refuse_is_refused() {
        let twice = get("https://a/")
            .header("content-length", "1")
            .header("content-length", "1");
        for (refusal, request) in [
            (Refusal::HostDiffers, get("https://a/").header("host", "b")),
            (
                Refusal::HostRepeated,
                get("/").header("host", "a").header("host", "a"),
            ),
            (Refusal::HostMissing, get("/")),
            (Refusal::HostMalformed, get("https://user@a/")),
            (Refusal::LengthRepeated, twice),
            (
                Refusal::LengthMalformed,
                get("https://a/").header("content-length", "+1"),
            ),
            (
                Refusal::BodyMalformed,
                get("https://a/").header("content-length", "1"),
            ),
            (
                Refusal::TargetMalformed,
                get("https://a").uri("*").header("host", "a"),
            ),
            (
                Refusal::MethodUnsupported,
                get("https://a/").method("CONNECT"),
            ),
        ] {
            assert_eq!(Err(refusal), described(request, true), "{refusal:?}");
        }
    }
}
