//! Frames of any byte stream, split anywhere, are those of the stream.
#![no_main]

use edge_contract::{FrameReader, encode_frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (stream, cut) = input;
    let mut reader = FrameReader::default();
    let mut read = Vec::new();
    for piece in stream.chunks(usize::from(cut).max(1)) {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => read.extend(encode_frame(&frame).unwrap()),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    assert!(stream.starts_with(&read));
    assert_eq!(reader.is_inside(), read.len() < stream.len());
});
