//! The crates have floors: one depends on lower floors only, and only `edge-tls` names rustls.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::fs;
use std::path::Path;

const FLOORS: [(&str, u8); 6] = [
    ("edge-contract", 0),
    ("edge-tls", 1),
    ("edge-http", 1),
    ("edge-observe", 1),
    ("edge-proxy", 2),
    ("port443-edge", 3),
];

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

/// Each crate's name and what its `[dependencies]` name.
fn crates() -> Vec<(String, Vec<String>)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = fs::read_dir(crates)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |folder: std::path::PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, dependencies(&manifest))
    };
    folders.map(read).collect()
}

fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest
        .split("\n[")
        .find_map(|part| part.strip_prefix("dependencies]\n"));
    let name = |line: &str| {
        line.split(['.', '=', ' '])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    section
        .unwrap_or_default()
        .lines()
        .map(name)
        .filter(|name| !name.is_empty())
        .collect()
}

/// No crate depends on its own floor or a higher one, and each crate has a floor.
#[test]
fn no_crate_climbs() {
    for (name, needs) in crates() {
        let own = floor(&name).unwrap_or_else(|| panic!("{name} has no floor"));
        for (need, below) in needs.iter().filter_map(|need| Some((need, floor(need)?))) {
            assert!(below < own, "{name} climbs to {need}");
        }
    }
}

/// TLS can be exchanged in one place, since only one crate knows who makes it.
#[test]
fn one_crate_names_rustls() {
    let found: Vec<String> = crates()
        .into_iter()
        .filter(|(_, needs)| needs.iter().any(|need| need.starts_with("rustls")))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(vec!["edge-tls".to_owned()], found);
}
