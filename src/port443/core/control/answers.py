"""What the verbs of `port443 serve` come to, and what it means that none comes."""

from dataclasses import dataclass

from port443.core.control.status import Problem
from port443.core.errors import ServeError


@dataclass(frozen=True, slots=True)
class Alive:
    """It listens."""

    ends_within_s: int
    """In what time a stop is done at the latest."""


@dataclass(frozen=True, slots=True)
class ReloadAsked:
    """The settings will be read again soon; how it went is in the log and the status."""

    asked: bool = True


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The settings were read again, and a round went through."""

    running: str
    """The hash of the snapshot that the edge took."""
    changes: tuple[str, ...]
    """What differs from the round before, in plain words."""
    whole: bool
    """Whether every site is served as it was meant to be, and was seen to be."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Serving has ended."""

    stopped: bool
    serve: int | None
    """The process that ended; null when none ran, but an edge went on without one."""
    edge: int | None
    """The edge's process; null when none answered."""
    edge_has_unit: bool
    """Whether a service unit of its own ends the edge."""
    edge_goes_on: bool


class NotRunning(ServeError):
    """No `port443 serve` answers on the admin socket of this runtime directory.

    Start it with `port443 serve port443.yaml`, or name the runtime directory of the one that
    runs with `--runtime DIR` (a `serve` prints it when it starts).
    """

    code = "P443-E410"
    fault = "operator"


class NoAnswer(ServeError):
    """`port443 serve` took the connection and did not answer in time: it hangs, or is stopped.

    Its edge serves all the same, if it runs. `kill -CONT` wakes a process that is stopped. Else end it with
    `kill -KILL` and start `port443 serve` again with the same runtime directory: it takes the edge over.
    """

    code = "P443-E421"
    fault = "machine"
