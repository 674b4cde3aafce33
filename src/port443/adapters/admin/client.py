"""Ask a running `port443 serve` something, over its admin socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

from port443.core.errors import Port443Error, ServeError

ANSWER_BYTES = 64 * 1024 * 1024


class NotRunning(ServeError):
    """No `port443 serve` answers on the admin socket of this runtime directory.

    Start it with `port443 serve --config port443.yaml`, or name the runtime directory of the one that
    runs with `--runtime DIR` (a `serve` prints it when it starts).
    """

    code = "P443-E410"
    fault = "operator"


class NotAllowed(ServeError):
    """The admin socket lets in root, the user that `serve` runs as, and the group port443-admin."""

    code = "P443-E411"
    fault = "operator"


class Refused(Port443Error):
    """`serve` could not do what it was asked; its own code and words are passed on."""

    code = "P443-E412"
    fault = "operator"


async def ask(socket: Path, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send one request and return the answer; raise NotRunning, NotAllowed or Refused."""
    try:
        async with asyncio.timeout(timeout_s):
            line = await _exchange(socket, json.dumps(request).encode() + b"\n")
    except PermissionError as error:
        raise NotAllowed(f"{socket}: not allowed", "ask as root or as a member of port443-admin") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(
            f"no port443 serve answers on {socket}", "start it, or name its directory: --runtime DIR"
        ) from error
    except (TimeoutError, ConnectionResetError) as error:
        raise NotRunning(f"{socket}: no answer within {timeout_s:g} s", "look at the log of serve") from error
    if not line:
        raise NotRunning(f"{socket}: closed without an answer", "look at the log of serve")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise _refusal(answer["error"])
    return answer


async def _exchange(socket: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket, limit=ANSWER_BYTES)
    try:
        writer.write(line)
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()


def _refusal(error: dict[str, str]) -> Port443Error:
    refused = Refused(error["message"], error.get("hint", ""))
    refused.code = error["code"]  # type: ignore[misc]  # the code of the error that `serve` met
    return refused
