"""What the verbs of `port443 serve` come to."""

from dataclasses import dataclass

from port443.core.control.status import Problem


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
