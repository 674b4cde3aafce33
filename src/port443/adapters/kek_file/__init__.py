"""The key-encryption key as a file beside the store: simple, and as safe as the directory is."""

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from port443.core.errors import StoreError
from port443.storage_errors import file_errors

KEY_OCTETS, NONCE_OCTETS = 32, 12
READ_ONLY_BY_OWNER = 0o400
OTHERS = 0o077


class KeyEncryptionKeyMissing(StoreError):
    """The file `kek` is missing or is not a key, and without it the private keys in the store are lost.

    Restore it from a backup of the state directory. Without one move the directory away and start
    again: the local CA's root and all certificates are then made again.
    """

    code = "P443-E630"
    fault = "operator"


class KeyEncryptionKeyExposed(StoreError):
    """The file `kek` can be read by other users of this machine, and with it all private keys.

    Remove their access with the command in the hint. If another user could have copied it together with the
    database, have all certificates made again.
    """

    code = "P443-E631"
    fault = "operator"


class WrappedKeyUnreadable(StoreError):
    """A stored key was wrapped under another key-encryption key, or is damaged.

    Restore the state directory, including `kek`, from one backup.
    """

    code = "P443-E632"
    fault = "machine"


class FileKeyWrapper:
    """Wraps by AES-256-GCM under a key in a file (0400). Implements `KeyWrapper`."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.id = hashlib.sha256(b"port443 key-encryption key id" + key).hexdigest()[:16]

    @classmethod
    def open(cls, path: Path, *, may_create: bool) -> "FileKeyWrapper":
        """Read the key; make one when there is none and `may_create` is set: nothing depends on it then."""
        with file_errors(path):
            if may_create and not path.exists():
                _create(path)
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
                key = path.read_bytes()
            except FileNotFoundError as error:
                raise KeyEncryptionKeyMissing(
                    f"the key-encryption key {path} is missing",
                    "restore it from a backup of the state directory",
                ) from error
        if mode & OTHERS:
            raise KeyEncryptionKeyExposed(
                f"{path} is open to other users (mode {mode:04o})", f"chmod 400 {path}"
            )
        if len(key) != KEY_OCTETS:
            raise KeyEncryptionKeyMissing(f"{path} holds {len(key)} octets, a key has {KEY_OCTETS}")
        return cls(key)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt `key`, bound to `context`."""
        nonce = os.urandom(NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt the result of `wrap` for the same context."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_OCTETS], wrapped[NONCE_OCTETS:], context)
        except (InvalidTag, ValueError) as error:
            raise WrappedKeyUnreadable(f"the key of {context.decode()} cannot be unwrapped") from error


def _create(path: Path) -> None:
    """Write the whole key under another name first: there is never half a key, nor a second one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, READ_ONLY_BY_OWNER)
    try:
        try:
            os.write(file, os.urandom(KEY_OCTETS))
            os.fsync(file)
        finally:
            os.close(file)
        with suppress(FileExistsError):  # another process was faster: its key counts
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
