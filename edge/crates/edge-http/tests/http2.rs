//! HTTP/2 as a whole: any input, cut anywhere, gives the same events and output, within bounds.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_http::HeadLimits;
use edge_http::http2::{Config, Connection, Cutoff, Event, PREFACE};
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

/// What came of some input: events with the bytes of their bodies, the end, and what is sent.
#[derive(Debug, PartialEq)]
struct Run {
    events: Vec<(String, Vec<u8>)>,
    outcome: Result<(), Cutoff>,
    output: Vec<u8>,
}

/// Feed input in pieces of these sizes, the last one again and again; answer each whole request.
fn run(input: &[u8], sizes: &[usize]) -> Run {
    let mut connection = Connection::<()>::new(CONFIG);
    let (mut waiting, mut rest) = (Vec::new(), input);
    let (mut events, mut outcome) = (Vec::new(), Ok(()));
    let mut sizes = sizes.iter().chain(sizes.last().into_iter().cycle());
    'feed: while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
        waiting.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        loop {
            match connection.receive(&waiting, 1) {
                Ok((0, event)) => {
                    assert_eq!(None, event);
                    break;
                }
                Ok((used, event)) => {
                    if let Some(event) = event {
                        events.push(note(&mut connection, &event, &waiting[..used]));
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

fn note(connection: &mut Connection<()>, event: &Event, frame: &[u8]) -> (String, Vec<u8>) {
    let (mut bytes, told) = (Vec::new(), format!("{event:?}"));
    match event {
        Event::Request { stream, has_ended } => {
            let request = connection.request();
            if request.refusal().is_none() {
                request.write(&mut bytes, [127, 0, 0, 1].into());
                assert!(bytes.len() < 3000);
            }
            if *has_ended {
                answer(connection, *stream);
            }
        }
        Event::Data {
            stream,
            payload,
            has_ended,
        } => {
            bytes.extend_from_slice(&frame[payload.clone()]);
            connection.release(*stream, u32::try_from(payload.len()).unwrap());
            if *has_ended {
                answer(connection, *stream);
            }
        }
        Event::Ended { stream } | Event::Malformed { stream } => answer(connection, *stream),
        Event::Reset { stream } => connection.close(*stream),
        Event::WindowGrown { .. } | Event::WindowsGrown | Event::Goodbye => {}
    }
    (told, bytes)
}

fn answer(connection: &mut Connection<()>, stream: u32) {
    if connection.send_head(stream, false, |fields| fields.status(200)) {
        let room = connection.sendable(stream).unwrap();
        connection.send_data(stream, &b"hello"[..room.min(5)], true);
    }
    connection.close(stream);
}

/// A frame with a header that fits, around any payload.
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

/// A client that begins as it should.
fn session() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(frame(), 0..30).prop_map(|frames| {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        [PREFACE, &settings, &frames.concat()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_cut_gives_the_same(input in session(), sizes in prop::collection::vec(1_usize..60, 1..20)) {
        prop_assert_eq!(run(&input, &[input.len()]), run(&input, &sizes));
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), greets in any::<bool>()) {
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let start = if greets { [PREFACE, settings].concat() } else { Vec::new() };
        let input = [start, bytes].concat();
        prop_assert_eq!(run(&input, &[input.len().max(1)]), run(&input, &[1]));
    }

    #[test]
    fn no_header_block_does_harm(block in prop::collection::vec(any::<u8>(), 0..200)) {
        let length = u8::try_from(block.len()).unwrap();
        let head = [0, 0, length, 1, 5, 0, 0, 0, 1];
        let input = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &head, &block].concat();
        prop_assert_eq!(run(&input, &[input.len()]), run(&input, &[7]));
    }
}
