//! The boot copy: what ran last, kept in the runtime directory for the next start.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edge_contract::{Hash, Part, Parts, Root};

const ROOT: &str = "root.json";
/// The root as it was served when sites of the real one were in quarantine: their last good versions.
const SERVED: &str = "served.json";
const EPOCH: &str = "epoch.json";
/// Where a file is written before it replaces another.
const BESIDE: &str = "new";
/// `f_type` of file systems that lie in memory (statfs(2)).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// The directory of the boot copy, and which parts lie there.
pub(crate) struct BootCopy {
    directory: PathBuf,
    written: HashSet<Hash>,
}

/// A snapshot with everything that it takes to run it.
pub(crate) struct Snapshot<'a> {
    /// The snapshot as it was applied.
    pub(crate) root: &'a Root,
    /// The same with the last good versions of its quarantined sites, when it has such sites.
    pub(crate) served: Option<&'a Root>,
    /// The lease under which it was applied.
    pub(crate) epoch: u64,
    /// All parts that are known.
    pub(crate) parts: &'a Parts,
}

/// A boot copy that was read.
pub(crate) struct Recovered {
    pub(crate) root: Root,
    pub(crate) hash: Hash,
    pub(crate) served: Option<Root>,
    pub(crate) epoch: u64,
    pub(crate) parts: Parts,
}

impl BootCopy {
    /// Open the boot copy of a runtime directory; it may be empty.
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

    /// Whether it lies in memory, so that no disk ever holds a secret.
    pub(crate) fn is_in_memory(&self) -> bool {
        rustix::fs::statfs(&self.directory).is_ok_and(|found| {
            IN_MEMORY
                .iter()
                .any(|kind| i128::from(*kind) == i128::from(found.f_type))
        })
    }

    /// Keep a snapshot. At each moment either the old or the new one can be recovered whole.
    pub(crate) fn save(&mut self, snapshot: &Snapshot<'_>) -> io::Result<()> {
        let needed = snapshot.needed();
        self.write_parts(&needed, snapshot.parts)?;
        match snapshot.served {
            Some(served) => self.replace(SERVED, &text(served)?)?,
            None => self.remove(SERVED)?,
        }
        self.replace(EPOCH, &text(&snapshot.epoch)?)?;
        self.replace(ROOT, &text(snapshot.root)?)?;
        self.remove_parts_but(&needed)
    }

    /// Read what was kept; nothing when nothing was, and an error when it cannot be trusted.
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
        self.remove_strays()?;
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
            .ok_or_else(|| io::Error::other(format!("part {hash} is not there")))?;
        let (found, part) = Part::decode(&text).map_err(io::Error::other)?;
        if found == *hash {
            return Ok((found, Arc::new(part)));
        }
        Err(io::Error::other(format!(
            "what lies under {hash} is {found}"
        )))
    }

    fn write_parts(&mut self, needed: &HashSet<Hash>, parts: &Parts) -> io::Result<()> {
        let new: Vec<Hash> = needed.difference(&self.written).copied().collect();
        for hash in new {
            if let Some(part) = parts.get(&hash) {
                // Straight to its place: until a root names it, nobody looks there.
                create(
                    &self.directory.join(file_name(&hash)),
                    &text(part.as_ref())?,
                )?;
                self.written.insert(hash);
            }
        }
        Ok(())
    }

    fn remove_parts_but(&mut self, needed: &HashSet<Hash>) -> io::Result<()> {
        let surplus: Vec<Hash> = self.written.difference(needed).copied().collect();
        for hash in surplus {
            self.remove(&file_name(&hash))?;
            self.written.remove(&hash);
        }
        Ok(())
    }

    /// Remove what a start before this one had begun to write, and no root ever named.
    fn remove_strays(&self) -> io::Result<()> {
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

    /// Write a file whole or not at all.
    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let beside = self.directory.join(BESIDE);
        create(&beside, text)?;
        fs::rename(beside, self.directory.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.directory.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Snapshot<'_> {
    /// Every part that it takes to run it.
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

fn text<T: serde::Serialize + ?Sized>(value: &T) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}

#[cfg(test)]
mod tests;
