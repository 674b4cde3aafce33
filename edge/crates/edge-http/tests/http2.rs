//! HTTP/2 connections: any input, split anywhere, gives the same events and output, within limits.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_contract::Http2Cutoff;
use edge_http::field_section::{Request, ResponseEncoder as _};
use edge_http::http2::{Config, Connection, Cutoff, Event, PREFACE};
use edge_http::{HeadLimits, parse_request};
use proptest::prelude::*;

const CONFIG: Config = Config {
    streams: 4,
    stream_window: 65_535,
    connection_window: 100_000,
    limits: HeadLimits {
        bytes: 2000,
        target_bytes: 500,
        line_bytes: 1000,
        fields: 20,
    },
};

/// The result of some input: events with the bytes of their bodies, the cutoff, and the output.
#[derive(Debug, PartialEq)]
struct Run {
    events: Vec<(String, Vec<u8>)>,
    outcome: Result<(), Cutoff>,
    output: Vec<u8>,
}

type Received = Result<(usize, Option<Event>), Cutoff>;

/// Feed input in pieces of these sizes, the last one repeatedly, and respond to each complete request.
fn run(input: &[u8], sizes: &[usize]) -> Run {
    feed(input, sizes, |connection, waiting| {
        connection.receive(waiting, 1)
    })
}

/// The same with partial DATA frames.
fn run_in_parts(input: &[u8], sizes: &[usize]) -> Run {
    feed(input, sizes, |connection, waiting| {
        match connection.receive(waiting, 1)? {
            (0, _) => connection.receive_part(waiting),
            received => Ok(received),
        }
    })
}

fn feed(input: &[u8], sizes: &[usize], receive: fn(&mut Connection<()>, &[u8]) -> Received) -> Run {
    let mut connection = Connection::<()>::new(CONFIG);
    let (mut waiting, mut rest) = (Vec::new(), input);
    let (mut events, mut outcome) = (Vec::new(), Ok(()));
    let mut sizes = sizes.iter().chain(sizes.last().into_iter().cycle());
    'feed: while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
        waiting.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        loop {
            match receive(&mut connection, &waiting) {
                Ok((0, event)) => {
                    assert_eq!(None, event);
                    break;
                }
                Ok((used, event)) => {
                    if let Some(event) = event {
                        events.push(handle(&mut connection, &event, &waiting[..used]));
                    }
                    waiting.drain(..used);
                }
                Err(cutoff) => {
                    connection.cut_off(cutoff);
                    outcome = Err(cutoff);
                    break 'feed;
                }
            }
        }
        assert!(connection.open_streams() <= 4);
        assert!(waiting.len() <= 16_384 + 9 + size);
    }
    Run {
        events,
        outcome,
        output: std::mem::take(connection.output()),
    }
}

fn handle(connection: &mut Connection<()>, event: &Event, frame: &[u8]) -> (String, Vec<u8>) {
    let (mut bytes, mut text) = (Vec::new(), format!("{event:?}"));
    match event {
        Event::Request { stream, has_ended } => {
            let request = connection.request();
            if request.refusal().is_none() {
                request.write(&mut bytes, std::net::IpAddr::from([127, 0, 0, 1]).into());
                assert!(bytes.len() < 3000);
                assert_parses_to(request, &bytes);
            }
            if *has_ended {
                respond(connection, *stream);
            }
        }
        Event::Data {
            stream,
            payload,
            has_ended,
        } => {
            text = format!("Data of {stream}: has_ended {has_ended}");
            bytes.extend_from_slice(&frame[payload.clone()]);
            connection.release(*stream, u32::try_from(payload.len()).unwrap());
            if *has_ended {
                respond(connection, *stream);
            }
        }
        Event::Ended { stream } | Event::Malformed { stream } => respond(connection, *stream),
        Event::Reset { stream } => connection.close(*stream),
        Event::StreamWindowOpened { .. } | Event::WindowsOpened | Event::GoAway => {}
    }
    (text, bytes)
}

