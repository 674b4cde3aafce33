//! Any frame decodes to a request or to an error with a code.
#![no_main]

use edge_contract::{ErrorReply, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    if let Err(fault) = Request::decode(frame) {
        let _ = ErrorReply::from(fault);
    }
});
