//! Any bytes on a connection give the same events and output however they are split, within limits.
#![no_main]

use edge_http::field_section::{Request, ResponseEncoder as _};
use edge_http::http2::{Config, Connection, Cutoff, Event, PREFACE};
use edge_http::{HeadLimits, parse_request};
use libfuzzer_sys::fuzz_target;

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (frames, cut) = input;
    let input = [PREFACE, SETTINGS, &frames].concat();
    let size = usize::from(cut).max(1);
    assert_eq!(run(&input, input.len(), false), run(&input, size, false));
    // Bodies are split differently here, so the events differ.
    run(&input, size, true);
});

/// Feed input in pieces of a size, optionally with partial DATA frames; return the events, the cutoff and the
/// output.
fn run(input: &[u8], size: usize, in_parts: bool) -> (Vec<Event>, Option<Cutoff>, Vec<u8>) {
    let limits = HeadLimits::with_bytes(4096);
    let config = Config { streams: 8, stream_window: 65_535, connection_window: 100_000, limits };
    let mut connection = Connection::<()>::new(config);
    let (mut waiting, mut events) = (Vec::new(), Vec::new());
    for piece in input.chunks(size) {
        waiting.extend_from_slice(piece);
        loop {
            let received = match connection.receive(&waiting, 1) {
                Ok((0, _)) if in_parts => connection.receive_part(&waiting),
                received => received,
            };
            match received {
                Ok((0, _)) => break,
                Ok((used, event)) => {
                    waiting.drain(..used);
                    if let Some(event) = event {
                        handle(&mut connection, &event);
                        events.push(event);
                    }
                }
                Err(cutoff) => return (events, Some(cutoff), std::mem::take(connection.output())),
            }
        }
        assert!(connection.open_streams() <= 8);
    }
    (events, None, std::mem::take(connection.output()))
}

fn handle(connection: &mut Connection<()>, event: &Event) {
    if let Event::Request { .. } = event {
        check_head(connection.request());
    }
    match event {
        Event::Request { stream, has_ended: true } | Event::Ended { stream } | Event::Malformed { stream } => {
            connection.send_head(*stream, true, |fields| fields.status(204));
            connection.close(*stream);
        }
        Event::Data { stream, payload, .. } => {
            connection.release(*stream, u32::try_from(payload.len()).unwrap());
        }
        Event::Reset { stream } => connection.close(*stream),
        Event::Request { .. } | Event::StreamWindowOpened { .. } | Event::WindowsOpened | Event::GoAway => {}
    }
}

/// The HTTP/1 head that is written for an accepted request parses to the same request.
fn check_head(request: &Request) {
    if request.refusal().is_some() {
        return;
    }
    let mut written = Vec::new();
    request.write(&mut written, std::net::IpAddr::from([127, 0, 0, 1]).into());
    assert!(written.len() < 8192);
    let limits = HeadLimits::with_bytes(8192);
    let head = parse_request(&written, &limits, &mut Vec::new()).unwrap().unwrap();
    assert_eq!(written.len(), head.length);
    assert_eq!(request.method_text(), head.method_text.of(&written));
    assert_eq!(("", request.target()), (head.target.prefix, head.target.text.of(&written)));
    assert_eq!(request.host(), head.host.unwrap().of(&written));
    assert_eq!((request.method(), request.body()), (head.method, head.body));
    assert!(head.persists && !head.upgrade && !head.names_fields);
}
