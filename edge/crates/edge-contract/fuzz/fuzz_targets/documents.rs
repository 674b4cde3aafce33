//! Decoding any bytes never panics, and the canonical form of a document decodes to the same document.
#![no_main]

use edge_contract::{Hash, Part, Root, canonical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok((hash, part)) = Part::decode(text) {
        let form = canonical(&part).unwrap();
        let (again, same) = Part::decode(form.as_bytes()).unwrap();
        assert!(same == part && hash == again && hash == Hash::of(&form));
    }
    if let Ok(root) = Root::decode(text) {
        let form = canonical(&root).unwrap();
        assert!(Root::decode(form.as_bytes()).unwrap() == root);
    }
});
