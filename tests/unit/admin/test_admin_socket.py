"""The admin socket: who may ask, what is no request, and what comes back."""

import asyncio
import contextlib
import json
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from port443.adapters.admin import AdminSocket, ask
from port443.adapters.admin import server as admin
from port443.adapters.admin.client import NotAllowed, Refused, SettingsRefused
from port443.adapters.admin.server import RuntimeBusy, RuntimeFull
from port443.core.control.answers import NoAnswer, NotRunning
from port443.core.errors import StoreError
from port443.settings.load import parse
from waiting import await_until

NOBODY = 65534
Answers = Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
ASK_AS_NOBODY = """
import os, socket, sys
path, uid = sys.argv[1], int(sys.argv[2])
os.setgid(uid)
os.setuid(uid)
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(path)
    asking.sendall(b'{"verb": "status"}\\n')
    sys.stdout.write(asking.makefile().readline())
"""


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"asked": request}


@pytest.fixture
def path() -> Iterator[Path]:
    """Give a path that is short enough for a socket, in a directory whose parents anybody may pass."""
    with tempfile.TemporaryDirectory(prefix="p443-") as directory, contextlib.chdir(directory):
        yield Path("admin.sock")


@contextlib.asynccontextmanager
async def listening(path: Path, answer: Answers = echo) -> AsyncIterator[AdminSocket]:
    opened = AdminSocket(path)
    await opened.open(answer)
    try:
        yield opened
    finally:
        await opened.close()


async def say(path: Path, octets: bytes, *, end: bool = True) -> dict[str, Any]:
    """Send bytes as they are, and return what is answered; nothing when it is closed without a word."""
    reader, writer = await asyncio.open_unix_connection(path, limit=2**20)
    writer.write(octets)
    if end:
        writer.write_eof()
    line = await reader.readline()
    writer.close()
    answer: dict[str, Any] = json.loads(line or b"{}")
    return answer


def test_a_request_is_answered(path: Path) -> None:
    """One line asks, one line answers; the client is whoever started the server."""

    async def scenario() -> None:
        async with listening(path):
            request = {"verb": "x", "text": "ä" * 10_000}
            assert await ask(path, request, 5) == {"asked": request}

    play(scenario)


@pytest.mark.parametrize(
    "octets",
    [b"nonsense\n", b"[]\n", b"17\n", b'{"verb": "sta', b"\xff\xfe\n", b"[" * 60_000 + b"\n", b"x" * 200_000],
    ids=lambda octets: repr(octets[:12]),
)
def test_what_is_no_request_is_an_error_with_a_code(path: Path, octets: bytes) -> None:
    """Half lines, huge lines, other things: none of it reaches whoever answers, nor ends anything."""

    async def scenario() -> None:
        async with listening(path):
            assert (await say(path, octets))["error"]["code"] == "P443-E413"
            assert await ask(path, {"verb": "x"}, 5)

    play(scenario)


def test_silence_is_no_mistake(path: Path) -> None:
    async def scenario() -> None:
        async with listening(path):
            assert await say(path, b"") == {}

    play(scenario)


@pytest.mark.machine
def test_a_silent_client_is_let_go_in_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request holds a place for a moment only."""
    monkeypatch.setattr(admin, "REQUEST_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        async with listening(path):
            assert await say(path, b'{"verb"', end=False) == {}

    play(scenario)


@pytest.mark.machine
def test_more_clients_than_places_are_sent_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who hold places cost no more than that; when they are gone, there is room again."""
    monkeypatch.setattr(admin, "MAX_CLIENTS", 3)

    async def scenario() -> None:
        async with listening(path) as opened:
            silent = [await asyncio.open_unix_connection(path) for _ in range(3)]
            await await_until(lambda: len(opened._clients) == 3)
            with pytest.raises(Refused, match="3 clients") as refused:
                await ask(path, {"verb": "x"}, 5)
            assert refused.value.code == "P443-E416"
            for _, writer in silent:
                writer.close()
            await await_until(lambda: not opened._clients)
            assert await ask(path, {"verb": "x"}, 5)

    play(scenario)


