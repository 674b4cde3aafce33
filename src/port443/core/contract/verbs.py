"""What the control plane asks of the edge, and what is answered, verb by verb.

`put` and `apply` hold documents, which both sides write and read by themselves; a receipt is in `receipt.py`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from port443.core.contract.bounds import DAY_MS, MAX_DESCRIPTORS, MAX_EXPECTED_PEERS
from port443.core.contract.rules import Label, Range, Size, SocketAddress, WorkerIndex


class Verb(StrEnum):
    """What is asked."""

    IDENTIFY = "identify"
    """Which edge answers, and what it runs; the same in all contracts from 2 on."""
    PUT = "put"
    """Store parts."""
    APPLY = "apply"
    """Run a snapshot."""
    SOCKETS = "sockets"
    """Add the listening sockets that are sent with this frame."""
    TAKE_SOCKETS = "take_sockets"
    """Send duplicates of the listening sockets; the same in all contracts."""
    EXPECT = "expect"
    """Do not count the next handshake from each of these addresses as a client's."""
    STATS = "stats"
    """Send all counters."""
    EVENTS = "events"
    """Send events until the connection is closed."""
    DRAIN = "drain"
    """Close all connections gracefully and end the process; the same in all contracts."""
    STOP = "stop"
    """End the process now."""


@dataclass(frozen=True, slots=True)
class SocketName:
    """What a listening socket is for."""

    listener: Annotated[str, Label()]
    """The listener's id."""
    worker: Annotated[int, WorkerIndex()]
    """The worker that accepts from it."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """The fields of `sockets`."""

    sockets: Annotated[tuple[SocketName, ...], Size(0, MAX_DESCRIPTORS)]
    """What each descriptor is, in their order."""


@dataclass(frozen=True, slots=True)
class TakeSockets:
    """The fields of `take_sockets`."""

    after: int
    """How many to skip: those that were sent already."""


@dataclass(frozen=True, slots=True)
class Expect:
    """The fields of `expect`."""

    peers: Annotated[tuple[Annotated[str, SocketAddress()], ...], Size(1, MAX_EXPECTED_PEERS)]
    """Where the control plane's own handshakes come from."""


@dataclass(frozen=True, slots=True)
class Events:
    """The fields of `events`."""

    since: int
    """The number of the last event that is known already."""


@dataclass(frozen=True, slots=True)
class Drain:
    """The fields of `drain`."""

    timeout_ms: Annotated[int, Range(0, DAY_MS)]
    """The time for open connections."""


@dataclass(frozen=True, slots=True)
class SocketsSent:
    """The answer to `take_sockets`; the descriptors come with it."""

    sockets: tuple[SocketName, ...]
    """What each descriptor is, in their order."""
    more: bool
    """Whether there are more than one frame carries."""


@dataclass(frozen=True, slots=True)
class EventsBegin:
    """The answer to `events`, before the first of them."""

    boot: str
    oldest: int
    """The number of the oldest event that the edge still holds."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The answer to `drain`."""

    connections: int
    """How many are open still."""
