"""Desired state to Snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

from port443.core.plan.snapshot import Hash, Part, Root, hash_of


@dataclass(frozen=True, slots=True)
class Plan:
    """A snapshot with its parts: what the edge is to run."""

    root: Root
    parts: Mapping[Hash, Part]
    """The parts by hash; ticket keys that the edge already holds may be absent."""
    left_out: tuple[str, ...] = ()
    """Sites that have no credential yet."""

    @property
    def hash(self) -> Hash:
        """The name of what will run."""
        return hash_of(self.root)
