"""The supervisor over the real edge: adopting, restarting, handing over, letting go."""

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge_harness import edge_program, running_edge
from free_ports import free_port
from plan_samples import desired, names, needs_of, site
from port443.core.contract.events import EdgeStarted, Event, SnapshotApplied
from port443.core.contract.snapshot import Limits, TicketKey
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential, Desired
from port443.core.plan.planner import Plan, plan
from port443.edge import crashes
from port443.edge.client import EdgeClient
from port443.edge.errors import (
    AddressInUse,
    EdgeDidNotStart,
    EdgeKeepsCrashing,
    EdgeUnreachable,
    StaleEpoch,
)
from port443.edge.supervisor import EdgeOptions, Mode, Supervisor
from port443.ports import Edge
from tls_certs import Wish, ec_key, issue
from waiting import HANG_S, await_until
from wrapping import wrapped

pytestmark = pytest.mark.machine

NAME = "app.test"
ISSUED = issue(Wish(names=(NAME,)), ec_key())
KEY = ISSUED.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
CREDENTIALS = {NAME: Credential(names(NAME), (ISSUED.der,), KEY)}


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A short private directory; whatever edge still runs in it at the end is killed."""
    directory = Path(tempfile.mkdtemp(prefix="p443-"))
    yield directory
    for pid in edges_in(directory):
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    shutil.rmtree(directory)


def edges_in(directory: Path) -> list[int]:
    """Return the process ids of the edges of this runtime directory, zombies included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(directory) in arguments and b"--runtime" in arguments:
                found.append(int(process.name))
    return found


def supervisor(
    runtime: Path, workers: int = 2, mode: Mode = "spawned", program: Path | None = None
) -> Supervisor:
    return Supervisor(EdgeOptions(runtime, workers, mode, program or edge_program()))


def kill(pid: int) -> None:
    """Kill a process and wait for the end of its last thread: until then it may hold locks and ports."""
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    try:
        assert select.select([descriptor], [], [], 10)[0], f"process {pid} lives on"
    finally:
        os.close(descriptor)


def wishes(*ports: int) -> Desired:
    https = tuple(Endpoint("127.0.0.1", port) for port in ports)
    return desired(site(NAME), https=https, http=())


def a_plan(*ports: int) -> Plan:
    return plan(wishes(*ports), needs_of(CREDENTIALS))


