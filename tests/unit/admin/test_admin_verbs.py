"""The verbs of `App` over the socket: what goes in on one side comes out on the other, typed."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from port443.adapters.admin import AdminClient, AdminSocket, answerer, ask
from port443.adapters.admin.client import Refused
from port443.adapters.admin.server import Answerer
from port443.adapters.admin.verbs import AnswerStrange
from port443.core.control.answers import Alive
from standin_app import StandInApp, document


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
        app = StandInApp()
        async with listening(path, answerer(app)) as client:
            assert await client.alive() == Alive(40)
            assert await client.status() == document()
            assert await client.reload() == await app.reload()
            assert await client.certificates() == await app.certificates()
            assert await client.certificate("a.test") == await app.certificate("a.test")
            ordered = await client.order_certificate("a.test", anew=True)
            assert ordered == await app.order_certificate("a.test", anew=True)
            assert await client.preflight("a.test") == await app.preflight("a.test")
            revoked = await client.revoke_certificate("a.test", "superseded")
            assert revoked == await app.revoke_certificate("a.test", "superseded")
            assert await client.stop() == await app.stop()
            with pytest.raises(Refused) as refused:
                await client.ask_reload()
        assert (refused.value.code, refused.value.hint) == ("P443-E300", "later")
        certificates = [
            "certificates",
            "certificate a.test",
            "order a.test True",
            "preflight a.test",
            "revoke a.test superseded",
        ]
        twice = [asked for asked in certificates for _ in range(2)]
        assert app.asked == [
            *("alive", "status", "reload", "reload"),
            *twice,
            *("alive", "stop", "stop", "ask_reload"),
        ]

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
        async with listening(path, answerer(StandInApp())):
            with pytest.raises(Refused, match="unknown request 'dance'") as refused:
                await ask(path, {"verb": "dance"}, 5)
            assert refused.value.code == "P443-E414"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"verb": "certificate"}, "`name`"),
        ({"verb": "order", "name": 7}, "`name`"),
        ({"verb": "revoke", "name": "a.test", "reason": "whim"}, "'whim'"),
    ],
)
def test_a_request_without_what_it_needs_is_refused(path: Path, request_: dict[str, Any], said: str) -> None:
    async def scenario() -> None:
        app = StandInApp()
        async with listening(path, answerer(app)):
            with pytest.raises(Refused, match=said) as refused:
                await ask(path, request_, 5)
        assert (refused.value.code, app.asked) == ("P443-E414", [])

    asyncio.run(scenario())
