"""The verbs of `App` over the socket: what goes in on one side comes out on the other, typed."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from port443.adapters.admin import AdminClient, AdminSocket, answerer, ask
from port443.adapters.admin.client import Refused
from port443.adapters.admin.server import Answerer
from port443.adapters.admin.verbs import AnswerStrange
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
class FakeApp:
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


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="p443-") as directory, contextlib.chdir(directory):
        yield Path("admin.sock")


@contextlib.asynccontextmanager
async def listening(path: Path, answer: Answerer) -> AsyncIterator[AdminClient]:
    opened = AdminSocket(path)
    await opened.open(answer)
    try:
        yield AdminClient(path)
    finally:
        await opened.close()


def test_each_verb_comes_back_as_it_was_answered(path: Path) -> None:
    """With its name and its fields; an error with its code and hint."""

    async def scenario() -> None:
        app = FakeApp()
        async with listening(path, answerer(app)) as client:
            assert await client.alive() == Alive(40)
            assert await client.status() == document()
            assert await client.reload() == await app.reload()
            assert await client.stop() == await app.stop()
            with pytest.raises(Refused) as refused:
                await client.ask_reload()
        assert (refused.value.code, refused.value.hint) == ("P443-E300", "later")
        assert app.asked == ["alive", "status", "reload", "reload", "alive", "stop", "stop", "ask_reload"]

    asyncio.run(scenario())


def test_what_another_version_says_is_told_as_that(path: Path) -> None:
    """A field that is new is passed over; one that is missing, and a verb that is unknown, are errors."""

    async def newer(request: dict[str, Any]) -> dict[str, Any]:
        return (
            {"ends_within_s": 40, "new": 1} if request["verb"] == "alive" else {"schema": "port443.status/9"}
        )

    async def scenario() -> None:
        async with listening(path, newer) as client:
            assert await client.alive() == Alive(40)
            with pytest.raises(AnswerStrange, match="of another version: schema: must be one of"):
                await client.status()
        async with listening(path, answerer(FakeApp())):
            with pytest.raises(Refused, match="unknown request 'dance'") as refused:
                await ask(path, {"verb": "dance"}, 5)
            assert refused.value.code == "P443-E414"

    asyncio.run(scenario())