/// The same run with consecutive pieces of a body joined, and without those of a body that is malformed
/// or incomplete at a cutoff.
fn joined(run: Run) -> Run {
    let mut events: Vec<(String, Vec<u8>)> = Vec::new();
    for (text, bytes) in run.events {
        let before = events.last().map(|it| it.0.clone()).unwrap_or_default();
        let continues = |stream: &str| before.starts_with(&format!("Data of {stream}: "));
        if let Some(stream) = text.strip_prefix("Malformed { stream: ")
            && continues(stream.trim_end_matches(" }"))
        {
            events.pop();
        } else if let Some((stream, _)) = text.trim_start_matches("Data of ").split_once(": ")
            && continues(stream)
            && let Some(last) = events.last_mut()
        {
            last.0 = text;
            last.1.extend_from_slice(&bytes);
            continue;
        }
        events.push((text, bytes));
    }
    if run.outcome.is_err() && events.last().is_some_and(|it| it.0.starts_with("Data of ")) {
        events.pop();
    }
    Run { events, ..run }
}

/// The written HTTP/1 head parses to the same request.
fn assert_parses_to(request: &Request, written: &[u8]) {
    let mut fields = Vec::new();
    let head = parse_request(written, &HeadLimits::with_bytes(4096), &mut fields);
    let head = head.unwrap().unwrap();
    assert_eq!(written.len(), head.length);
    assert_eq!(request.method_text(), head.method_text.of(written));
    assert_eq!(
        ("", request.target()),
        (head.target.prefix, head.target.text.of(written))
    );
    assert_eq!(request.host(), head.host.unwrap().of(written));
    assert_eq!((request.method(), request.body()), (head.method, head.body));
    assert!(head.persists && !head.upgrade && !head.names_fields);
}

fn respond(connection: &mut Connection<()>, stream: u32) {
    if connection.send_head(stream, false, |fields| fields.status(200)) {
        let room = connection.send_capacity(stream).unwrap();
        connection.send_data(stream, &b"hello"[..room.min(5)], true);
    }
    connection.close(stream);
}

/// A frame with a valid length, around any payload.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        Just(b"\x82\x87\x84\x41\x01a".to_vec()),
        Just(vec![0, 0, 0, 1]),
        Just(vec![0; 8]),
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let flags = prop_oneof![Just(0), Just(1), Just(4), Just(5), any::<u8>()];
    (0_u8..11, flags, 0_u8..10, payload).prop_map(|(kind, flags, stream, payload)| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], &payload].concat()
    })
}

/// A client with a valid preface.
fn session() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(frame(), 0..30).prop_map(|frames| {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        [PREFACE, &settings, &frames.concat()].concat()
    })
}

/// Two requests whose bodies are interleaved, with or without padding.
fn uploads() -> impl Strategy<Value = Vec<u8>> {
    let data = (
        prop::sample::select(&[1_u8, 3]),
        prop::collection::vec(any::<u8>(), 0..40),
        prop::option::of(0_u8..9),
        prop::bool::weighted(0.1),
    );
    let frames = data.prop_map(|(stream, data, padding, has_ended)| {
        let (before, after) = padding.map_or((vec![], 0), |it| (vec![it], it));
        let payload = [before, data, vec![0; after.into()]].concat();
        let length = u8::try_from(payload.len()).unwrap();
        let flags = u8::from(has_ended) | if padding.is_some() { 8 } else { 0 };
        [&[0, 0, length, 0, flags, 0, 0, 0, stream][..], &payload].concat()
    });
    prop::collection::vec(frames, 0..20).prop_map(|frames| {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let post = |stream| {
            [
                0, 0, 6, 1, 4, 0, 0, 0, stream, 0x83, 0x87, 0x84, 0x41, 1, b'a',
            ]
        };
        [PREFACE, &settings, &post(1), &post(3), &frames.concat()].concat()
    })
}