@pytest.mark.machine
def test_a_client_that_does_not_read_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody takes is given up."""
    monkeypatch.setattr(admin, "ANSWER_TIMEOUT_S", 0.05)

    async def much(_: dict[str, Any]) -> dict[str, Any]:
        return {"much": "x" * 5_000_000}

    async def scenario() -> None:
        async with listening(path, much) as opened:
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.setblocking(False)  # noqa: FBT003 - the standard library's
                await asyncio.get_running_loop().sock_connect(deaf, str(path))
                await asyncio.get_running_loop().sock_sendall(deaf, b"{}\n")
                await await_until(lambda: opened._clients)
                await await_until(lambda: not opened._clients)

    play(scenario)


def test_an_error_is_passed_on_with_all_that_it_says(path: Path) -> None:
    """Code, next step, whose fault, whether to try again."""

    class NoRoom(StoreError):
        code = "P443-E698"
        fault = "machine"
        retry = True

    async def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise NoRoom("no room", "make room")

    async def scenario() -> None:
        async with listening(path, refuse):
            with pytest.raises(Refused) as refused:
                await ask(path, {}, 5)
        told = refused.value
        assert (told.code, told.message, told.hint) == ("P443-E698", "no room", "make room")
        assert (told.fault, told.retry) == ("machine", True)

    play(scenario)


def test_mistakes_in_settings_are_passed_on_with_their_places(path: Path) -> None:
    """Whoever asked for a reload sees what `config check` would show, and the same exit code."""

    async def read(_: dict[str, Any]) -> dict[str, Any]:
        parse("sites: {a.test: ftp://b}")
        return {}

    async def scenario() -> None:
        async with listening(path, read):
            with pytest.raises(SettingsRefused) as refused:
                await ask(path, {}, 5)
        assert ":1:17: P443-E151" in refused.value.report()
        assert refused.value.facts()["count"] == 1

    play(scenario)


def test_a_defect_is_answered_and_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asked is not left alone, and serve goes on."""

    async def stumble(request: dict[str, Any]) -> dict[str, Any]:
        return {"found": request["absent"]}

    async def scenario() -> None:
        async with listening(path, stumble):
            for _ in range(2):
                with pytest.raises(Refused) as refused:
                    await ask(path, {}, 5)
                assert refused.value.code == "P443-E417"

    play(scenario)
    assert [one.message for one in caplog.records] == ["answer_failed"] * 2


def test_nobody_there_is_told_with_the_next_step(path: Path) -> None:
    """No socket, a socket whose server is gone, and a path that is none."""

    async def scenario() -> None:
        with pytest.raises(NotRunning):
            await ask(path, {}, 5)
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(path))
        with pytest.raises(NotRunning):
            await ask(path, {}, 5)
        for strange in (path / "below", Path("x" * 200)):
            with pytest.raises(NotRunning):
                await ask(strange, {}, 5)

    play(scenario)


@pytest.mark.machine
@pytest.mark.parametrize("words", [b"", b'{"half": '])
def test_a_server_that_dies_on_us_is_no_defect(path: Path, words: bytes) -> None:
    async def die(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_unix_server(die, path):
            with pytest.raises(NotRunning):
                await ask(path, {}, 5)

    play(scenario)


@pytest.mark.machine
def test_a_server_that_never_answers_is_given_up(path: Path) -> None:
    async def wait(_: dict[str, Any]) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def scenario() -> None:
        opened = AdminSocket(path)
        await opened.open(wait)
        with pytest.raises(NoAnswer, match="does not answer within"):
            await ask(path, {}, 0.05)
        for talk in list(opened._clients):
            if talk:
                talk.cancel()
        await opened.close()

    play(scenario)


def test_two_cannot_hold_one_directory(path: Path) -> None:
    """The second is told who the first is; when that has ended, there is room."""

    async def scenario() -> None:
        async with listening(path):
            with pytest.raises(RuntimeBusy, match=f"pid {os.getpid()}"):
                AdminSocket(path)
        async with listening(path):
            assert await ask(path, {}, 5) == {"asked": {}}

    play(scenario)


def test_a_directory_without_room_is_told_as_one(path: Path) -> None:
    """A lease that cannot be written names the directory, and not the output of the command."""
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, bounds[1]))
    try:
        with pytest.raises(RuntimeFull, match=r"admin\.lock cannot be written: File too large"):
            AdminSocket(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    with pytest.raises(RuntimeFull, match="Not a directory"):
        AdminSocket(Path("/dev/null/admin.sock"))


def test_a_stale_socket_is_replaced(path: Path) -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(path))
        async with listening(path):
            assert await ask(path, {}, 5)

    play(scenario)


def test_the_socket_is_for_its_owner_alone(path: Path) -> None:
    """Where no group port443-admin exists, nobody else may even connect."""

    async def scenario() -> None:
        async with listening(path):
            assert mode(path) & 0o007 == 0

    play(scenario)
    assert not path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_another_user_is_refused_by_the_kernels_word(path: Path) -> None:
    """Whatever the file modes are by mistake: who asks is known, not told."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")

    async def scenario() -> None:
        async with listening(path):
            asked = await asyncio.to_thread(ask_as_nobody, path)
            assert asked["error"]["code"] == NotAllowed.code

    play(scenario)


def ask_as_nobody(path: Path) -> dict[str, Any]:
    """Open the way to the socket, and ask as another user."""
    path.chmod(0o666)
    path.absolute().parent.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", ASK_AS_NOBODY, str(path.absolute()), str(NOBODY)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
