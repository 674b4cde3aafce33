//! The runtime directory: owned by one edge at a time, open to one user.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The runtime directory as long as this edge holds it.
pub(crate) struct Place {
    socket: PathBuf,
    /// Locked; the system lets go of it however the process ends.
    _lock: File,
}

impl Place {
    /// Make the directory when it is missing, and take it, unless another edge has it.
    pub(crate) fn claim(directory: &Path) -> Result<Self, String> {
        let shown = directory.display();
        let explained = |error: io::Error| format!("{shown} cannot be used: {error}");
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(directory)
            .map_err(explained)?;
        let mut options = OpenOptions::new();
        let lock = options
            .create(true)
            .append(true)
            .mode(0o600)
            .open(directory.join("edge.lock"));
        let lock = lock.map_err(explained)?;
        let socket = directory.join("edge.sock");
        let is_held = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err();
        if is_held || UnixStream::connect(&socket).is_ok() {
            return Err(format!(
                "another port443-edge runs in {shown}; stop it first"
            ));
        }
        Ok(Self {
            socket,
            _lock: lock,
        })
    }

    /// Listen for the control plane; the socket of an edge that died is replaced.
    pub(crate) fn listen(&self) -> Result<UnixListener, String> {
        let explained = |error: io::Error| format!("{}: {error}", self.socket.display());
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(explained(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&self.socket).map_err(explained)?;
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o600)).map_err(explained)?;
        listener.set_nonblocking(true).map_err(explained)?;
        Ok(listener)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}
