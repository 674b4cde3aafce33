"""The running edge of another contract, beside which ours is started."""

import logging
from pathlib import Path

from port443.core.contract.bounds import CONTRACT
from port443.core.errors import EdgeError
from port443.edge.client import EdgeClient
from port443.edge.sockets import HeldSockets

log = logging.getLogger(__name__)


def place_beside(runtime: Path) -> Path:
    """Return where our edge runs when one of another contract has the runtime directory."""
    return runtime / f"contract-{CONTRACT}"


class Predecessor:
    """It serves until ours does. All contracts have `take_sockets` and `drain`, and `identify` from 2 on."""

    def __init__(self, client: EdgeClient) -> None:
        self._client = client

    @classmethod
    async def relieve(cls, path: Path, held: HeldSockets) -> "Predecessor":
        """Take its listening sockets over, so that no port is closed when it ends."""
        client = await EdgeClient.open(path)
        try:
            for taken in await client.take_sockets():
                held.adopt(taken.listener, taken.worker, taken.descriptor)
        except BaseException:
            client.close()
            raise
        return cls(client)

    async def dismiss(self, timeout_ms: int) -> None:
        """Drain it, now that our edge serves on the same sockets."""
        try:
            await self._client.drain(timeout_ms)
        except EdgeError as error:
            log.warning("predecessor_not_drained", extra={"reason": error.message})
        self.close()

    def close(self) -> None:
        """Disconnect; it continues to run."""
        self._client.close()
