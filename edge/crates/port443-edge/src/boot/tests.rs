//! Boot copies: saved, recovered, refused when damaged.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use edge_contract::bounds::CONTRACT;
use edge_contract::{Limits, TicketKey, canonical};

use super::*;

/// A temporary runtime directory, removed on drop.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("edge-boot-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.join("boot")).unwrap().count()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ticket_key(seed: u8) -> (Hash, Arc<Part>) {
    let part = Part::TicketKey(TicketKey { secret: [seed; 32] });
    (Hash::of(&canonical(&part).unwrap()), Arc::new(part))
}

fn root(parts: &Parts) -> Root {
    let mut hashes: Vec<Hash> = parts.keys().copied().collect();
    hashes.sort_unstable();
    Root {
        contract: CONTRACT,
        listeners: Vec::new(),
        limits: Limits::default(),
        sites: BTreeMap::new(),
        default_site: None,
        ticket_keys: hashes.clone(),
        parts: hashes,
        challenges: None,
    }
}

fn save(copy: &mut BootCopy, parts: &Parts, served: Option<&Root>) -> Root {
    let root = root(parts);
    copy.save(&Snapshot {
        root: &root,
        served,
        epoch: 7,
        parts,
    })
    .unwrap();
    root
}

/// The snapshot that was saved last is recovered, and files of earlier ones are removed.
#[test]
fn the_last_snapshot_is_recovered() {
    let directory = Directory::new("last");
    let mut copy = BootCopy::open(&directory.0).unwrap();
    save(
        &mut copy,
        &Parts::from([ticket_key(1), ticket_key(2)]),
        None,
    );
    let parts = Parts::from([ticket_key(2), ticket_key(3)]);
    let root = save(&mut copy, &parts, None);
    assert_eq!(4, directory.files());
    let recovered = BootCopy::open(&directory.0)
        .unwrap()
        .recover()
        .unwrap()
        .unwrap();
    assert_eq!((root.clone(), 7), (recovered.root, recovered.epoch));
    assert_eq!(root.hash().unwrap(), recovered.hash);
    assert_eq!(parts, recovered.parts);
    assert!(recovered.served.is_none());
}

/// The parts of last good versions are saved as long as these are served.
#[test]
fn served_versions_are_kept() {
    let directory = Directory::new("served");
    let mut copy = BootCopy::open(&directory.0).unwrap();
    let old = root(&Parts::from([ticket_key(1)]));
    let all = Parts::from([ticket_key(1), ticket_key(2)]);
    let new = root(&Parts::from([ticket_key(2)]));
    let snapshot = Snapshot {
        root: &new,
        served: Some(&old),
        epoch: 1,
        parts: &all,
    };
    copy.save(&snapshot).unwrap();
    let recovered = BootCopy::open(&directory.0)
        .unwrap()
        .recover()
        .unwrap()
        .unwrap();
    assert_eq!((Some(old), all), (recovered.served, recovered.parts));
    save(&mut copy, &Parts::from([ticket_key(2)]), None);
    assert_eq!(3, directory.files());
}

/// A copy with a missing or changed part is an error.
#[test]
fn damaged_copies_are_refused() {
    let directory = Directory::new("damaged");
    let mut copy = BootCopy::open(&directory.0).unwrap();
    let (hash, part) = ticket_key(1);
    save(&mut copy, &Parts::from([(hash, part)]), None);
    let file = directory.0.join("boot").join(format!("{hash}.json"));
    let (_, other) = ticket_key(2);
    fs::write(&file, canonical(other.as_ref()).unwrap()).unwrap();
    assert!(BootCopy::open(&directory.0).unwrap().recover().is_err());
    fs::remove_file(&file).unwrap();
    assert!(BootCopy::open(&directory.0).unwrap().recover().is_err());
}

/// Only the owner can read the files.
#[test]
fn the_copy_is_private() {
    let directory = Directory::new("private");
    let mut copy = BootCopy::open(&directory.0).unwrap();
    save(&mut copy, &Parts::from([ticket_key(1)]), None);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let boot = directory.0.join("boot");
    assert_eq!(0o700, mode(&boot));
    for entry in fs::read_dir(&boot).unwrap() {
        assert_eq!(0o600, mode(&entry.unwrap().path()));
    }
}

/// An empty directory is not an error.
#[test]
fn an_empty_directory_is_no_error() {
    let directory = Directory::new("none");
    assert!(
        BootCopy::open(&directory.0)
            .unwrap()
            .recover()
            .unwrap()
            .is_none()
    );
}

/// Files of an interrupted save are removed by the next start.
#[test]
fn unreferenced_files_are_removed() {
    let directory = Directory::new("unreferenced");
    let parts = Parts::from([ticket_key(1)]);
    save(&mut BootCopy::open(&directory.0).unwrap(), &parts, None);
    let unreferenced = ticket_key(2).0;
    for name in [format!("{unreferenced}.json"), TEMPORARY.to_owned()] {
        fs::write(directory.0.join("boot").join(name), "{").unwrap();
    }
    assert!(
        BootCopy::open(&directory.0)
            .unwrap()
            .recover()
            .unwrap()
            .is_some()
    );
    assert_eq!(3, directory.files());
}
