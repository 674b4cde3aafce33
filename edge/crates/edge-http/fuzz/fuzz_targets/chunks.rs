//! Any chunked body, split anywhere, gives the same payload or the same fault.
#![no_main]

use edge_http::{BodyFault, BodyKind, BodyReader};
use libfuzzer_sys::fuzz_target;

// The last byte is the size of the pieces, so that a body followed by any byte is a seed.
fuzz_target!(|input: &[u8]| {
    let Some((&size, input)) = input.split_last() else {
        return;
    };
    let whole = read(input, input.len().max(1));
    assert_eq!(whole, read(input, usize::from(size).max(1)));
});

/// Read in pieces of a size; return the payload, the number of bytes used, and whether the body ended.
fn read(input: &[u8], size: usize) -> Result<(Vec<u8>, usize, bool), BodyFault> {
    let (mut reader, mut payload, mut used) = (BodyReader::new(BodyKind::Chunked), vec![], 0);
    for piece in input.chunks(size) {
        let mut piece = piece.to_vec();
        let found = reader.read(&mut piece)?;
        payload.extend_from_slice(&piece[found.payload]);
        used += found.used;
    }
    Ok((payload, used, reader.has_ended()))
}