/// Fields of a request: pseudo-fields with valid or invalid values, and any others.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let choice = |name: &'static str, values: &'static [&'static str]| {
        prop::sample::select(values).prop_map(move |value| (name.to_owned(), value.to_owned()))
    };
    let pseudo = (
        choice(
            ":method",
            &[
                "GET", "POST", "OPTIONS", "HEAD", "get", "G:T", "A\r\nB", "CONNECT",
            ],
        ),
        choice(":scheme", &["https", "https", "HTTPS", "http"]),
        choice(
            ":path",
            &[
                "/",
                "/a?b=c",
                "*",
                "//",
                "/ HTTP/1.1",
                "/#",
                "",
                "/\r\n",
                "http://b/",
            ],
        ),
        choice(
            ":authority",
            &[
                "a",
                "a.example:8443",
                "[::1]:1",
                "u@a",
                "a b",
                "",
                "a\r\nx: y",
            ],
        ),
    );
    let other = prop_oneof![
        choice(
            "content-length",
            &["0", "5", "05", "-1", "5, 5", "18446744073709551616"]
        ),
        choice("host", &["a", "A", "b"]),
        choice(
            "expect",
            &[
                "100-continue",
                "100-Continue",
                "100-continue,",
                "200-ok",
                ""
            ]
        ),
        choice("cookie", &["a=b", "", "c"]),
        choice("te", &["trailers", "gzip"]),
        choice("transfer-encoding", &["chunked"]),
        choice("transfer_encoding", &["chunked"]),
        choice("content_length", &["7"]),
        choice("connection", &["close"]),
        choice("x-forwarded-for", &["forged"]),
        choice("x", &["y", "", "a\r\nb: c", "a\nb", " x", "x\t", "\u{e9}"]),
        ("[a-zA-Z0-9:_ -]{0,12}", "[ -~]{0,12}"),
    ];
    (pseudo, prop::collection::vec(other, 0..6))
        .prop_map(|((a, b, c, d), others)| [vec![a, b, c, d], others].concat())
}

/// A HEADERS frame with literal fields (RFC 7541 §6.2.2).
fn headers(flags: u8, stream: u8, fields: &[(String, String)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let [high, low] = u16::try_from(block.len()).unwrap().to_be_bytes();
    [&[0, high, low, 1, flags, 0, 0, 0, stream][..], &block].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn results_do_not_depend_on_splits(input in session(), sizes in prop::collection::vec(1_usize..60, 1..20)) {
        prop_assert_eq!(run(&input, &[input.len()]), run(&input, &sizes));
    }

    #[test]
    fn a_body_is_the_same_in_parts(input in prop_oneof![session(), uploads()], sizes in prop::collection::vec(1_usize..60, 1..20)) {
        prop_assert_eq!(joined(run(&input, &[input.len()])), joined(run_in_parts(&input, &sizes)));
    }

    #[test]
    fn any_bytes_are_handled(bytes in prop::collection::vec(any::<u8>(), 0..400), has_preface in any::<bool>()) {
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let start = if has_preface { [PREFACE, settings].concat() } else { Vec::new() };
        let input = [start, bytes].concat();
        prop_assert_eq!(run(&input, &[input.len().max(1)]), run(&input, &[1]));
    }

    #[test]
    fn any_fields_are_one_request(fields in fields(), has_ended in any::<bool>()) {
        let flags = if has_ended { 5 } else { 4 };
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let input = [PREFACE, settings, &headers(flags, 1, &fields)].concat();
        let run = run(&input, &[input.len()]);
        prop_assert_eq!((Ok(()), 1), (run.outcome, run.events.len()));
    }

    #[test]
    fn any_header_block_is_handled(block in prop::collection::vec(any::<u8>(), 0..200)) {
        let length = u8::try_from(block.len()).unwrap();
        let head = [0, 0, length, 1, 5, 0, 0, 0, 1];
        let input = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &head, &block].concat();
        prop_assert_eq!(run(&input, &[input.len()]), run(&input, &[7]));
    }
}

/// Padding counts against the window (RFC 9113 §6.1), also in partial frames.
#[test]
fn partial_frames_count_against_the_window() {
    let post: &[u8] = &[0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x87, 0x84, 0x41, 1, b'a'];
    let padded = [&[0, 0, 50, 0, 8, 0, 0, 0, 1, 10][..], &[0; 49]].concat();
    let config = Config {
        stream_window: 100,
        ..CONFIG
    };
    let outcome = |last: u8| {
        let plain = [&[0, 0, last, 0, 0, 0, 0, 0, 1][..], &vec![0; last.into()]].concat();
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let mut connection = Connection::<()>::new(config);
        let mut waiting = Vec::new();
        for byte in [PREFACE, settings, post, &padded, &plain].concat() {
            waiting.push(byte);
            let (mut used, _) = connection.receive(&waiting, 1)?;
            if used == 0 {
                (used, _) = connection.receive_part(&waiting)?;
            }
            waiting.drain(..used);
        }
        Ok::<_, Cutoff>(waiting.len())
    };
    assert_eq!(Ok(0), outcome(50));
    let reason = outcome(51).unwrap_err().reason;
    assert_eq!(Http2Cutoff::FlowControlViolated, reason);
}
