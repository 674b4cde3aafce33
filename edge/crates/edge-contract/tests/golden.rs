//! The documents of `contract/golden`, which Python and Rust must accept, refuse and write alike.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edge_contract::{Fault, Hash, Json, Part, Root, canonical};
use serde_json::Value;

/// A placeholder for raw text in a document that is a `Value`.
const PLACEHOLDER: &str = "\u{fffd}";

/// A path in the directory of the documents.
fn path(name: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../contract/golden");
    golden.join(name)
}

/// The valid documents by name.
fn good() -> BTreeMap<String, String> {
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    let found: BTreeMap<_, _> = fs::read_dir(path("good"))
        .unwrap()
        .map(|entry| named(entry.unwrap().path()))
        .collect();
    assert!(!found.is_empty(), "there are no valid documents");
    found
}

/// The cases of a file, at least one.
fn cases(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(name)).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{name} is empty");
    cases
}

/// The text of an invalid document: that of the case, or a valid one with a change.
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

/// Set the value at a JSON pointer, which may be the end of a list.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (holder, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(holder).unwrap() {
        Value::Object(fields) => drop(fields.insert(key.to_owned(), value)),
        Value::Array(items) if key.parse() == Ok(items.len()) => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{holder} is neither an object nor a list"),
    }
}

/// Replace a list or string by so many copies of its first entry or character.
fn repeat(value: &mut Value, count: usize) {
    match value {
        Value::Array(items) => *items = vec![items[0].clone(); count],
        Value::String(text) => {
            let first = text.chars().next().unwrap().to_string();
            *text = first.repeat(count);
        }
        _ => panic!("{value} cannot be repeated"),
    }
}

/// Decode a document and write it again; return its hash and text.
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

/// Every valid document decodes, and is written as the same bytes with the same hash.
#[test]
fn valid_documents_survive_a_round_trip() {
    for (name, text) in good() {
        let (hash, again) = rewritten(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(text, again, "{name}");
        assert_eq!(Hash::of(&text), hash, "{name}");
    }
}

/// Every invalid document is refused with the expected code and path.
#[test]
fn invalid_documents_are_refused_with_code_and_path() {
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

/// A document that is not in canonical form has the same hash as its canonical form.
#[test]
fn loose_documents_have_one_canonical_form() {
    let good = good();
    for case in cases("loose.json") {
        let (hash, again) = rewritten(case["document"].as_str().unwrap()).unwrap();
        let expected = &good[case["base"].as_str().unwrap()];
        assert_eq!(*expected, again, "{case}");
        assert_eq!(Hash::of(expected), hash, "{case}");
    }
}
