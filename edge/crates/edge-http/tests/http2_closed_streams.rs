//! Frames on closed streams are ignored as far as they may have been in flight.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_contract::Http2Cutoff;
use edge_http::HeadLimits;
use edge_http::http2::{Config, Connection, PREFACE};

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// A request for `/` of the host `a`.
const BLOCK: &[u8] = b"\x82\x87\x84\x41\x01a";

fn frame(kind: u8, flags: u8, stream: u16, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let [top, bottom] = stream.to_be_bytes();
    let header = [high, middle, low, kind, flags, 0, 0, top, bottom];
    [&header[..], payload].concat()
}

fn new_connection() -> Connection<()> {
    let mut connection = Connection::new(Config {
        streams: 1,
        stream_window: 40_000,
        connection_window: 100_000,
        limits: HeadLimits::with_bytes(4096),
    });
    let preface = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
    assert_eq!(None, feed(&mut connection, &preface));
    connection
}

/// Feed frames; return the reason of the cutoff, if there is one.
fn feed(connection: &mut Connection<()>, mut input: &[u8]) -> Option<Http2Cutoff> {
    while !input.is_empty() {
        match connection.receive(input, 1) {
            Ok((used, _)) => input = &input[used..],
            Err(cutoff) => return Some(cutoff.reason),
        }
    }
    None
}

/// A connection on which stream 3 was refused, and may still send its body.
fn with_refused_stream() -> Connection<()> {
    let mut connection = new_connection();
    let both = [1, 3].map(|stream| frame(HEADERS, END_HEADERS, stream, BLOCK));
    assert_eq!(None, feed(&mut connection, &both.concat()));
    connection
}

#[test]
fn a_closed_stream_ends_once() {
    let end = frame(DATA, END_STREAM, 3, b"");
    let mut connection = with_refused_stream();
    assert_eq!(None, feed(&mut connection, &frame(DATA, 0, 3, b"ab")));
    assert_eq!(None, feed(&mut connection, &end));
    let reason = feed(&mut connection, &end);
    assert_eq!(Some(Http2Cutoff::StreamClosed), reason);
}

#[test]
fn a_closed_stream_has_a_window() {
    let mut connection = with_refused_stream();
    let full = [0; 10_000];
    for _ in 0..4 {
        assert_eq!(None, feed(&mut connection, &frame(DATA, 0, 3, &full)));
    }
    let reason = feed(&mut connection, &frame(DATA, 0, 3, b"x"));
    assert_eq!(Some(Http2Cutoff::FlowControlViolated), reason);
}

#[test]
fn trailers_of_a_closed_stream_are_limited() {
    let mut connection = with_refused_stream();
    let endless = frame(HEADERS, END_HEADERS, 3, b"").repeat(100);
    let reason = feed(&mut connection, &endless);
    assert_eq!(Some(Http2Cutoff::RapidReset), reason);
}

#[test]
fn requests_after_a_goaway_are_ignored_up_to_a_limit() {
    let mut connection = new_connection();
    connection.refuse_streams();
    let request = |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, BLOCK);
    let few: Vec<u8> = (1..257).step_by(2).flat_map(request).collect();
    assert_eq!(None, feed(&mut connection, &few));
    let late = frame(HEADERS, END_HEADERS, 257, BLOCK);
    assert_eq!(None, feed(&mut connection, &late));
    let body = frame(DATA, END_STREAM, 257, b"body");
    assert_eq!(None, feed(&mut connection, &body));
    let many: Vec<u8> = (259..1001).step_by(2).flat_map(request).collect();
    let reason = feed(&mut connection, &many);
    assert_eq!(Some(Http2Cutoff::TooManyStreams), reason);
}
