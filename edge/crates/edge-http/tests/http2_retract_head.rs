//! Response heads that are removed from the output before anything of them was written.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use edge_http::HeadLimits;
use edge_http::field_section::ResponseEncoder as _;
use edge_http::http2::{Config, Connection, PREFACE};

/// SETTINGS, and requests for `/` of the host `a` on streams 1 and 3.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
const ONE: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x87\x84\x41\x01a";
const THREE: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x03\x82\x87\x84\x41\x01a";

fn new_connection() -> Connection<()> {
    let mut connection = Connection::new(Config {
        streams: 9,
        stream_window: 40_000,
        connection_window: 100_000,
        limits: HeadLimits::with_bytes(4096),
    });
    let input = [PREFACE, SETTINGS, ONE, THREE].concat();
    let mut at = 0;
    while at < input.len() {
        at += connection.receive(&input[at..], 1).unwrap().0;
    }
    let settings = connection.output_bytes();
    connection.consume_output(settings);
    connection
}

fn respond(connection: &mut Connection<()>, stream: u32, status: u16, body: &[u8]) {
    assert!(connection.send_head(stream, false, |fields| fields.status(status)));
    connection.send_data(stream, body, true);
}

#[test]
fn a_retracted_head_leaves_no_trace() {
    let mut expected = new_connection();
    respond(&mut expected, 3, 200, b"three");
    respond(&mut expected, 1, 204, b"page");

    let mut connection = new_connection();
    assert!(connection.send_head(1, false, |fields| fields.status(200)));
    assert!(connection.retract_head(1));
    respond(&mut connection, 3, 200, b"three");
    respond(&mut connection, 1, 204, b"page");
    assert_eq!(expected.output(), connection.output());
}

#[test]
fn frames_of_other_streams_stay() {
    let mut connection = new_connection();
    assert!(connection.send_head(1, false, |fields| fields.status(200)));
    respond(&mut connection, 3, 200, b"three");
    assert!(connection.retract_head(1));
    let expected = b"\0\0\x01\x01\x04\0\0\0\x03\x88\0\0\x05\0\x01\0\0\0\x03three";
    assert_eq!(expected, connection.output().as_slice());
}

#[test]
fn a_partly_written_head_or_one_with_a_body_cannot_be_retracted() {
    let mut connection = new_connection();
    assert!(!connection.retract_head(1));
    assert!(connection.send_head(1, false, |fields| fields.status(200)));
    connection.consume_output(1);
    assert!(!connection.retract_head(1));
    assert!(connection.send_head(3, false, |fields| fields.status(200)));
    connection.send_data(3, b"begun", false);
    assert!(!connection.retract_head(3));
}
