"""Files that an operator keeps, watched for changes: certificates with their keys, and CAs to trust."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePath

from port443.ports import CertificateFiles

READ_WITHIN_S = 30.0
"""Files on a network may hang; so may a disk."""


@dataclass(frozen=True, slots=True)
class _Watched:
    paths: tuple[PurePath, ...]
    stamps: tuple[str, ...]
    """The state of each file when it was read last."""


class WatchedFiles:
    """The files that jobs have read, and their state when they were read."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._watched: dict[str, _Watched] = {}

    def note(self, reader: str, paths: Iterable[PurePath]) -> bool:
        """Watch `paths` for `reader` from now on; return whether they are in the state of the last time.

        Called before the files are read: a change in between is seen the next time.
        """
        wanted = tuple(paths)
        watched = _Watched(wanted, tuple(self._files.stamp(path) for path in wanted))
        before, self._watched[reader] = self._watched.get(reader), watched
        return watched == before

    def keep_only(self, readers: Collection[str]) -> None:
        """Watch no longer for others."""
        self._watched = {reader: one for reader, one in self._watched.items() if reader in readers}

    def changed(self) -> frozenset[str]:
        """Return whose files are in another state than when they were read."""
        paths = {path for one in self._watched.values() for path in one.paths}
        now = {path: self._files.stamp(path) for path in paths}
        return frozenset(
            reader
            for reader, one in self._watched.items()
            if one.stamps != tuple(now[path] for path in one.paths)
        )
