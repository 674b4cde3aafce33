//! Any bytes are a request or are refused, however they are split; a written request parses to the same
//! request, and writing it a second time changes nothing.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use edge_http::write::{Message, request};
use edge_http::{Field, Forwarded, HeadLimits, RequestHead, parse_request};
use libfuzzer_sys::fuzz_target;

// The last two bytes are where to split, so that a message followed by any two bytes is a seed.
fuzz_target!(|input: &[u8]| {
    let Some((input, cut)) = input.split_last_chunk::<2>() else {
        return;
    };
    let limits = HeadLimits::with_bytes(4096);
    let mut fields = Vec::new();
    let beginning = &input[..usize::from(u16::from_le_bytes(*cut)).min(input.len())];
    let early = parse_request(beginning, &limits, &mut fields);
    let whole = parse_request(input, &limits, &mut fields);
    if early != Ok(None) {
        assert_eq!(early, whole);
    }
    if let Ok(Some(head)) = whole {
        let out = rewritten(input, &head, &fields);
        let mut again = Vec::new();
        let roomy = HeadLimits { bytes: 65536, target_bytes: 65536, line_bytes: 65536, fields: 256 };
        let second = parse_request(&out, &roomy, &mut again).unwrap().unwrap();
        assert_eq!(out.len(), second.length);
        assert_eq!((head.method, head.body, head.upgrade), (second.method, second.body, second.upgrade));
        assert_eq!(out, rewritten(&out, &second, &again));
    }
});

fn rewritten(input: &[u8], head: &RequestHead, fields: &[Field]) -> Vec<u8> {
    let host = head.host.map_or(b"none.example".as_slice(), |host| host.of(input));
    let forwarded = Forwarded { peer: IpAddr::V4(Ipv4Addr::LOCALHOST).into(), host: Some(host) };
    let mut out = Vec::new();
    request(&mut out, Message { input, head, fields }, host, &forwarded);
    out
}
