"""An edge made of a script: answers frames as a test tells it to, rightly or wrongly."""

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from port443.core.contract.bounds import CONTRACT
from port443.edge.errors import UnknownVerb

Answer = dict[str, Any] | bytes | None
"""A reply, raw bytes after which the connection is closed, or nothing at all."""
BOOT = "00112233aabbccdd"


def frame(reply: dict[str, Any]) -> bytes:
    content = json.dumps(reply).encode()
    return struct.pack(">I", len(content)) + content


def identity(**changes: Any) -> dict[str, Any]:
    """Return an answer to `identify`; an edge that runs nothing yet."""
    return {
        "verb": "identify", "contract": CONTRACT, "version": "0.1.0", "boot": BOOT, "pid": os.getpid(),
        "workers": 2, "running": None, "epoch": 0, "listeners": [], "boot_copy_in_memory": True,
    } | changes  # fmt: skip


def of_contract(contract: int, **changes: Any) -> dict[str, Any]:
    """Return what an edge of that contract answers to `identify`, which contract 1 does not have."""
    if contract == 1:
        return {"error": {"code": UnknownVerb.code, "name": UnknownVerb.name, "path": "", "message": "no"}}
    return identity(contract=contract, **changes)


class ScriptedEdge:
    """Listens on a socket and answers each request with what `answer` makes of it."""

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], Answer]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.descriptors: list[int] = []
        self.lends: list[int] = []
        """Descriptors that go out with the next reply."""
        self._answer = answer
        self._connections: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(os.fspath(path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._connections):
            with contextlib.suppress(OSError):  # the other side may have gone first
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listening.close()
        for descriptor in self.descriptors:
            os.close(descriptor)

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                break
            self._connections.append(connection)
            threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(10)
        for connection in self._connections:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        buffer = bytearray()
        while True:
            content, descriptors, _, _ = socket.recv_fds(connection, 65536, 253)
            self.descriptors += descriptors
            buffer += content
            if not content:
                return
            while len(buffer) >= 4 and len(buffer) >= 4 + (length := struct.unpack(">I", buffer[:4])[0]):
                request = json.loads(buffer[4 : 4 + length])
                del buffer[: 4 + length]
                self.requests.append(request)
                if not self._reply(connection, self._answer(request)):
                    return

    def _reply(self, connection: socket.socket, answer: Answer) -> bool:
        if isinstance(answer, dict):
            lends, self.lends = self.lends, []
            socket.send_fds(connection, [frame(answer)], lends)
            return True
        if isinstance(answer, bytes):
            with contextlib.suppress(OSError):
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_RDWR)
        return answer is None
