"""The client against edges that answer rightly, wrongly, or not at all."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from plan_samples import credential, desired, needs_of, site
from port443.core.contract.bounds import CONTRACT, MAX_FRAME
from port443.core.contract.events import DrainStarted, SnapshotApplied
from port443.core.contract.reasons import (
    QuarantineCode,
)
from port443.core.contract.receipt import (
    ChallengeRefused,
    SitePending,
    SiteQuarantined,
    SiteRunning,
)
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import PrivateKey, plain
from port443.core.errors import EdgeError
from port443.core.plan.planner import plan
from port443.edge import client as client_module
from port443.edge.client import EdgeClient, Missing
from port443.edge.errors import (
    ContractDiffers,
    EdgeAnswerStrange,
    EdgeGone,
    EdgeUnreachable,
    FrameTooLong,
    StaleBase,
    UnknownVerb,
)
from port443.edge.framing import Connection, frame_of
from port443.edge.sockets import HeldSocket
from scripted_edge import BOOT, Answer, ScriptedEdge, frame, identity, of_contract

T = TypeVar("T")
HASH = "ab" * 32
PLAN = plan(desired(site("a.test")), needs_of({"a.test": credential("a.test")}))


def ask(
    tmp_path: Path,
    answer: Callable[[dict[str, Any]], Answer],
    *asks: Callable[[EdgeClient], Awaitable[T]],
    lends: tuple[int, ...] = (),
) -> tuple[ScriptedEdge, list[T]]:
    """Run some calls on one connection to a fake edge; return it and what the calls returned."""

    async def talk() -> list[T]:
        client = await EdgeClient.open(tmp_path / "edge.sock")
        try:
            return [await each(client) for each in asks]
        finally:
            client.close()

    with ScriptedEdge(tmp_path / "edge.sock", answer) as edge:
        edge.lends = list(lends)
        return edge, asyncio.run(talk())


def test_an_identity_is_typed(tmp_path: Path) -> None:
    """What the edge says of itself arrives field by field; fields of a newer edge are passed over."""
    reply = identity(
        running=HASH, epoch=7, listeners=[{"id": "https:127.0.0.1:1", "workers": [0, 1]}], mood="fine"
    )
    _, (said,) = ask(tmp_path, lambda _: reply, EdgeClient.identify)
    assert (said.running, said.epoch, said.boot, said.listeners[0].workers) == (HASH, 7, BOOT, (0, 1))


@pytest.mark.parametrize("contract", [1, CONTRACT + 1])
def test_another_contract_is_named(tmp_path: Path, contract: int) -> None:
    """Both numbers stand in the message, and in the hint what to do about which process."""
    with pytest.raises(
        ContractDiffers, match=f"speaks contract {contract}, this port443 speaks {CONTRACT}"
    ) as caught:
        ask(tmp_path, lambda _: of_contract(contract), EdgeClient.identify)
    assert f"process {os.getpid()}" in caught.value.hint


def test_a_receipt_is_typed(tmp_path: Path) -> None:
    """Running, pending and quarantined sites are told apart."""
    fault = {"code": "key_mismatch", "path": "certificates[0].key", "message": "differs", "serves": None}
    receipt = {
        "root": PLAN.hash,
        "missing": [],
        "sites": {
            "a.test": {"state": "running"},
            "b.test": {"state": "quarantined", **fault},
            "c.test": {"state": "pending"},
        },
        "listeners": {"https:127.0.0.1:8443": "waiting_for_sockets"},
        "refused_challenges": {
            "d.test": {"code": "key_unreadable", "path": "certificate.key", "message": "none"}
        },
    }
    edge, (answer,) = ask(
        tmp_path, lambda _: {"verb": "apply", "receipt": receipt}, lambda each: each.apply(PLAN.root, 3, None)
    )
    assert not isinstance(answer, Missing)
    assert answer.sites["a.test"] == SiteRunning()
    assert answer.quarantined == {
        "b.test": SiteQuarantined(QuarantineCode.KEY_MISMATCH, "certificates[0].key", "differs", None)
    }
    assert answer.sites["c.test"] == SitePending()
    assert answer.refused_challenges == {
        "d.test": ChallengeRefused(QuarantineCode.KEY_UNREADABLE, "certificate.key", "none")
    }
    assert not answer.is_whole
    assert edge.requests == [{"verb": "apply", "root": plain(PLAN.root), "epoch": 3, "base": None}]


def test_missing_parts_are_told(tmp_path: Path) -> None:
    receipt = {"root": PLAN.hash, "missing": [HASH]}
    _, answers = ask(
        tmp_path, lambda _: {"verb": "apply", "receipt": receipt}, lambda each: each.apply(PLAN.root, 3, None)
    )
    assert answers == [Missing((HASH,))]


def test_parts_go_in_several_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is filled up to its bound, and a part larger than the bound has one of its own."""
    monkeypatch.setattr(client_module, "BATCH_BYTES", 500)
    parts = [PrivateKey("A" * size) for size in (100, 100, 100, 600, 100)]
    edge, _ = ask(tmp_path, lambda _: {"verb": "put", "stored": []}, lambda each: each.put(parts))
    assert [len(request["parts"]) for request in edge.requests] == [3, 1, 1]
    assert [part for request in edge.requests for part in request["parts"]] == [plain(part) for part in parts]


