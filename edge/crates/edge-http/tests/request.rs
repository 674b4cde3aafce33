//! Request heads: what is accepted, and what is refused with which reason.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_contract::RequestRefusal;
use edge_http::{
    BodyKind, Field, HeadLimits, MAX_EMPTY_LINES, Method, RequestHead, Version, parse_request,
};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 2048,
    target_bytes: 256,
    line_bytes: 2048,
    fields: 16,
};

fn read(input: &str) -> Result<Option<RequestHead>, RequestRefusal> {
    parse_request(input.as_bytes(), &LIMITS, &mut Vec::new())
}

fn accepted(input: &str) -> RequestHead {
    read(input).unwrap().unwrap()
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

#[test]
fn a_request_is_parsed() {
    let input = "GET /a?b=%20 HTTP/1.1\r\nHost: a.example:8443\r\nAccept:  */* \t\r\n\r\nrest";
    let mut fields: Vec<Field> = Vec::new();
    let head = parse_request(input.as_bytes(), &LIMITS, &mut fields)
        .unwrap()
        .unwrap();
    assert_eq!(input.len() - 4, head.length);
    assert_eq!((Method::Get, Version::Http11), (head.method, head.version));
    assert_eq!(b"/a?b=%20", head.target.text.of(input.as_bytes()));
    assert_eq!(
        Some(&b"a.example:8443"[..]),
        head.host.map(|host| host.of(input.as_bytes()))
    );
    assert_eq!(
        (BodyKind::None, true, false),
        (head.body, head.persists, head.upgrade)
    );
    assert_eq!(b"*/*", fields[1].value.of(input.as_bytes()));
}

#[test]
fn empty_lines_before_a_request_are_skipped_up_to_a_limit() {
    for lines in 0..=MAX_EMPTY_LINES {
        let input = "\r\n".repeat(lines) + &get("");
        assert_eq!(input.len(), accepted(&input).length);
        assert_eq!(Ok(None), read(&input[..2 * lines]));
    }
    let more = "\r\n".repeat(MAX_EMPTY_LINES + 1);
    assert_eq!(
        Err(RequestRefusal::MethodMalformed),
        read(&(more + &get("")))
    );
    assert_eq!(
        Err(RequestRefusal::BareCr),
        read("\r\n\rGET / HTTP/1.1\r\n")
    );
}

#[test]
fn malformed_request_lines_have_their_reason() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(256));
    for (refusal, line) in [
        (RequestRefusal::MethodMalformed, " / HTTP/1.1\r\n"),
        (RequestRefusal::MethodMalformed, "G(T / HTTP/1.1\r\n"),
        (RequestRefusal::MethodMalformed, "GET\t/ HTTP/1.1\r\n"),
        (
            RequestRefusal::MethodUnsupported,
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (RequestRefusal::RequestLineMalformed, "GET /\r\n"),
        (
            RequestRefusal::RequestLineMalformed,
            "GET / \r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::RequestLineMalformed,
            "GET / http/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::RequestLineMalformed,
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::RequestLineMalformed,
            "GET / / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (RequestRefusal::TargetMalformed, "GET  / HTTP/1.1\r\n"),
        (RequestRefusal::TargetMalformed, "GET /a#b HTTP/1.1\r\n"),
        (RequestRefusal::TargetMalformed, "GET /é HTTP/1.1\r\n"),
        (
            RequestRefusal::TargetMalformed,
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::TargetMalformed,
            "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::TargetMalformed,
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (RequestRefusal::TargetTooLong, &long),
        (RequestRefusal::VersionUnsupported, "GET / HTTP/2.0\r\n"),
        (RequestRefusal::VersionUnsupported, "GET / HTTP/1.2\r\n"),
        (RequestRefusal::BareLf, "GET / HTTP/1.1\nHost: a\n\n"),
        (RequestRefusal::BareCr, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
    ] {
        assert_eq!(Err(refusal), read(line), "{line:?}");
    }
}

#[test]
fn malformed_field_lines_have_their_reason() {
    for (refusal, fields) in [
        (RequestRefusal::LineFolded, "A: b\r\n c\r\n"),
        (RequestRefusal::LineFolded, "\tA: b\r\n"),
        (RequestRefusal::SpaceBeforeColon, "A : b\r\n"),
        (RequestRefusal::SpaceBeforeColon, "A b: c\r\n"),
        (RequestRefusal::FieldNameMalformed, ": b\r\n"),
        (RequestRefusal::FieldNameMalformed, "A\r\n"),
        (RequestRefusal::FieldNameMalformed, "A\0: b\r\n"),
        (RequestRefusal::FieldNameMalformed, "é: b\r\n"),
        (RequestRefusal::FieldNameMalformed, "A(: b\r\n"),
        (RequestRefusal::FieldValueMalformed, "A: b\0c\r\n"),
        (RequestRefusal::FieldValueMalformed, "A: b\x7f\r\n"),
        (RequestRefusal::FieldValueMalformed, "A: \x0bchunked\r\n"),
        (RequestRefusal::BareLf, "A: b\n"),
        (RequestRefusal::BareCr, "A: b\rc\r\n"),
        (RequestRefusal::BareLf, "A\nB: c\r\n"),
    ] {
        assert_eq!(Err(refusal), read(&get(fields)), "{fields:?}");
    }
}

#[test]
fn a_head_has_limits() {
    assert_eq!(
        Err(RequestRefusal::FieldsTooLarge),
        read(&get(&"A: b\r\n".repeat(16)))
    );
    let long = get(&format!("A: {}\r\n", "b".repeat(2048)));
    assert_eq!(Err(RequestRefusal::FieldsTooLarge), read(&long));
    assert_eq!(Err(RequestRefusal::TargetTooLong), read(&"G".repeat(2048)));
    let fits = get(&format!(
        "A: {}\r\n",
        "b".repeat(2048 - get("A: \r\n").len())
    ));
    assert_eq!(2048, accepted(&fits).length);
}

#[test]
fn a_line_has_a_limit() {
    let limits = HeadLimits {
        line_bytes: 64,
        ..LIMITS
    };
    let line = |bytes: usize| {
        let head = get(&format!("A: {}\r\n", "b".repeat(bytes - 3)));
        parse_request(head.as_bytes(), &limits, &mut Vec::new())
    };
    assert!(line(64).is_ok_and(|head| head.is_some()));
    assert_eq!(Err(RequestRefusal::FieldsTooLarge), line(65));
}

#[test]
fn the_body_has_exactly_one_framing() {
    for (expected, fields) in [
        (Ok(BodyKind::None), ""),
        (Ok(BodyKind::Length(10)), "Content-Length: 10\r\n"),
        (Ok(BodyKind::Chunked), "transfer-encoding: Chunked\r\n"),
        (
            Err(RequestRefusal::LengthWithTransferEncoding),
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            Err(RequestRefusal::LengthWithTransferEncoding),
            "Transfer-Encoding: x\r\nContent-Length: 1\r\n",
        ),
        (
            Err(RequestRefusal::LengthRepeated),
            "Content-Length: 1\r\nContent-Length: 1\r\n",
        ),
        (
            Err(RequestRefusal::LengthRepeated),
            "Content-Length: 1\r\nContent-Length: 2\r\n",
        ),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: 1, 1\r\n",
        ),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: +1\r\n",
        ),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: -1\r\n",
        ),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: 0x1\r\n",
        ),
        (Err(RequestRefusal::LengthMalformed), "Content-Length:\r\n"),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: 18446744073709551616\r\n",
        ),
        (
            Ok(BodyKind::Length(i64::MAX as u64)),
            "Content-Length: 9223372036854775807\r\n",
        ),
        (
            Err(RequestRefusal::LengthMalformed),
            "Content-Length: 9223372036854775808\r\n",
        ),
        (
            Err(RequestRefusal::TransferCodingUnsupported),
            "Transfer-Encoding: gzip, chunked\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: gzip\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: chunked, gzip\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: chunked, chunked\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: xchunked\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: chunked;a=b\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: \"chunked\"\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding:\r\n",
        ),
        (
            Err(RequestRefusal::TransferEncodingMalformed),
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        ),
    ] {
        let found = read(&get(fields)).map(|head| head.unwrap().body);
        assert_eq!(expected, found, "{fields:?}");
    }
}

