//! The runtime directory: private to one user, and locked by one edge at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The locked runtime directory.
pub(crate) struct RuntimeDirectory {
    socket: PathBuf,
    /// Locked; the kernel releases the lock however the process ends.
    _lock: File,
}

impl RuntimeDirectory {
    /// Create the directory if it is missing, and lock it. Fails if another edge holds the lock.
    pub(crate) fn acquire(directory: &Path) -> Result<Self, String> {
        let shown = directory.display();
        let with_path = |error: io::Error| format!("{shown} cannot be used: {error}");
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(directory)
            .map_err(with_path)?;
        let mut options = OpenOptions::new();
        let lock = options
            .create(true)
            .append(true)
            .mode(0o600)
            .open(directory.join("edge.lock"));
        let lock = lock.map_err(with_path)?;
        let socket = directory.join("edge.sock");
        let is_held = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err();
        if is_held || UnixStream::connect(&socket).is_ok() {
            return Err(format!(
                "another port443-edge is running in {shown}; stop it first"
            ));
        }
        Ok(Self {
            socket,
            _lock: lock,
        })
    }

    /// Bind the control socket. A socket left behind by a killed edge is replaced.
    pub(crate) fn listen(&self) -> Result<UnixListener, String> {
        let with_path = |error: io::Error| format!("{}: {error}", self.socket.display());
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(with_path(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&self.socket).map_err(with_path)?;
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o600)).map_err(with_path)?;
        listener.set_nonblocking(true).map_err(with_path)?;
        Ok(listener)
    }
}

impl Drop for RuntimeDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}
