"""Which edge answers on a control socket, and what it runs."""

from dataclasses import dataclass
from typing import Annotated

from port443.core.contract.rules import WorkerIndex
from port443.core.contract.snapshot import Hash


@dataclass(frozen=True, slots=True)
class ListenerWorkers:
    """Which workers hold a socket of a listener."""

    id: str
    workers: tuple[Annotated[int, WorkerIndex()], ...]


@dataclass(frozen=True, slots=True)
class EdgeIdentity:
    """Which edge answers, and what it runs."""

    contract: int
    version: str
    boot: str
    """Another one after each start of the program."""
    pid: int
    workers: int
    running: Hash | None
    """The hash of the root that runs."""
    epoch: int
    listeners: tuple[ListenerWorkers, ...]
    boot_copy_in_memory: bool
    """False when the runtime directory lies on a disk, where secrets should not be."""
