"""The client of the admin socket of a running `port443 serve`."""

import asyncio
import json
from pathlib import Path
from typing import Any

from port443.core.control.answers import NoAnswer, NotRunning
from port443.core.errors import Port443Error, ServeError, SettingsError

ANSWER_BYTES = 64 * 1024 * 1024


class NotAllowed(ServeError):
    """The admin socket is open to root, the user that `serve` runs as, and the group port443-admin.

    Run the command as one of them: with sudo, or as a member of that group (adduser NAME port443-admin).
    """

    code = "P443-E411"
    fault = "operator"


class Refused(Port443Error):
    """`serve` could not do what was requested; its own code, message and facts are passed on.

    `port443 explain` accepts the code that was printed.
    """

    code = "P443-E412"

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"], error["hint"])
        self.code, self.fault, self.retry = error["code"], error["fault"], error["retry"]  # type: ignore[misc]  # of the error of `serve`
        self._report, self._facts = error["report"], error["facts"]

    def report(self) -> str:
        return str(self._report)

    def facts(self) -> dict[str, object]:
        return dict(self._facts)


class SettingsRefused(Refused, SettingsError):
    """`serve` read its settings again and found mistakes; what ran before still runs.

    Each mistake is printed with its position. Correct the file, then: `port443 reload --wait`.
    """

    code = "P443-E415"


async def ask(socket: Path, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send one request and return the answer; raise NotRunning, NoAnswer, NotAllowed or Refused."""
    try:
        async with asyncio.timeout(timeout_s):
            line = await _exchange(socket, json.dumps(request).encode() + b"\n")
    except PermissionError as error:
        raise NotAllowed(f"{socket}: not allowed", "run as root or as a member of port443-admin") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(
            f"no port443 serve answers on {socket}", "start it, or name its directory: --runtime DIR"
        ) from error
    except TimeoutError as error:
        raise NoAnswer(f"does not answer within {timeout_s:g} s", "see the log of serve") from error
    except OSError as error:
        raise NotRunning(
            f"{socket}: {error.strerror or error}", "name its directory: --runtime DIR"
        ) from error
    return _answer(socket, line)


async def _exchange(socket: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket, limit=ANSWER_BYTES)
    try:
        writer.write(line)
        # A server that refuses may close before it has read the whole request: its answer counts.
        return await reader.readline()
    finally:
        writer.close()


def _answer(socket: Path, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise NotRunning(f"{socket}: closed without a complete answer", "see the log of serve")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        error = answer["error"]
        raise SettingsRefused(error) if error["is_settings"] else Refused(error)
    return answer