def handshake(port: int) -> bytes:
    """Return the leaf that is served; raise when there is no handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as plain,
        wrapped(context, plain, server_hostname=NAME) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


async def served(port: int) -> bytes:
    return await asyncio.to_thread(handshake, port)


@contextlib.asynccontextmanager
async def watched(edge: Supervisor) -> AsyncIterator[list[Event]]:
    """Start, watch and listen; in the end the edge is left, unless the test has done that."""
    events: list[Event] = []

    async def listen() -> None:
        async for event in edge.events():
            events.append(event)  # noqa: PERF401 # they are looked at while they come

    async with asyncio.TaskGroup() as group:
        group.create_task(edge.watch())
        group.create_task(listen())
        try:
            yield events
        finally:
            await edge.leave()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_an_edge_is_started_and_ended(runtime: Path) -> None:
    """From nothing to a handshake with our certificate, and back to nothing: no process, no open port."""

    async def scenario() -> None:
        port = free_port()
        edge: Edge = supervisor(runtime)
        found = await edge.start()
        assert (found.adopted, found.root, found.identity.workers) == (False, None, 2)
        made = a_plan(port)
        receipt = await edge.apply(made)
        assert receipt.is_whole
        assert (receipt.root, (await edge.identity()).running) == (made.hash, made.hash)
        assert await served(port) == ISSUED.der
        assert (await edge.stats()).boot == found.identity.boot
        await edge.drain_and_stop()
        assert edges_in(runtime) == []
        with pytest.raises(ConnectionRefusedError):
            await served(port)

    run(scenario)


def test_an_edge_that_was_left_is_adopted(runtime: Path) -> None:
    """The next control plane finds the same process, its root and its sockets; open connections live on."""

    async def scenario() -> None:
        port = free_port()
        first = supervisor(runtime)
        identity = (await first.start()).identity
        made = a_plan(port)
        await first.apply(made)
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            await first.leave()
            second = supervisor(runtime)
            found = await second.start()
            assert (found.adopted, found.root) == (True, made.root)
            assert (found.identity.pid, found.identity.boot) == (identity.pid, identity.boot)
            assert (await second.apply(made)).is_whole
            assert (await second.identity()).epoch == found.identity.epoch + 1
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            wrapped = await asyncio.to_thread(context.wrap_socket, waiting, server_hostname=NAME)
            wrapped.close()
        await second.drain_and_stop()
        assert edges_in(runtime) == []

    run(scenario)


def test_an_older_control_plane_is_refused(runtime: Path) -> None:
    """Whoever has been taken over changes nothing any more."""

    async def scenario() -> None:
        port = free_port()
        older, newer = supervisor(runtime), supervisor(runtime)
        await older.start()
        await older.apply(plan(desired(https=(), http=()), {}))
        await newer.start()
        await newer.apply(a_plan(port))
        with pytest.raises(StaleEpoch):
            await older.apply(plan(desired(https=(), http=()), {}))
        assert await served(port) == ISSUED.der
        await older.leave()
        await newer.drain_and_stop()

    run(scenario)


def test_a_killed_edge_comes_back_with_its_plan_and_sockets(runtime: Path) -> None:
    """Again and again: another process, the same snapshot, the same sockets, and nobody is refused."""

    async def scenario() -> None:
        port = free_port()
        edge = supervisor(runtime)
        await edge.start()
        made = a_plan(port)
        await edge.apply(made)
        sockets = listening_inodes(port)
        async with watched(edge) as events:
            killed: list[int] = []
            while len(killed) < 4:
                await await_until(lambda: len(starts(events)) > len(killed))
                before = await edge.identity()
                kill(before.pid)
                killed.append(before.pid)
                assert await served(port) == ISSUED.der
                after = await edge.identity()
                assert (after.boot != before.boot, after.running) == (True, made.hash)
                assert listening_inodes(port) == sockets
                assert edges_in(runtime) == [after.pid]
            assert (await edge.apply(made)).is_whole
            await edge.drain_and_stop()
        assert edges_in(runtime) == []
        assert any(isinstance(event.body, SnapshotApplied) for event in events)

    run(scenario)


def starts(events: list[Event]) -> set[str]:
    return {event.boot for event in events if isinstance(event.body, EdgeStarted)}


def listening_inodes(port: int) -> set[str]:
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {row[9] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}


def test_an_apply_waits_for_an_edge_that_is_being_restarted(runtime: Path) -> None:
    """What is asked while the edge is down is answered by the next one."""

    async def scenario() -> None:
        ports = [free_port(), free_port()]
        edge = supervisor(runtime)
        await edge.start()
        await edge.apply(a_plan(ports[0]))
        async with watched(edge):
            kill((await edge.identity()).pid)
            assert (await edge.apply(a_plan(*ports))).is_whole
            kill((await edge.identity()).pid)
            assert (await edge.stats()).workers == 2
            assert [await served(port) for port in ports] == [ISSUED.der] * 2
            await edge.drain_and_stop()

    run(scenario)


def test_an_apply_waits_for_the_successor_of_an_edge_that_drains(runtime: Path) -> None:
    """An edge that somebody has told to end takes nothing new; the plan runs on the one after it."""

    async def scenario() -> None:
        ports = [free_port(), free_port()]
        limits = Limits(drain_timeout_ms=500)
        edge = supervisor(runtime)
        await edge.start()
        await edge.apply(plan(replace(wishes(ports[0]), limits=limits), needs_of(CREDENTIALS)))
        async with watched(edge):
            before = await edge.identity()
            with socket.create_connection(("127.0.0.1", ports[0])) as lingering:
                await await_until(accepted_one(edge))
                os.kill(before.pid, signal.SIGTERM)
                await await_until(drains_or_follows(edge, before.boot))
                assert (
                    await edge.apply(plan(replace(wishes(*ports), limits=limits), needs_of(CREDENTIALS)))
                ).is_whole
                assert lingering.fileno() > 0
            assert (await edge.identity()).boot != before.boot
            assert [await served(port) for port in ports] == [ISSUED.der] * 2
            await edge.drain_and_stop()

    run(scenario)


def drains_or_follows(edge: Supervisor, boot: str) -> Callable[[], bool | Awaitable[bool]]:
    """Whether the edge of that boot has heard the signal: its workers have left, or another edge is there."""

    async def has_heard() -> bool:
        now = await edge.identity()
        return now.workers == 0 or now.boot != boot

    return has_heard


def accepted_one(edge: Supervisor) -> Callable[[], bool | Awaitable[bool]]:
    async def has_open() -> bool:
        return (await edge.stats()).connections.open > 0

    return has_open


def test_an_edge_comes_back_with_the_workers_that_are_wanted(runtime: Path) -> None:
    """An adopted edge keeps its number; its successor has ours, and the sockets still fit."""

    async def scenario() -> None:
        port = free_port()
        first, second = supervisor(runtime, workers=3), supervisor(runtime, workers=1)
        await first.start()
        await first.apply(a_plan(port))
        await first.leave()
        assert (await second.start()).identity.workers == 3
        await second.apply(a_plan(port))
        async with watched(second):
            kill((await second.identity()).pid)
            assert (await second.identity()).workers == 1
            assert [await served(port) for _ in range(12)] == [ISSUED.der] * 12
            await second.drain_and_stop()

    run(scenario)


def test_an_edge_that_dies_again_and_again_is_given_up(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what the edge said last."""
    monkeypatch.setattr(crashes, "MOST", 2)

    async def kill_twice(edge: Supervisor) -> None:
        kill((await edge.identity()).pid)
        kill((await edge.identity()).pid)

    async def scenario() -> None:
        edge = supervisor(runtime)
        await edge.start()
        with pytest.raises(EdgeKeepsCrashing, match="keeps crashing"):
            await asyncio.gather(edge.watch(), kill_twice(edge))
        await edge.leave()

    run(scenario)


