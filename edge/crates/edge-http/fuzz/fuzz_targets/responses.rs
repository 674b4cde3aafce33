//! Any bytes are a response or are refused, however they are split; a written response parses to the same
//! response.
#![no_main]

use edge_http::write::{ConnectionField, Message, ResponseOptions, response};
use edge_http::{HeadLimits, HstsPolicy, Method, parse_response};
use libfuzzer_sys::fuzz_target;

// The last two bytes are where to split, so that a message followed by any two bytes is a seed.
fuzz_target!(|input: &[u8]| {
    let Some((input, cut)) = input.split_last_chunk::<2>() else {
        return;
    };
    let limits = HeadLimits::with_bytes(4096);
    let mut fields = Vec::new();
    let beginning = &input[..usize::from(u16::from_le_bytes(*cut)).min(input.len())];
    let early = parse_response(beginning, Method::Get, &limits, &mut fields);
    let whole = parse_response(input, Method::Get, &limits, &mut fields);
    if early != Ok(None) {
        assert_eq!(early, whole);
    }
    if let Ok(Some(head)) = whole {
        let policy = HstsPolicy { max_age_s: 300, include_subdomains: false };
        let options = ResponseOptions {
            body: head.body,
            connection: ConnectionField::Absent,
            hsts: Some((policy, b"max-age=300")),
            date: b"Sun, 06 Nov 1994 08:49:37 GMT",
        };
        let mut out = Vec::new();
        response(&mut out, Message { input, head: &head, fields: &fields }, &options);
        let roomy = HeadLimits { bytes: 65536, target_bytes: 0, line_bytes: 65536, fields: 256 };
        let second = parse_response(&out, Method::Get, &roomy, &mut fields).unwrap().unwrap();
        assert_eq!(out.len(), second.length);
        assert_eq!((head.status, head.body), (second.status, second.body));
    }
});
