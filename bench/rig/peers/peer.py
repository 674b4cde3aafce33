"""What every peer is to the rig: something that can be started for one row, and ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rig.group import Group, Place
from rig.identity import Identity
from rig.rows import Load

CONNECTIONS = 4096
"""Connections that a proxy with a fixed table of them is given: both sides of all that the rows need."""
UPSTREAM_IDLE = 512
"""Warm connections to the backend that a peer with a setting for it may keep: more than the rows need."""
TIMEOUT_S = 75


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a peer stands: all that it is told."""

    directory: Path
    """Its own, empty, gone after the run."""
    identity: Identity
    port: int
    backend: int
    place: Place
    load: Load
    """What it will be asked; only the floor, which reads nothing, needs to know."""

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def write(self, name: str, text: str) -> Path:
        """Write a file of its own."""
        path = self.directory / name
        path.write_text(text)
        return path


class Peer(Protocol):
    """A proxy, or what stands in its place."""

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str:
        """The column's name."""
        ...

    @property
    def version(self) -> str: ...

    def start(self, stand: Stand) -> Group:
        """Start it as it would be used in production, with one worker; it may not listen yet."""
        ...
