"""Certificate and key files that an operator keeps."""

import os
import stat
from pathlib import Path, PurePath

from port443.core.errors import CertificateError

MAX_OCTETS = 1024 * 1024


class CertificateFileUnreadable(CertificateError):
    """A certificate or key file cannot be read.

    The message names the file and the error of the system. Check the path, and that the user who runs
    port443 may read it: `chgrp port443 FILE` and `chmod 640 FILE`.
    """

    code = "P443-E220"
    fault = "operator"


class FilesOnDisk:
    """Reads them. Implements `CertificateFiles`."""

    def read(self, path: PurePath) -> bytes:
        """Return the content; raises `CertificateFileUnreadable`."""
        try:
            with open(path, "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise CertificateFileUnreadable(f"{path} is no ordinary file")
                content = file.read(MAX_OCTETS + 1)
        except OSError as error:
            hint = "check the path, and that the user who runs port443 may read it"
            raise CertificateFileUnreadable(f"{path} cannot be read: {error.strerror}", hint) from error
        if len(content) > MAX_OCTETS:
            raise CertificateFileUnreadable(f"{path} is longer than {MAX_OCTETS} octets")
        return content

    def is_exposed(self, path: PurePath) -> bool:
        """Whether users other than its owner and group may read it."""
        try:
            return bool(Path(path).stat().st_mode & stat.S_IROTH)
        except OSError:
            return False

    def stamp(self, path: PurePath) -> str:
        """Return a text that differs when the file was changed, replaced, or went away."""
        try:
            found = os.stat(path)  # noqa: PTH116 - thousands every few seconds, and a Path costs more than this
        except OSError as error:
            return f"absent: {error.errno}"
        return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _without_waiting(path: str, flags: int) -> int:
    """Open a file without blocking: opening a pipe would wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK)
