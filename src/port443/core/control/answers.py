"""The results of the verbs of `port443 serve`, and the errors of a missing answer."""

from dataclasses import dataclass

from port443.core.control.status import Problem
from port443.core.errors import ServeError


@dataclass(frozen=True, slots=True)
class Alive:
    """It listens."""

    ends_within_s: int
    """A stop is complete within this time, in seconds."""


@dataclass(frozen=True, slots=True)
class ReloadAsked:
    """The settings will be read again soon; how it went is in the log and the status."""

    asked: bool = True


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The settings were read again, and a round went through."""

    running: str
    """The hash of the applied snapshot."""
    changes: tuple[str, ...]
    """The differences from the round before, one sentence each."""
    whole: bool
    """Whether every site is served as the settings demand, by a proof."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Serving has ended."""

    stopped: bool
    serve: int | None
    """The process that ended; null when none ran, only an edge without one."""
    edge: int | None
    """The edge's process; null when none answered."""
    edge_has_unit: bool
    """Whether a service unit of its own stops the edge."""
    edge_goes_on: bool


class NotRunning(ServeError):
    """No `port443 serve` answers on the admin socket of this runtime directory.

    Start it with `port443 serve port443.yaml`, or name the runtime directory of the one that
    runs with `--runtime DIR` (a `serve` prints it when it starts).
    """

    code = "P443-E410"
    fault = "operator"


class NoAnswer(ServeError):
    """`port443 serve` accepted the connection and did not answer in time: it hangs, or is stopped.

    Its edge serves all the same, if it runs. `kill -CONT` resumes a stopped process. Else end it with
    `kill -KILL` and start `port443 serve` again with the same runtime directory: it takes the edge over.
    """

    code = "P443-E421"
    fault = "machine"
