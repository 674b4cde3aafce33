"""An edge of another contract: ours starts beside it, takes its sockets, and lets it finish."""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pki import leaf, root
from plan_samples import desired, names, needs_of, site
from port443.adapters.dial import Dialler
from port443.app.handshake import handshake
from port443.core.contract.bounds import CONTRACT, MAX_DESCRIPTORS
from port443.core.errors import EdgeError
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential
from port443.core.plan.planner import Plan, plan
from port443.core.x509.keys import pkcs8
from port443.edge.locate import locate_program
from port443.edge.supervisor import EdgeOptions, Supervisor
from port443.settings.environment import Environment
from scripted_edge import ScriptedEdge, of_contract
from seam_client import RawClient, frame_of
from serving import Load, Serving
from waiting import wait_until

pytestmark = [pytest.mark.machine, pytest.mark.slow]
NAME = "app.test"
MADE = leaf(root(), NAME)


class OtherEdge:
    """Speaks a later contract, and holds one socket of one listener."""

    def __init__(self, runtime: Path) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.here = Endpoint("127.0.0.1", self.socket.getsockname()[1])
        self.verbs: list[str] = []
        self.fake = ScriptedEdge(runtime / "edge.sock", self._answer)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        verb = request["verb"]
        self.verbs.append(verb)
        if verb == "take_sockets":
            self.fake.lends = [self.socket.fileno()]
            named = [{"listener": f"https:{self.here}", "worker": 0}]
            return {"verb": verb, "sockets": named, "more": False}
        return of_contract(CONTRACT + 1) if verb == "identify" else {"verb": verb, "connections": 0}

    def plan(self) -> Plan:
        """Plan one site on the listener that this edge has."""
        credential = Credential(names(NAME), (MADE.facts.der,), pkcs8(MADE.key))
        return plan(desired(site(NAME), https=(self.here,), http=()), needs_of({NAME: credential}))


@pytest.fixture
def runtime() -> Iterator[Path]:
    try:
        locate_program(Environment.read().edge)
    except EdgeError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    with tempfile.TemporaryDirectory(prefix="p443-") as directory:
        yield Path(directory)


@pytest.fixture
def other(runtime: Path) -> Iterator[OtherEdge]:
    edge = OtherEdge(runtime)
    with edge.fake, contextlib.closing(edge.socket):
        yield edge


def supervisor(runtime: Path) -> Supervisor:
    return Supervisor(EdgeOptions(runtime, 1, program=locate_program(Environment.read().edge)))


def test_the_matching_edge_serves_on_the_same_sockets(runtime: Path, other: OtherEdge) -> None:
    """No port is closed, the other one is drained when ours serves, and the next `serve` adopts ours."""

    async def scenario() -> None:
        edge = supervisor(runtime)
        assert not (await edge.start()).adopted
        assert "drain" not in other.verbs
        assert (await edge.apply(other.plan())).is_whole
        assert other.verbs[-1] == "drain"
        served = await handshake(Dialler(), other.here, NAME)
        assert served.chain == (MADE.facts.der,)
        pid = (await edge.identity()).pid
        await edge.leave()
        successor = supervisor(runtime)
        found = await successor.start()
        assert (found.adopted, found.identity.pid, found.root) == (True, pid, other.plan().root)
        await successor.drain_and_stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(scenario())


@contextlib.contextmanager
def speaking_contract_1(runtime: Path) -> Iterator[list[str]]:
    """Stand between the control socket of the edge that runs there and its clients; yield the verbs asked."""
    behind = runtime / "behind.sock"
    (runtime / "edge.sock").rename(behind)
    verbs = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        verb = request.pop("verb")
        verbs.append(verb)
        if verb == "identify":
            return of_contract(1)
        with RawClient(behind) as client:
            client.send(frame_of(verb, **request))
            answered, descriptors = client.answer_with_descriptors(MAX_DESCRIPTORS)
        between.lends = descriptors
        between.descriptors += descriptors
        return answered

    with ScriptedEdge(runtime / "edge.sock", answer) as between:
        yield verbs


def test_an_edge_of_contract_1_is_replaced_without_a_failed_request(serving: Serving) -> None:
    """It serves until ours does, then it is drained; clients meet at most the end of an idle connection."""
    old = serving.started().edge_pid()
    with Load(serving, retries_idle=True).running() as load:
        load.wait_more(20)
        serving.kill()
        with speaking_contract_1(serving.runtime) as verbs:
            edge = serving.started().wait_ready()["edge"]
            load.wait_more(50)
            wait_until(lambda: not Path(f"/proc/{old}").exists())
    assert load.failures == []
    assert (edge["adopted"], edge["contract"], verbs[-1]) == (False, CONTRACT, "drain")
    assert edge["pid"] != old