def test_a_program_that_does_not_start_says_why(runtime: Path) -> None:
    """Its last words are in the message, and nothing is left behind."""
    program = runtime / "broken"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exec echo port443-edge 0.1.0\necho no luck >&2\nexit 1\n'
    )
    program.chmod(0o755)
    with pytest.raises(EdgeDidNotStart, match="no luck"):
        asyncio.run(supervisor(runtime, program=program).start())
    assert edges_in(runtime) == []


def test_a_port_in_use_changes_nothing(runtime: Path) -> None:
    """The plan before goes on, and the one that was refused leaves no socket behind."""

    async def scenario() -> None:
        ports = [free_port(), free_port()]
        edge = supervisor(runtime)
        await edge.start()
        before = a_plan(ports[0])
        await edge.apply(before)
        with (
            socket.create_server(("127.0.0.1", 0)) as other,
            pytest.raises(AddressInUse, match=f"pid {os.getpid()}"),
        ):
            await edge.apply(a_plan(ports[0], ports[1], other.getsockname()[1]))
        assert (await edge.identity()).running == before.hash
        assert await served(ports[0]) == ISSUED.der
        assert listening_inodes(ports[1]) == set()
        await edge.drain_and_stop()

    run(scenario)


def test_a_listener_that_leaves_is_closed(runtime: Path) -> None:
    """Neither we nor the edge hold its port any longer; the others do not blink."""

    async def scenario() -> None:
        kept, dropped = free_port(), free_port()
        edge = supervisor(runtime)
        await edge.start()
        await edge.apply(a_plan(kept, dropped))
        assert await served(dropped) == ISSUED.der
        await edge.apply(a_plan(kept))
        await await_until(lambda: not listening_inodes(dropped))
        assert await served(kept) == ISSUED.der
        await edge.drain_and_stop()

    run(scenario)


