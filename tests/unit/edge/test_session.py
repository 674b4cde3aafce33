"""Handing a plan over: only what is missing is sent, and only as often as makes sense."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port
from plan_samples import credential, desired, needs_of, site
from port443.core.contract.bounds import CONTRACT
from port443.core.contract.read import document_of
from port443.core.contract.receipt import Receipt
from port443.core.contract.snapshot import Hash, hash_of, plain
from port443.core.names import Endpoint
from port443.core.plan.planner import Plan, plan
from port443.edge.errors import ContractDiffers, EdgeGone, PartsUnknown
from port443.edge.session import Session
from port443.edge.sockets import HeldSockets
from port443.edge.supervisor import EdgeOptions, Supervisor
from scripted_edge import BOOT, Answer, ScriptedEdge, identity, of_contract

PLAN = plan(
    desired(site("a.test"), site("b.test")), needs_of({id_: credential(id_) for id_ in ("a.test", "b.test")})
)


class Scripted:
    """An edge that knows some parts already, and remembers what it is given."""

    def __init__(self, *known: Hash) -> None:
        self.known = set(known)
        self.boot = BOOT
        self.running: Hash | None = None

    def __call__(self, request: dict[str, Any]) -> Answer:
        match request["verb"]:
            case "identify":
                return identity(boot=self.boot, running=self.running, epoch=4)
            case "put":
                self.known |= {hash_of_plain(part) for part in request["parts"]}
                return {"verb": "put", "stored": []}
            case "apply":
                return {"verb": "apply", "receipt": self._receipt(request["root"])}
            case verb:
                return {"verb": verb, "taken": 0}

    def _receipt(self, root: dict[str, Any]) -> dict[str, Any]:
        missing = [part for part in root["parts"] if part not in self.known]
        if missing:
            return {"root": "00" * 32, "missing": missing}
        self.running = hash_of_plain(root)
        return {"root": self.running, "missing": [], "sites": {}, "listeners": {}, "refused_challenges": {}}


def hash_of_plain(document: dict[str, Any]) -> Hash:
    return hash_of(document_of(document))


@pytest.fixture
def held() -> Iterator[HeldSockets]:
    mine = HeldSockets()
    yield mine
    mine.close()


def verbs(edge: ScriptedEdge) -> list[str]:
    return [request["verb"] for request in edge.requests]


def hand_over(
    path: Path, held: HeldSockets, answer: Callable[[dict[str, Any]], Answer], *made: Plan
) -> tuple[ScriptedEdge, list[tuple[Plan, Receipt]]]:
    async def talk() -> list[tuple[Plan, Receipt]]:
        session = Session(path, held)
        await session.connect()
        session.take_epoch()
        try:
            return [await session.hand_over(each) for each in made]
        finally:
            session.hang_up()

    with ScriptedEdge(path, answer) as edge:
        return edge, asyncio.run(talk())


def test_only_missing_parts_are_sent(tmp_path: Path, held: HeldSockets) -> None:
    """What the edge has already is not sent again, and secrets least of all."""
    *known, lacking = PLAN.parts
    edge, ((_, receipt),) = hand_over(tmp_path / "edge.sock", held, Scripted(*known), PLAN)
    assert verbs(edge) == ["identify", "apply", "put", "apply"]
    assert edge.requests[2]["parts"] == [plain(PLAN.parts[lacking])]
    assert receipt.root == PLAN.hash


def test_epoch_and_base_are_told(tmp_path: Path, held: HeldSockets) -> None:
    """The epoch goes beyond the one before us; the base is what the edge said to run last."""
    edge, _ = hand_over(tmp_path / "edge.sock", held, Scripted(*PLAN.parts), PLAN, PLAN)
    applies = [request for request in edge.requests if request["verb"] == "apply"]
    assert [(each["epoch"], each["base"]) for each in applies] == [(5, None), (5, PLAN.hash)]


def test_a_part_that_nobody_has_is_an_error(tmp_path: Path, held: HeldSockets) -> None:
    """Only a ticket key may be lost; anything else names the part."""
    lost = next(iter(PLAN.parts))
    partial = Plan(PLAN.root, {name: part for name, part in PLAN.parts.items() if name != lost})
    with pytest.raises(PartsUnknown, match=lost[:16]):
        hand_over(tmp_path / "edge.sock", held, Scripted(), partial)


def test_an_edge_that_never_has_enough_is_an_error(tmp_path: Path, held: HeldSockets) -> None:
    """Asking for the same parts for ever ends."""
    forgetful = Scripted()

    def answer(request: dict[str, Any]) -> Answer:
        forgetful.known.clear()
        return forgetful(request)

    with pytest.raises(PartsUnknown, match="the same parts as missing"):
        hand_over(tmp_path / "edge.sock", held, answer, PLAN)


def test_sockets_are_given_once_a_boot(tmp_path: Path, held: HeldSockets) -> None:
    """A reconnect to the same edge gives nothing twice; another boot gets all of them."""
    edge_of_two_boots = Scripted(*PLAN.parts)
    listening = plan(desired(http=(), https=(free_endpoint(),)), {}).root.listeners
    held.bind_missing(listening, 2)

    async def talk() -> None:
        session = Session(tmp_path / "edge.sock", held)
        with pytest.raises(EdgeGone):
            _ = session.identity
        for boot in (BOOT, BOOT, "ff" * 8):
            edge_of_two_boots.boot = boot
            await session.connect()
            await session.give_sockets()
        session.hang_up()
        session.hang_up()

    with ScriptedEdge(tmp_path / "edge.sock", edge_of_two_boots) as edge:
        asyncio.run(talk())
        given = [len(request["sockets"]) for request in edge.requests if request["verb"] == "sockets"]
    assert given == [2, 2]


def free_endpoint() -> Endpoint:
    return Endpoint("127.0.0.1", free_port())


@pytest.mark.parametrize("contract", [1, CONTRACT + 1])
def test_an_external_edge_of_another_contract_is_not_adopted(tmp_path: Path, contract: int) -> None:
    """It is neither changed nor ended, nor is one started beside it; the error says what to do."""
    tmp_path.chmod(0o700)
    options = EdgeOptions(tmp_path, workers=1, mode="external")
    with ScriptedEdge(tmp_path / "edge.sock", lambda _: of_contract(contract)) as edge:
        with pytest.raises(ContractDiffers):
            asyncio.run(Supervisor(options).start())
        assert verbs(edge) == ["identify"]
    assert not (tmp_path / "edge.log").exists()
