"""The machine's floor: a proxy's system calls without TLS and without HTTP."""

import socket
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BenchFault
from rig.group import Group
from rig.identity import NAME
from rig.peers.peer import Stand
from rig.rows import request_head

HELLO, FLIGHT = 240, 900
"""As many bytes as a client's hello has, and as a server's answer with one P-256 certificate has."""
ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Floor:
    """The program of bench/load that passes bytes on."""

    program: Path
    label: str = "floor"
    version: str = "of this tree"
    kind: str = "floor"

    def start(self, stand: Stand) -> Group:
        load = stand.load
        options = {
            "--listen": f"127.0.0.1:{stand.port}",
            "--backend": f"127.0.0.1:{stand.backend}",
            "--request": len(request_head(load, NAME)) + load.upload,
            "--response": _answer_length(stand),
            "--hello": HELLO if is_staged(stand) else 0,
            "--flight": FLIGHT,
            "--batch": str(load.streams > 0).lower(),
        }
        words = [str(word) for pair in options.items() for word in pair]
        return Group([self.program, *words], stand.place, stand.log)


def is_staged(stand: Stand) -> bool:
    """Whether bytes that stand for a handshake are exchanged first: where a proxy has one to do."""
    return stand.load.life == "closed"


def _answer_length(stand: Stand) -> int:
    """Ask the backend once: all its answers to one request have one length."""
    load = stand.load
    with socket.create_connection(("127.0.0.1", stand.backend), ANSWER_S) as asking:
        asking.sendall(request_head(load, NAME) + bytes(load.upload))
        came = b""
        while b"\r\n\r\n" not in came:
            piece = asking.recv(65536)
            if not piece:
                raise BenchFault("the backend does not answer")
            came += piece
    return came.index(b"\r\n\r\n") + 4 + load.body