def test_sockets_go_along(tmp_path: Path) -> None:
    """Each descriptor reaches the other side as the same socket; workers that are not there are not named."""
    bound = [socket.create_server(("127.0.0.1", 0)) for _ in range(300)]
    held = [HeldSocket("https:127.0.0.1:1", index % 3, each) for index, each in enumerate(bound)]
    edge, _ = ask(
        tmp_path, lambda _: {"verb": "sockets", "taken": 0}, lambda each: each.give_sockets(held, 2)
    )
    try:
        assert [len(request["sockets"]) for request in edge.requests] == [253, 47]
        assert [each["worker"] for each in edge.requests[0]["sockets"][:6]] == [0, 1, 0, 0, 1, 0]
        assert len(edge.descriptors) == 300
    finally:
        for each in bound:
            each.close()


def test_sockets_come_back_page_by_page(tmp_path: Path) -> None:
    """`more` is followed until it is false, and each name has its descriptor."""
    first, second = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    ports = [first.getsockname()[1], second.getsockname()[1]]
    lent = [first.detach(), second.detach()]

    def answer(request: dict[str, Any]) -> Answer:
        after = request["after"]
        edges[0].lends = [lent[after]]
        names = [{"listener": "https:127.0.0.1:1", "worker": after}]
        return {"verb": "take_sockets", "sockets": names, "more": after == 0}

    edges: list[ScriptedEdge] = []

    async def take() -> list[int]:
        client = await EdgeClient.open(tmp_path / "edge.sock")
        taken = [(each.worker, socket.socket(fileno=each.descriptor)) for each in await client.take_sockets()]
        client.close()
        seen = [each.getsockname()[1] for _, each in sorted(taken, key=lambda pair: pair[0])]
        for _, each in taken:
            assert not os.get_inheritable(each.fileno())
            each.close()
        return seen

    with ScriptedEdge(tmp_path / "edge.sock", answer) as edge:
        edges.append(edge)
        assert asyncio.run(take()) == ports
    for descriptor in lent:
        os.close(descriptor)


def test_sockets_without_their_names_are_closed(tmp_path: Path) -> None:
    """A count that does not fit is a fault, and no descriptor leaks."""
    lent, other = socket.socketpair()
    before = len(list(Path("/proc/self/fd").iterdir()))
    reply = {"verb": "take_sockets", "sockets": [], "more": False}
    with pytest.raises(EdgeAnswerStrange, match="another number of sockets"):
        ask(tmp_path, lambda _: reply, EdgeClient.take_sockets, lends=(lent.fileno(),))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    lent.close()
    other.close()


def refusal(code: str, path: str = "", message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "name": "x", "path": path, "message": message}}


def test_a_refusal_leaves_the_connection_in_step(tmp_path: Path) -> None:
    """After an error the same connection goes on."""
    answers = iter([refusal("P443-E353"), refusal("P443-E359"), identity()])

    async def three(client: EdgeClient) -> str:
        with pytest.raises(UnknownVerb):
            await client.connection.request("dance")
        with pytest.raises(StaleBase):
            await client.apply(PLAN.root, 1, None)
        return (await client.identify()).boot

    assert ask(tmp_path, lambda _: next(answers), three)[1] == [BOOT]


def test_a_refused_part_names_its_place(tmp_path: Path) -> None:
    reply = refusal("P443-E355", "parts[0].pkcs8", "parts[0].pkcs8: is not canonical base64")
    with pytest.raises(DocumentInvalid) as caught:
        ask(tmp_path, lambda _: reply, lambda each: each.put([PrivateKey("AAAA")]))
    assert caught.value.path == "parts[0].pkcs8"


