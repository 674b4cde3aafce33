//! The boot copy: the last applied snapshot, saved in the runtime directory for the next start.
//!
//! A file for each part, named by its hash, and three files for the roots and the epoch. Each is
//! replaced by a rename, and parts are written before the root that names them, so that a crash at any point
//! leaves a complete snapshot.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edge_contract::{Hash, Part, Parts, Root};

const ROOT: &str = "root.json";
/// The root as served, with the last good versions of quarantined sites. Absent if no site is quarantined.
const SERVED: &str = "served.json";
const EPOCH: &str = "epoch.json";
/// The temporary file that is renamed over its target.
const TEMPORARY: &str = "new";
/// `f_type` of tmpfs and ramfs (statfs(2)).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// The directory of the boot copy, and the parts that are in it.
pub(crate) struct BootCopy {
    directory: PathBuf,
    written: HashSet<Hash>,
}

/// A snapshot to save.
pub(crate) struct Snapshot<'a> {
    /// The snapshot as it was applied.
    pub(crate) root: &'a Root,
    /// The root with the last good versions of quarantined sites, if there are any.
    pub(crate) served: Option<&'a Root>,
    /// The epoch under which it was applied.
    pub(crate) epoch: u64,
    /// All parts that the edge holds; a superset of those to save.
    pub(crate) parts: &'a Parts,
}

/// A boot copy that was read and verified.
pub(crate) struct Recovered {
    pub(crate) root: Root,
    pub(crate) hash: Hash,
    pub(crate) served: Option<Root>,
    pub(crate) epoch: u64,
    pub(crate) parts: Parts,
}

impl BootCopy {
    /// Open the boot copy of a runtime directory, and create its directory if it is missing.
    pub(crate) fn open(runtime: &Path) -> io::Result<Self> {
        let directory = runtime.join("boot");
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&directory)?;
        Ok(Self {
            directory,
            written: HashSet::new(),
        })
    }

    /// Whether the directory is on tmpfs or ramfs, so that no private key is written to a disk.
    pub(crate) fn is_in_memory(&self) -> bool {
        rustix::fs::statfs(&self.directory).is_ok_and(|found| {
            IN_MEMORY
                .iter()
                .any(|kind| i128::from(*kind) == i128::from(found.f_type))
        })
    }

    /// Save a snapshot. After a crash at any point, either the old or the new one is recovered.
    pub(crate) fn save(&mut self, snapshot: &Snapshot<'_>) -> io::Result<()> {
        let needed = snapshot.needed();
        self.write_parts(&needed, snapshot.parts)?;
        match snapshot.served {
            Some(served) => self.replace(SERVED, &to_json(served)?)?,
            None => self.remove(SERVED)?,
        }
        self.replace(EPOCH, &to_json(&snapshot.epoch)?)?;
        self.replace(ROOT, &to_json(snapshot.root)?)?;
        self.remove_parts_but(&needed)
    }

    /// Read the saved snapshot: `None` if there is none, an error if a file is damaged or missing.
    pub(crate) fn recover(&mut self) -> io::Result<Option<Recovered>> {
        let Some(root) = self.read(ROOT)? else {
            return Ok(None);
        };
        let root = Root::decode(&root).map_err(io::Error::other)?;
        let served = match self.read(SERVED)? {
            Some(text) => Some(Root::decode(&text).map_err(io::Error::other)?),
            None => None,
        };
        let epoch = self.read(EPOCH)?.unwrap_or_else(|| b"0".to_vec());
        let epoch = serde_json::from_slice(&epoch)?;
        let wanted = root
            .parts
            .iter()
            .chain(served.iter().flat_map(|served| &served.parts));
        let parts = wanted
            .map(|hash| self.part(hash))
            .collect::<io::Result<Parts>>()?;
        self.written = parts.keys().copied().collect();
        self.remove_unreferenced()?;
        let hash = root.hash().map_err(io::Error::other)?;
        Ok(Some(Recovered {
            root,
            hash,
            served,
            epoch,
            parts,
        }))
    }

    fn part(&self, hash: &Hash) -> io::Result<(Hash, Arc<Part>)> {
        let text = self
            .read(&file_name(hash))?
            .ok_or_else(|| io::Error::other(format!("part {hash} is missing")))?;
        let (found, part) = Part::decode(&text).map_err(io::Error::other)?;
        if found == *hash {
            return Ok((found, Arc::new(part)));
        }
        Err(io::Error::other(format!(
            "the file of part {hash} contains part {found}"
        )))
    }

    fn write_parts(&mut self, needed: &HashSet<Hash>, parts: &Parts) -> io::Result<()> {
        let new: Vec<Hash> = needed.difference(&self.written).copied().collect();
        for hash in new {
            if let Some(part) = parts.get(&hash) {
                // No rename needed: no root refers to this file yet.
                create(
                    &self.directory.join(file_name(&hash)),
                    &to_json(part.as_ref())?,
                )?;
                self.written.insert(hash);
            }
        }
        Ok(())
    }

    fn remove_parts_but(&mut self, needed: &HashSet<Hash>) -> io::Result<()> {
        let unneeded: Vec<Hash> = self.written.difference(needed).copied().collect();
        for hash in unneeded {
            self.remove(&file_name(&hash))?;
            self.written.remove(&hash);
        }
        Ok(())
    }

    /// Remove files that an interrupted save left behind, and that no root refers to.
    fn remove_unreferenced(&self) -> io::Result<()> {
        let parts: HashSet<String> = self.written.iter().map(file_name).collect();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let is_known =
                |name: &str| [ROOT, SERVED, EPOCH].contains(&name) || parts.contains(name);
            if !name.to_str().is_some_and(is_known) {
                fs::remove_file(self.directory.join(name))?;
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.directory.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replace a file atomically.
    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let temporary = self.directory.join(TEMPORARY);
        create(&temporary, text)?;
        fs::rename(temporary, self.directory.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.directory.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Snapshot<'_> {
    /// The hashes of all parts that the roots refer to.
    pub(crate) fn needed(&self) -> HashSet<Hash> {
        let served = self.served.iter().flat_map(|served| &served.parts);
        self.root.parts.iter().chain(served).copied().collect()
    }
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

fn file_name(hash: &Hash) -> String {
    format!("{hash}.json")
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}

#[cfg(test)]
mod tests;