def test_a_lost_ticket_key_does_not_stop_an_apply(runtime: Path) -> None:
    """A key that only a dead edge held is passed over; the plan that runs says so."""

    async def scenario() -> None:
        known = TicketKey("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
        made = plan(wishes(free_port()), needs_of(CREDENTIALS), ticket_keys=["ab" * 32, known])
        edge = supervisor(runtime)
        await edge.start()
        receipt = await edge.apply(made)
        assert receipt.root == made.without_ticket_keys(["ab" * 32]).hash
        await edge.drain_and_stop()

    run(scenario)


def test_a_site_with_a_fault_is_no_error(runtime: Path) -> None:
    """It stands in the receipt and in the events, and the other site runs."""

    async def scenario() -> None:
        port = free_port()
        both = desired(site(NAME), site("broken.test"), https=(Endpoint("127.0.0.1", port),), http=())
        broken = replace(CREDENTIALS[NAME], chain=(b"no certificate",))
        edge = supervisor(runtime)
        await edge.start()
        receipt = await edge.apply(plan(both, needs_of(CREDENTIALS | {"broken.test": broken})))
        assert list(receipt.quarantined) == ["broken.test"]
        assert receipt.quarantined["broken.test"].code == "certificate_unreadable"
        assert await served(port) == ISSUED.der
        await edge.drain_and_stop()

    run(scenario)


def test_an_external_edge_is_waited_for_and_never_ended() -> None:
    """When its own service restarts it, it gets its sockets and its plan back; leaving does not end it."""

    async def scenario(runtime: Path, pid: int) -> None:
        port = free_port()
        edge = supervisor(runtime, mode="external")
        found = await edge.start()
        assert (found.adopted, found.identity.pid) == (True, pid)
        made = a_plan(port)
        assert (await edge.apply(made)).is_whole
        async with watched(edge):
            kill(pid)
            restarted = await asyncio.to_thread(start_external, runtime)
            started.append(restarted)
            assert await served(port) == ISSUED.der
            identity = await edge.identity()
            assert (identity.pid, identity.running) == (restarted.pid, made.hash)
            await edge.drain_and_stop()
            assert await served(port) == ISSUED.der

    started: list[subprocess.Popen[bytes]] = []
    with running_edge() as external:
        try:
            asyncio.run(scenario(external.runtime, external.process.pid))
        finally:
            for process in started:
                process.kill()
                process.wait()


@pytest.mark.parametrize("asked", [False, True], ids=["unseen", "asked who it is"])
def test_an_external_edge_that_was_replaced_unseen_gets_its_sockets(asked: bool) -> None:  # noqa: FBT001
    """Also when it came back before anybody watched, and when a question has reached the new one first."""

    async def scenario(runtime: Path, pid: int) -> None:
        port = free_port()
        edge = supervisor(runtime, mode="external")
        await edge.start()
        await edge.apply(a_plan(port))
        kill(pid)
        restarted = await asyncio.to_thread(start_external, runtime)
        try:
            await await_until(answering(runtime, restarted.pid))
            if asked:
                assert (await edge.identity()).pid == restarted.pid
            async with watched(edge):
                assert await served(port) == ISSUED.der
        finally:
            restarted.kill()
            restarted.wait()

    with running_edge() as external:
        asyncio.run(scenario(external.runtime, external.process.pid))


def answering(runtime: Path, pid: int) -> Callable[[], bool | Awaitable[bool]]:
    """Return whether this very edge answers."""

    async def look() -> bool:
        try:
            client = await EdgeClient.open(runtime / "edge.sock")
        except EdgeUnreachable:
            return False
        with contextlib.closing(client):
            return (await client.identify()).pid == pid

    return look


def start_external(runtime: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [edge_program(), "--runtime", runtime, "--workers", "1"], stderr=subprocess.DEVNULL
    )


def test_an_external_edge_that_never_comes_is_an_error(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("port443.edge.supervisor.START_TIMEOUT_S", 0.1)
    with pytest.raises(EdgeUnreachable):
        asyncio.run(supervisor(runtime, mode="external").start())