STRANGE: dict[str, tuple[Answer, type[EdgeError]]] = {
    "closed at once": (b"", EdgeGone),
    "half a length": (b"\0\0", EdgeGone),
    "half a frame": (frame(identity())[:-1], EdgeGone),
    "a frame too long": (struct.pack(">I", MAX_FRAME + 1), EdgeAnswerStrange),
    "no JSON": (struct.pack(">I", 3) + b"{]}", EdgeAnswerStrange),
    "no object": (struct.pack(">I", 2) + b"[]", EdgeAnswerStrange),
    "another verb": ({"verb": "stats"}, EdgeAnswerStrange),
    "a field missing": ({"verb": "identify", "contract": CONTRACT}, EdgeAnswerStrange),
    "a field of another kind": (identity(pid="many"), EdgeAnswerStrange),
    "a hash that is none": (identity(running="deadbeef"), EdgeAnswerStrange),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers_are_errors_with_a_code(tmp_path: Path, name: str) -> None:
    """Nothing that an edge can send raises anything else than an EdgeError."""
    answer, error = STRANGE[name]
    with pytest.raises(error):
        ask(tmp_path, lambda _: answer, EdgeClient.identify)


@pytest.mark.parametrize(
    "receipt",
    [None, {}, {"root": HASH, "missing": [], "listeners": {}},
     {"root": HASH, "missing": [], "listeners": {}, "sites": {"a.test": {"state": "asleep"}}},
     {"root": HASH, "missing": [], "listeners": {"x": "deaf"}, "sites": {}}],
)  # fmt: skip
def test_strange_receipts_are_errors(tmp_path: Path, receipt: Any) -> None:
    with pytest.raises(EdgeAnswerStrange):
        ask(
            tmp_path,
            lambda _: {"verb": "apply", "receipt": receipt},
            lambda each: each.apply(PLAN.root, 1, None),
        )


@pytest.mark.machine
def test_no_answer_is_an_error_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that says nothing is given up, and so is the connection."""
    monkeypatch.setattr("port443.edge.framing.REQUEST_TIMEOUT_S", 0.05)

    async def once(client: EdgeClient) -> bool:
        with pytest.raises(EdgeGone, match="did not answer identify"):
            await client.identify()
        return client.connection.is_closed

    assert ask(tmp_path, lambda _: None, once)[1] == [True]


def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    """Neither a missing socket nor one that nobody listens on is an edge."""
    with pytest.raises(EdgeUnreachable):
        asyncio.run(EdgeClient.open(tmp_path / "edge.sock"))
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.fspath(tmp_path / "edge.sock"))
    stale.close()
    with pytest.raises(EdgeUnreachable):
        asyncio.run(EdgeClient.open(tmp_path / "edge.sock"))


def test_a_request_too_long_is_not_sent() -> None:
    with pytest.raises(FrameTooLong):
        frame_of({"verb": "put", "parts": ["A" * MAX_FRAME]})


@pytest.mark.machine
def test_a_large_request_gets_through(tmp_path: Path) -> None:
    """A frame that no socket buffer holds is sent piece by piece."""
    part = PrivateKey("A" * 20_000_000)
    edge, _ = ask(tmp_path, lambda _: {"verb": "put", "stored": []}, lambda each: each.put([part]))
    assert edge.requests[0]["parts"] == [plain(part)]


def test_events_follow_their_reply(tmp_path: Path) -> None:
    """Lines that come with the reply, and in pieces, are events in their order."""
    lines = (
        b'{"number":1,"boot":"%b","at_ms":5,"name":"drain_started"}\n'
        b'{"number":2,"boot":"%b","at_ms":6,"name":"snapshot_applied","root":"%b"}\n'
        % (BOOT.encode(), BOOT.encode(), HASH.encode())
    )
    reply = frame({"verb": "events", "boot": BOOT, "oldest": 1}) + lines + b'{"number":3'

    async def read(client: EdgeClient) -> list[object]:
        begin = await client.begin_events(0)
        assert (begin.boot, begin.oldest) == (BOOT, 1)
        return [event.body async for event in client.events()]

    _, (bodies,) = ask(tmp_path, lambda _: reply, read)
    assert bodies == [DrainStarted(), SnapshotApplied(HASH)]


@pytest.mark.parametrize(
    "line", [b"{]\n", b"{}\n", b'{"number":1,"boot":"b","at_ms":1,"name":"moon_rose"}\n']
)
def test_a_strange_event_is_an_error(tmp_path: Path, line: bytes) -> None:
    reply = frame({"verb": "events", "boot": BOOT, "oldest": 1}) + line

    async def read(client: EdgeClient) -> None:
        await client.begin_events(0)
        async for _ in client.events():
            pass

    with pytest.raises(EdgeAnswerStrange):
        ask(tmp_path, lambda _: reply, read)


@pytest.mark.machine
def test_a_connection_can_be_interrupted(tmp_path: Path) -> None:
    """Whoever waits for the edge's end is woken from another task."""

    async def both() -> bool:
        connection = await Connection.open(tmp_path / "edge.sock")
        assert not await connection.wait_end(0.01)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(connection.wait_end(30))
            group.create_task(asyncio.to_thread(connection.interrupt))
        connection.close()
        connection.interrupt()
        return waiting.result()

    with ScriptedEdge(tmp_path / "edge.sock", lambda _: None):
        assert asyncio.run(both())