#[test]
fn http_1_0_has_no_transfer_codings_and_needs_no_host() {
    let coded = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(Err(RequestRefusal::TransferEncodingMalformed), read(coded));
    let plain = accepted("GET / HTTP/1.0\r\n\r\n");
    assert_eq!((None, false), (plain.host, plain.persists));
    assert!(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").persists);
}

#[test]
fn exactly_one_valid_host_is_required() {
    for (refusal, request) in [
        (RequestRefusal::HostMissing, "GET / HTTP/1.1\r\n\r\n"),
        (
            RequestRefusal::HostMissing,
            "GET http://a/ HTTP/1.1\r\n\r\n",
        ),
        (
            RequestRefusal::HostRepeated,
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::HostMalformed,
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        ),
        (
            RequestRefusal::HostMalformed,
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        ),
        (
            RequestRefusal::HostMalformed,
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        ),
        (
            RequestRefusal::HostMalformed,
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        ),
        (
            RequestRefusal::HostMalformed,
            "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            RequestRefusal::HostDiffers,
            "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        ),
        (
            RequestRefusal::HostDiffers,
            "GET http://a:1/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        assert_eq!(Err(refusal), read(request), "{request:?}");
    }
}

#[test]
fn absolute_targets_become_origin_form() {
    for (expected, line) in [
        ("/x?y", "GET https://A/x?y HTTP/1.1"),
        ("/", "GET HTTP://a HTTP/1.1"),
        ("/?y", "GET http://a?y HTTP/1.1"),
        ("*", "OPTIONS http://a HTTP/1.1"),
        ("*", "OPTIONS * HTTP/1.1"),
    ] {
        let input = format!("{line}\r\nHost: a\r\n\r\n");
        let target = accepted(&input).target;
        let text = String::from_utf8_lossy(target.text.of(input.as_bytes())).into_owned();
        assert_eq!(expected, format!("{}{text}", target.prefix));
    }
}

#[test]
fn only_a_websocket_is_an_upgrade_and_needs_both_fields_and_no_body() {
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
    assert!(accepted(&get(upgrade)).upgrade);
    assert!(!accepted(&get("Upgrade: websocket\r\n")).upgrade);
    assert!(!accepted(&get("Connection: Upgrade\r\n")).upgrade);
    assert!(!accepted(&get("Connection: Upgrade\r\nUpgrade: h2c\r\n")).upgrade);
    assert!(!accepted(&get(&format!("{upgrade}Upgrade: h2c\r\n"))).upgrade);
    assert!(!accepted(&get(&format!("{upgrade}Content-Length: 1\r\n"))).upgrade);
    assert!(!accepted(&format!("POST / HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n")).upgrade);
}

#[test]
fn the_only_expectation_is_100_continue_with_a_body() {
    for (fields, expects) in [
        ("Expect: 100-Continue\r\nContent-Length: 1\r\n", true),
        (
            "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            true,
        ),
        ("Expect: 100-continue,\r\nContent-Length: 1\r\n", true),
        (
            "Expect: , 100-continue ,100-Continue\r\nContent-Length: 1\r\n",
            true,
        ),
        (
            "Expect: 100-continue\r\nContent-Length: 1\r\nExpect: 100-continue\r\n",
            true,
        ),
        ("Expect: 100-continue\r\nContent-Length: 0\r\n", false),
        ("Expect: 100-continue\r\n", false),
        ("Content-Length: 1\r\n", false),
        ("Expect:\r\nContent-Length: 1\r\n", false),
        ("Expect: ,\r\nContent-Length: 1\r\n", false),
    ] {
        let head = accepted(&get(fields));
        assert_eq!(expects, head.expects_continue, "{fields:?}");
    }
    let old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    assert!(!accepted(old).expects_continue);
    for fields in [
        "Expect: y 100-continue\r\n",
        "Expect: 100-continue, y\r\n",
        "Expect: 100-continue\r\nExpect: 200-ok\r\n",
        "Expect: 100-continue=y\r\n",
        "Expect: \"100-continue\"\r\n",
    ] {
        let refused = Err(RequestRefusal::ExpectationUnsupported);
        assert_eq!(refused, read(&get(fields)), "{fields:?}");
    }
}

#[test]
fn connection_options_are_parsed() {
    assert!(!accepted(&get("Connection: close\r\n")).persists);
    assert!(!accepted(&get("Connection: keep-alive, TE\r\n")).names_fields);
    assert!(accepted(&get("Connection: X-Secret\r\n")).names_fields);
}
