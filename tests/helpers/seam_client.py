"""A client of the edge's socket that can be as wrong as a test wants."""

import json
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from waiting import HANG_S

DEADLINE_S = HANG_S


def frame(payload: bytes) -> bytes:
    """Put the length before a payload."""
    return struct.pack(">I", len(payload)) + payload


def frame_of(verb: str, **fields: Any) -> bytes:
    """Frame a request."""
    return frame(json.dumps({"verb": verb, **fields}).encode())


class EdgeRefused(AssertionError):
    """The edge answered with an error frame."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(f"{error['code']} {error['name']}: {error['message']}")
        self.name = error["name"]


class RawClient:
    """One connection: bytes out, frames in."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE_S)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send bytes; descriptors go with the first of them."""
        sent = socket.send_fds(self.socket, [data], descriptors) if descriptors else 0
        if sent < len(data):
            # Sending nothing would fail when the edge has answered and ended already.
            self.socket.sendall(data[sent:])

    def ask(self, verb: str, descriptors: Sequence[int] = (), **fields: Any) -> dict[str, Any]:
        """Send a request and return what is answered, refusals too."""
        self.send(frame_of(verb, **fields), descriptors)
        return self.answer()

    def request(self, verb: str, descriptors: Sequence[int] = (), **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer; a refusal is raised."""
        answer = self.ask(verb, descriptors, **fields)
        if "error" in answer:
            raise EdgeRefused(answer["error"])
        return answer

    def refusal(self, verb: str, descriptors: Sequence[int] = (), **fields: Any) -> str:
        """Send a request and return the name of its refusal."""
        answer = self.ask(verb, descriptors, **fields)
        return refusal_in(answer)

    def answer(self) -> dict[str, Any]:
        """Read one frame."""
        (length,) = struct.unpack(">I", self._read(4))
        answer: dict[str, Any] = json.loads(self._read(length))
        return answer

    def answer_with_descriptors(self, most: int) -> tuple[dict[str, Any], list[int]]:
        """Read one frame and the descriptors that came with it."""
        data, descriptors, _, _ = socket.recv_fds(self.socket, 4, most)
        (length,) = struct.unpack(">I", data)
        return json.loads(self._read(length)), descriptors

    def is_closed(self) -> bool:
        """Say whether the edge has closed the connection and sent nothing more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, f"the edge closed after {bytes(data)!r}"
            data += piece
        return bytes(data)


def refusal_in(answer: dict[str, Any]) -> str:
    """Return the name of the refusal in an answer, which must carry its stable code."""
    error = answer["error"]
    assert error["code"] == CODES[error["name"]]
    return str(error["name"])


CODES: dict[str, str] = {
    entry["name"]: code
    for code, entry in json.loads(
        (Path(__file__).parents[2] / "contract" / "errors.json").read_text()
    ).items()
}
