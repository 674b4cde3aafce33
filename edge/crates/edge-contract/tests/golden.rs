//! Both languages read `contract/golden`, judge it alike, and write it back to the same bytes.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::fs;
use std::path::{Path, PathBuf};

use edge_contract::{Fault, Hash, Json, Part, Root, canonical};
use serde_json::Value;

/// The documents of one folder, which must not be empty.
fn golden(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../contract/golden")
        .join(folder);
    let mut found: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{} is empty", root.display());
    found
}

/// Read a document as the edge does, and write it back from what was understood.
fn rewritten(text: &str) -> Result<(Hash, String), Fault> {
    let is_part = matches!(Json::decode(text.as_bytes())?, Json::Object(fields) if fields.contains_key("kind"));
    if is_part {
        let (hash, part) = Part::decode(text.as_bytes())?;
        Ok((hash, canonical(&part)?))
    } else {
        let root = Root::decode(text.as_bytes())?;
        Ok((root.hash()?, canonical(&root)?))
    }
}

/// Every good document is read, and written back to the same bytes and hash.
#[test]
fn good_documents_survive() {
    for (path, text) in golden("good") {
        let (hash, again) =
            rewritten(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        assert_eq!(text, again, "{}", path.display());
        assert_eq!(Hash::of(&text), hash, "{}", path.display());
    }
}

/// Every bad document is refused with the same name at the same place.
#[test]
fn bad_documents_are_refused_at_their_place() {
    for (path, text) in golden("bad") {
        let case: Value = serde_json::from_str(&text).unwrap();
        let document = case["document"].as_str().unwrap();
        let Err(fault) = rewritten(document) else {
            panic!("{} was accepted", path.display())
        };
        let expected = (
            case["name"].as_str().unwrap(),
            case["path"].as_str().unwrap(),
        );
        assert_eq!(
            expected,
            (fault.code.name(), fault.path.as_str()),
            "{}: {fault}",
            path.display()
        );
    }
}

/// Another spelling of a document is the same document.
#[test]
fn loose_documents_have_one_form() {
    for (path, text) in golden("loose") {
        let case: Value = serde_json::from_str(&text).unwrap();
        let (hash, again) = rewritten(case["document"].as_str().unwrap()).unwrap();
        let expected = case["canonical"].as_str().unwrap();
        assert_eq!(expected, again, "{}", path.display());
        assert_eq!(Hash::of(expected), hash, "{}", path.display());
    }
}
