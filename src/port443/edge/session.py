"""One boot of the edge: its id, our epoch on it, what it runs and which sockets it has."""

from collections.abc import Iterable
from pathlib import Path

from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.receipt import Receipt
from port443.core.contract.snapshot import Hash
from port443.core.plan.planner import Plan
from port443.edge.client import EdgeClient, Missing
from port443.edge.errors import EdgeGone, PartsUnknown
from port443.edge.sockets import HeldSocket, HeldSockets

APPLY_TRIES = 4
"""The tries of apply and put: one, and one more when a ticket key turns out to be lost."""


class Session:
    """The conversation with the edge of one runtime directory, over its restarts and reconnects."""

    def __init__(self, path: Path, held: HeldSockets) -> None:
        self._path = path
        self._held = held
        self._client: EdgeClient | None = None
        self._identity: EdgeIdentity | None = None
        self._running: Hash | None = None
        self._given: set[HeldSocket] = set()
        self._epoch = 0

    @property
    def identity(self) -> EdgeIdentity:
        """The edge's last answer to `identify`."""
        if self._identity is None:
            raise EdgeGone("there is no connection to the edge yet: call start() first")
        return self._identity

    async def connect(self) -> EdgeIdentity:
        """Connect again; an edge of another boot has none of our sockets."""
        self.hang_up()
        client = await EdgeClient.open(self._path)
        try:
            identity = await client.identify()
        except BaseException:
            client.close()
            raise
        if self._identity is None or self._identity.boot != identity.boot:
            self._given = set()
        self._client, self._identity, self._running = client, identity, identity.running
        return identity

    async def client(self) -> EdgeClient:
        """Return the open connection, or a new one."""
        if self._client is None or self._client.connection.is_closed:
            await self.connect()
        if self._client is None:
            raise EdgeGone("the connection to the edge was closed meanwhile")
        return self._client

    def hang_up(self) -> None:
        """Close the connection; what is known of the edge stays known."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def take_epoch(self) -> None:
        """Take the next epoch: the edge refuses applies of all earlier control planes."""
        self._epoch = self.identity.epoch + 1

    async def adopt_sockets(self) -> None:
        """Take descriptors of the sockets that the edge listens on already."""
        for taken in await (await self.client()).take_sockets():
            self._given.add(self._held.adopt(taken.listener, taken.worker, taken.descriptor))

    async def give_sockets(self) -> None:
        """Lend the edge every held socket that it does not have."""
        client, workers = await self.client(), self.identity.workers
        new = [each for each in self._held if each not in self._given]
        await client.give_sockets(new, workers)
        self._given.update(new)

    async def hand_over(self, plan: Plan) -> tuple[Plan, Receipt]:
        """Have the plan run; return it with its receipt, without ticket keys that were lost on the way."""
        client = await self.client()
        for _ in range(APPLY_TRIES):
            answer = await client.apply(plan.root, self._epoch, self._running)
            if isinstance(answer, Receipt):
                self._running = answer.root
                self._forget_dropped(plan)
                return plan, answer
            plan = await self._send_missing(client, plan, answer)
        raise PartsUnknown("the edge reports the same parts as missing after they were put")

    def _forget_dropped(self, plan: Plan) -> None:
        # An apply closes the edge's side of every listener that it leaves out, also of one not yet used.
        kept = {listener.id for listener in plan.root.listeners}
        self._given = {each for each in self._given if each.listener in kept}

    async def _send_missing(self, client: EdgeClient, plan: Plan, answer: Missing) -> Plan:
        lost = {name for name in answer.parts if name not in plan.parts}
        if unknown := lost - set(plan.root.ticket_keys):
            raise PartsUnknown(f"the edge reports missing parts that are not in the plan: {_some(unknown)}")
        await client.put([plan.parts[name] for name in answer.parts if name not in lost])
        # Only the edge held that ticket key, and it is another edge now: a few resumptions are lost.
        return plan.without_ticket_keys(lost) if lost else plan


def _some(names: Iterable[Hash]) -> str:
    return ", ".join(name[:16] for name in sorted(names)[:3])
