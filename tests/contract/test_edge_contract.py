"""What every `Edge` promises: the supervisor with the real program, and the one in memory."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port
from pki import leaf, root
from plan_samples import desired, names, needs_of, site
from port443.adapters.dial import Dialler
from port443.app.handshake import handshake
from port443.core.contract.receipt import SiteRunning
from port443.core.contract.snapshot import TicketKey
from port443.core.errors import EdgeError
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential, Desired
from port443.core.plan.planner import Plan, plan
from port443.core.x509.keys import pkcs8
from port443.edge.locate import locate_program
from port443.edge.supervisor import EdgeOptions, Supervisor
from port443.ports import Dial, Edge
from port443.settings.environment import Environment
from standin_edge import StandInDial, StandInEdge
from waiting import HANG_S

pytestmark = pytest.mark.slow
NAME = "app.test"
MADE = leaf(root(), NAME)
CREDENTIALS = {NAME: Credential(names(NAME), (MADE.facts.der,), pkcs8(MADE.key))}
LOST = "ee" * 32
Pair = tuple[Edge, Dial]


@pytest.fixture(params=["real", "in memory"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[], Pair]]:
    """Give a maker of an edge and of the way to what it serves."""
    if request.param == "in memory":

        def in_memory() -> Pair:
            edge = StandInEdge()
            return edge, StandInDial(edge)

        yield in_memory
        return
    try:
        program = locate_program(Environment.read().edge)
    except EdgeError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    with tempfile.TemporaryDirectory(prefix="p443-") as runtime:
        yield lambda: (Supervisor(EdgeOptions(Path(runtime), workers=1, program=program)), Dialler())


@pytest.fixture
def wishes() -> Desired:
    here = Endpoint("127.0.0.1", free_port())
    return desired(site(NAME), https=(here,), http=())


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def planned(wishes: Desired, *keys: TicketKey | str) -> Plan:
    return plan(wishes, needs_of(CREDENTIALS), ticket_keys=keys)


def test_what_is_applied_is_what_runs_and_is_served(make: Callable[[], Pair], wishes: Desired) -> None:
    """The receipt, the identity and a handshake tell the same; in the end it is gone."""

    async def scenario() -> None:
        edge, dial = make()
        found = await edge.start()
        assert (found.adopted, found.root, found.identity.running) == (False, None, None)
        watching = asyncio.ensure_future(edge.watch())
        try:
            meant = planned(wishes)
            receipt = await edge.apply(meant)
            assert receipt.root == meant.hash == (await edge.identity()).running
            assert receipt.sites == {NAME: SiteRunning()}
            assert receipt.listeners == {f"https:{wishes.https[0]}": "listening"}
            served = await handshake(dial, wishes.https[0], NAME)
            assert (served.chain, served.key_proved) == ((MADE.facts.der,), True)
            assert (await edge.stats()).workers >= 1
        finally:
            await edge.drain_and_stop()
        await asyncio.wait_for(watching, HANG_S)

    play(scenario)


def test_a_ticket_key_that_nobody_holds_is_left_out(make: Callable[[], Pair], wishes: Desired) -> None:
    """The plan runs without it, and the receipt's root says so."""

    async def scenario() -> None:
        edge, _ = make()
        await edge.start()
        try:
            newest = TicketKey("A" * 43 + "=")
            receipt = await edge.apply(planned(wishes, newest, LOST))
            assert receipt.root == planned(wishes, newest).hash
        finally:
            await edge.drain_and_stop()

    play(scenario)


def test_events_end_when_the_edge_is_left(make: Callable[[], Pair], wishes: Desired) -> None:
    """Whoever listens is let go."""

    async def scenario() -> None:
        edge, _ = make()
        await edge.start()
        await edge.apply(planned(wishes))

        async def listen() -> None:
            async for _event in edge.events():
                pass

        listening = asyncio.ensure_future(listen())
        await edge.drain_and_stop()
        await asyncio.wait_for(listening, HANG_S)

    play(scenario)
