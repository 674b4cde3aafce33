//! Both languages read `contract/golden`, judge it alike, and write it back to the same bytes.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edge_contract::{Fault, Hash, Json, Part, Root, canonical};
use serde_json::Value;

/// Stands for raw text while a document is a value.
const PLACEHOLDER: &str = "\u{fffd}";

/// The folder of the documents, or a file in it.
fn path(name: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../contract/golden");
    golden.join(name)
}

/// The good documents by name.
fn good() -> BTreeMap<String, String> {
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    let found: BTreeMap<_, _> = fs::read_dir(path("good"))
        .unwrap()
        .map(|entry| named(entry.unwrap().path()))
        .collect();
    assert!(!found.is_empty(), "there are no good documents");
    found
}

/// The cases of a file, of which there must be some.
fn cases(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(name)).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{name} is empty");
    cases
}

/// The text of a bad document: its own, or its base with one thing changed.
fn document(case: &Value, good: &BTreeMap<String, String>) -> String {
    if let Some(text) = case["document"].as_str() {
        return text.to_owned();
    }
    let mut document: Value = serde_json::from_str(&good[case["base"].as_str().unwrap()]).unwrap();
    for (pointer, value) in each(case, "set") {
        set(&mut document, pointer, value.clone());
    }
    for (pointer, count) in each(case, "repeat") {
        let count = usize::try_from(count.as_u64().unwrap()).unwrap();
        repeat(document.pointer_mut(pointer).unwrap(), count);
    }
    for pointer in case["remove"].as_array().into_iter().flatten() {
        let (holder, key) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
        let holder = document.pointer_mut(holder).unwrap();
        assert!(holder.as_object_mut().unwrap().remove(key).is_some());
    }
    for (pointer, _) in each(case, "text") {
        set(&mut document, pointer, PLACEHOLDER.into());
    }
    each(case, "text").fold(document.to_string(), |text, (_, raw)| {
        text.replacen(&format!("\"{PLACEHOLDER}\""), raw.as_str().unwrap(), 1)
    })
}

fn each<'a>(case: &'a Value, change: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    case[change].as_object().into_iter().flatten()
}

/// Put a value where a JSON pointer leads, or behind the end of a list.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (holder, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(holder).unwrap() {
        Value::Object(fields) => drop(fields.insert(key.to_owned(), value)),
        Value::Array(items) if key.parse() == Ok(items.len()) => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{holder} holds nothing"),
    }
}

/// Put the first entry or character so many times.
fn repeat(place: &mut Value, count: usize) {
    match place {
        Value::Array(items) => *items = vec![items[0].clone(); count],
        Value::String(text) => {
            let first = text.chars().next().unwrap().to_string();
            *text = first.repeat(count);
        }
        _ => panic!("{place} cannot be repeated"),
    }
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
    for (name, text) in good() {
        let (hash, again) = rewritten(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(text, again, "{name}");
        assert_eq!(Hash::of(&text), hash, "{name}");
    }
}

/// Every bad document is refused with the same name at the same place.
#[test]
fn bad_documents_are_refused_at_their_place() {
    let good = good();
    for case in cases("bad.json") {
        let name = case["name"].as_str().unwrap();
        let Err(fault) = rewritten(&document(&case, &good)) else {
            panic!("{name} was accepted")
        };
        let expected = (
            case["error"].as_str().unwrap_or("document_invalid"),
            case["path"].as_str().unwrap(),
        );
        let found = (fault.code.name(), fault.path.as_str());
        assert_eq!(expected, found, "{name}: {fault}");
    }
}

/// Another spelling of a document is the same document.
#[test]
fn loose_documents_have_one_form() {
    let good = good();
    for case in cases("loose.json") {
        let (hash, again) = rewritten(case["document"].as_str().unwrap()).unwrap();
        let expected = &good[case["base"].as_str().unwrap()];
        assert_eq!(*expected, again, "{case}");
        assert_eq!(Hash::of(expected), hash, "{case}");
    }
}
