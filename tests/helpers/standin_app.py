"""A `serve` that answers every verb, as whoever asks over the admin socket sees it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from port443.app.status import lone_document
from port443.core.contract.stats import EdgeStats
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.status import JobStatus, Problem, StatusDocument
from port443.core.errors import EdgeError
from port443.ports import EdgeIdentity, LoneEdge
from standin_edge import nothing_yet

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROBLEM = Problem("a_code", "warning", None, "edge", "it was restarted", "do that")
JOB = JobStatus("round", "running", "it applies", None, 2, "2026-03-01T12:00:00+00:00", "P443-E300", "no")


def document() -> StatusDocument:
    """Return a status with something in most of its fields."""
    identity = EdgeIdentity("0.1.0", 1, "b" * 16, 4711, 2, 1, "ab" * 32, boot_copy_in_memory=True)
    stats: EdgeStats = nothing_yet(EdgeStats)
    lone = LoneEdge(identity, NOW, ("a.test",), ("https:127.0.0.1:8443",), has_unit=False, stats=stats)
    return replace(lone_document(lone, "0.1.0", "/run", NOW), jobs=(JOB,), starting="it starts the edge")


@dataclass
class StandInApp:
    """Implements `App`."""

    asked: list[str] = field(default_factory=list)

    async def alive(self) -> Alive:
        self.asked.append("alive")
        return Alive(40)

    async def status(self) -> StatusDocument:
        self.asked.append("status")
        return document()

    async def reload(self) -> Reloaded:
        self.asked.append("reload")
        return Reloaded("ab" * 32, ("one thing",), whole=False, problems=(PROBLEM,))

    async def ask_reload(self) -> ReloadAsked:
        self.asked.append("ask_reload")
        raise EdgeError("not now", "later")

    async def stop(self) -> Stopped:
        self.asked.append("stop")
        return Stopped(stopped=True, serve=1, edge=None, edge_has_unit=True, edge_goes_on=False)
