//! Properties for every input: the result does not depend on splits, and written heads parse to the same.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::net::{IpAddr, Ipv4Addr};

use edge_contract::RequestRefusal;
use edge_http::write::{CHUNK_START_BYTES, Message, chunk_start};
use edge_http::{
    Authority, BodyFault, BodyKind, BodyReader, Field, FieldKind, Forwarded, HeadLimits,
    HstsPolicy, Method, RequestHead, head_may_be_complete, parse_request, parse_response, write,
};
use proptest::prelude::*;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 512,
    target_bytes: 128,
    line_bytes: 100,
    fields: 12,
};

/// Bytes similar to requests: valid pieces in any order, with noise between them.
fn nearly_request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "GET / HTTP/1.1\r\n", "POST /a?b HTTP/1.1\r\n", "OPTIONS * HTTP/1.0\r\n",
            "GET http://a.b/c HTTP/1.1\r\n", "Host: a.b\r\n", "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n", "Connection: close, x-y\r\n", "X-Y: z\r\n",
            "Upgrade: websocket\r\n", "\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", ":", "\0",
            "HTTP/1.1", "5\r\nabcde\r\n", "0\r\n\r\n", "X-Forwarded-For: 1\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The same for responses.
fn nearly_response() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 204\r\n",
        "HTTP/1.2",
        "HTTP/1.1",
        " ",
        "99",
        "200",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close, x-y\r\n",
        "Date: now\r\n",
        "X: y\r\n",
        "\r\n",
        "\n",
        "\r",
        "\t",
        ":",
        "\0",
        "abcde",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Parse as a connection does: whenever the head may be complete.
fn read_in_pieces(input: &[u8], cuts: &[usize]) -> Result<Option<RequestHead>, RequestRefusal> {
    let (mut fields, mut seen) = (Vec::new(), 0);
    for &end in cuts.iter().chain([&input.len()]) {
        let arrived = &input[..end.min(input.len())];
        if seen > 0 && !head_may_be_complete(arrived, seen, &LIMITS) {
            seen = arrived.len();
            continue;
        }
        match parse_request(arrived, &LIMITS, &mut fields) {
            Ok(None) => seen = arrived.len(),
            outcome => return outcome,
        }
    }
    Ok(None)
}

fn read_body_in_pieces(
    kind: BodyKind,
    input: &[u8],
    cuts: &[usize],
) -> Result<(Vec<u8>, usize, bool), BodyFault> {
    let (mut reader, mut payload, mut used, mut rest) = (BodyReader::new(kind), vec![], 0, vec![]);
    let mut arrived = 0;
    for &end in cuts.iter().chain([&input.len()]) {
        let end = end.clamp(arrived, input.len());
        rest.extend_from_slice(&input[arrived..end]);
        arrived = end;
        let found = reader.read(&mut rest)?;
        payload.extend_from_slice(&rest[found.payload]);
        used += found.used;
        rest.drain(..found.used);
    }
    Ok((payload, used, reader.has_ended()))
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..600, 0..8).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

fn chunked(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut space = [0; CHUNK_START_BYTES];
        let start = chunk_start(&mut space, piece.len());
        out.extend_from_slice(&space[start..]);
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(write::LAST_CHUNK);
    out
}

fn rewritten(input: &[u8], head: &RequestHead, fields: &[Field]) -> Vec<u8> {
    let host = head
        .host
        .map_or(b"none.example".as_slice(), |host| host.of(input));
    let forwarded = Forwarded {
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
        host: Some(host),
    };
    let mut out = Vec::new();
    write::request(
        &mut out,
        Message {
            input,
            head,
            fields,
        },
        host,
        &forwarded,
    );
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_do_not_depend_on_splits(input in nearly_request(), cuts in cuts()) {
        let whole = parse_request(&input, &LIMITS, &mut Vec::new());
        let pieces = read_in_pieces(&input, &cuts);
        // A fault inside a line may be reported at the end of the line only.
        if whole.is_ok() || pieces != Ok(None) {
            prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn responses_do_not_depend_on_splits(input in nearly_response(), cut in 0_usize..600) {
        let whole = parse_response(&input, Method::Get, &LIMITS, &mut Vec::new());
        let beginning = &input[..cut.min(input.len())];
        let early = parse_response(beginning, Method::Get, &LIMITS, &mut Vec::new());
        prop_assert!(early == Ok(None) || early == whole, "{early:?} and then {whole:?}");
    }

    #[test]
    fn bodies_do_not_depend_on_splits(input in nearly_request(), cuts in cuts()) {
        for kind in [BodyKind::Chunked, BodyKind::Length(7), BodyKind::None] {
            let whole = read_body_in_pieces(kind, &input, &[]);
            prop_assert_eq!(&whole, &read_body_in_pieces(kind, &input, &cuts));
        }
    }

    #[test]
    fn written_chunks_can_be_read(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        cuts in cuts(),
    ) {
        let written = chunked(&pieces);
        let expected = (pieces.concat(), written.len(), true);
        prop_assert_eq!(Ok(expected), read_body_in_pieces(BodyKind::Chunked, &written, &cuts));
    }

    #[test]
    fn written_requests_parse_to_the_same_request(input in nearly_request()) {
        let mut fields = Vec::new();
        if let Ok(Some(head)) = parse_request(&input, &LIMITS, &mut fields) {
            let out = rewritten(&input, &head, &fields);
            let roomy = HeadLimits::with_bytes(4096);
            let mut again = Vec::new();
            let second = parse_request(&out, &roomy, &mut again).unwrap().unwrap();
            prop_assert_eq!(out.len(), second.length);
            prop_assert_eq!((head.method, head.body), (second.method, second.body));
            prop_assert_eq!(head.upgrade, second.upgrade);
            // No hop-by-hop fields are left, so a second pass keeps every end-to-end field.
            let kept = |fields: &[Field], of: &[u8]| -> Vec<Vec<u8>> {
                fields.iter().filter(|it| it.kind == FieldKind::EndToEnd)
                    .map(|it| [it.name.of(of), it.value.of(of)].concat()).collect()
            };
            let twice = rewritten(&out, &second, &again);
            prop_assert_eq!(&out, &twice);
            prop_assert!(kept(&again, &out).len() <= kept(&fields, &input).len());
        }
    }

    #[test]
    fn chunk_sizes_are_written_in_hexadecimal(bytes in any::<usize>()) {
        let mut space = [0; CHUNK_START_BYTES];
        let start = chunk_start(&mut space, bytes);
        let expected = format!("{bytes:x}\r\n").into_bytes();
        prop_assert_eq!(expected, space[start..].to_vec());
    }

    #[test]
    fn nothing_panics(input in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = parse_request(&input, &LIMITS, &mut Vec::new());
        let _ = parse_response(&input, Method::Get, &LIMITS, &mut Vec::new());
        let _ = Authority::parse(&input);
        let _ = HstsPolicy::parse(&input);
        let _ = BodyReader::new(BodyKind::Chunked).read(&mut input.clone());
    }
}
