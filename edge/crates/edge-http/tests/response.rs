//! Response heads: what is accepted, and what is refused with which fault.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_http::{BodyKind, HeadLimits, Method, ResponseFault, ResponseHead, parse_response};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 1024,
    target_bytes: 0,
    line_bytes: 1024,
    fields: 8,
};

fn read(method: Method, input: &str) -> Result<Option<ResponseHead>, ResponseFault> {
    parse_response(input.as_bytes(), method, &LIMITS, &mut Vec::new())
}

fn accepted(input: &str) -> ResponseHead {
    read(Method::Get, input).unwrap().unwrap()
}

#[test]
fn a_response_is_parsed() {
    let input = "HTTP/1.1 200 OK fine\r\nContent-Length: 3\r\ndate: x\r\n\r\nabc";
    let head = accepted(input);
    assert_eq!(
        (input.len() - 3, 200, BodyKind::Length(3)),
        (head.length, head.status, head.body)
    );
    assert_eq!(b"OK fine", head.reason.of(input.as_bytes()));
    assert!(head.persists && head.has_date);
}

#[test]
fn the_reason_may_be_empty_or_omitted() {
    assert_eq!(204, accepted("HTTP/1.1 204 \r\n\r\n").status);
    assert_eq!(204, accepted("HTTP/1.1 204\r\n\r\n").status);
}

#[test]
fn the_body_follows_from_method_status_and_fields() {
    for (expected, method, rest) in [
        (
            BodyKind::None,
            Method::Head,
            "200 OK\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            BodyKind::None,
            Method::Get,
            "304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            BodyKind::None,
            Method::Get,
            "204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (BodyKind::None, Method::Get, "100 Continue\r\n\r\n"),
        (
            BodyKind::Chunked,
            Method::Get,
            "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (BodyKind::UntilClose, Method::Get, "200 OK\r\n\r\n"),
    ] {
        let head = read(method, &format!("HTTP/1.1 {rest}")).unwrap().unwrap();
        assert_eq!(expected, head.body, "{rest:?}");
    }
}

#[test]
fn a_connection_persists_only_if_the_body_has_a_framing() {
    assert!(!accepted("HTTP/1.1 200 OK\r\n\r\n").persists);
    assert!(
        !accepted("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").persists
    );
    assert!(!accepted("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").persists);
    let kept = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
    assert!(accepted(kept).persists);
}

#[test]
fn malformed_responses_have_their_fault() {
    let folded = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n";
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(9));
    for (fault, input) in [
        (ResponseFault::LineMalformed, "SSH-2.0-x\r\n"),
        (ResponseFault::LineMalformed, "HTTP/1.1 20 OK\r\n"),
        (ResponseFault::LineMalformed, "HTTP/1.1 099 No\r\n"),
        (ResponseFault::LineMalformed, "HTTP/1.1  200 OK\r\n"),
        (ResponseFault::LineMalformed, "HTTP/1.1 2000 OK\r\n"),
        (ResponseFault::LineMalformed, "HTTP/1.1 200 OK\nA: b\n\n"),
        (
            ResponseFault::LineMalformed,
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        ),
        (ResponseFault::LineMalformed, folded),
        (ResponseFault::VersionUnsupported, "HTTP/2.0 200 OK\r\n"),
        (ResponseFault::TooLarge, &large),
        (ResponseFault::TooLarge, &many),
        (
            ResponseFault::FramingAmbiguous,
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        ),
        (
            ResponseFault::FramingAmbiguous,
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            ResponseFault::FramingAmbiguous,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        ),
        (
            ResponseFault::FramingAmbiguous,
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            ResponseFault::FramingAmbiguous,
            "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        ),
    ] {
        assert_eq!(Err(fault), read(Method::Get, input), "{input:?}");
    }
}
