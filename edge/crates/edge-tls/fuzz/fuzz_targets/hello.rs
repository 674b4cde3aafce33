//! Parsing the first bytes of a connection never panics, and does not depend on how they are split.
#![no_main]

use edge_tls::hello::{HelloParser, Progress, is_plain_http, parse};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 16 * 1024;

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = (usize::from(input.0).max(1), input.1);
    let whole = parse(bytes, LIMIT);
    let mut parser = HelloParser::new(LIMIT);
    let mut seen = 0;
    let cut = loop {
        seen = (seen + step).min(bytes.len());
        let progress = parser.read(&bytes[..seen]);
        if progress != Progress::Incomplete || seen == bytes.len() {
            break progress;
        }
    };
    assert_eq!(whole, cut);
    assert!(!(is_plain_http(bytes) && matches!(whole, Progress::Hello(_))));
});
