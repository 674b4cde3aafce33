"""The verbs of `ports.App` over the admin socket, on both of its sides."""

import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from port443.adapters.admin.client import ask
from port443.adapters.admin.server import Answerer
from port443.core.contract.shape import DocumentInvalid, read_shape
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.certificates import (
    REVOCATION_WORDS,
    CertificateDocument,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    PreflightDocument,
    RevocationWord,
)
from port443.core.control.status import StatusDocument
from port443.core.errors import ServeError
from port443.ports import App

ALIVE_S, STATUS_S, RELOAD_S, ORDER_S, PREFLIGHT_S = 5.0, 10.0, 300.0, 1000.0, 120.0
"""How long an answer may take."""
T = TypeVar("T")


class RequestUnknown(ServeError):
    """This version does not know the verb on the admin socket.

    Client and server have different versions: use the `port443` that belongs to the running server.
    """

    code = "P443-E414"


class AnswerStrange(ServeError):
    """This version cannot read the answer of the running `port443 serve`.

    Client and server have different versions: use the `port443` that belongs to the running server.
    """

    code = "P443-E425"


def answerer(app: App) -> Answerer:
    """Return the answer to one request of the admin socket."""
    verbs: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
        "alive": lambda _: app.alive(),
        "status": lambda _: app.status(),
        "reload": lambda given: app.reload() if given.get("wait") is True else app.ask_reload(),
        "certificates": lambda _: app.certificates(),
        "certificate": lambda given: app.certificate(_text(given, "name")),
        "order": lambda given: app.order_certificate(_text(given, "name"), anew=given.get("anew") is True),
        "preflight": lambda given: app.preflight(_text(given, "name")),
        "revoke": lambda given: app.revoke_certificate(_text(given, "name"), _reason(given)),
        "stop": lambda _: app.stop(),
    }

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        verb = request.get("verb")
        if not isinstance(verb, str) or verb not in verbs:
            raise RequestUnknown(f"unknown request {verb!r}", f"known are {', '.join(verbs)}")
        return dataclasses.asdict(await verbs[verb](request))

    return answer


def _text(request: dict[str, Any], field: str) -> str:
    value = request.get(field)
    if not isinstance(value, str):
        raise RequestUnknown(f"{request.get('verb')!r} needs `{field}`", "use the port443 of this serve")
    return value


def _reason(request: dict[str, Any]) -> RevocationWord:
    for known in REVOCATION_WORDS:
        if request.get("reason") == known:
            return known
    raise RequestUnknown(
        f"unknown reason {request.get('reason')!r}", f"known are {', '.join(REVOCATION_WORDS)}"
    )


class AdminClient:
    """Implements `App` for the `port443 serve` behind a socket; raises what `ask` raises."""

    def __init__(self, socket: Path, status_s: float = STATUS_S) -> None:
        self._socket = socket
        self._status_s = status_s

    async def alive(self) -> Alive:
        """Return the time within which a stop is complete, in seconds."""
        return await self._ask(Alive, {"verb": "alive"}, ALIVE_S)

    async def status(self) -> StatusDocument:
        """Return what runs and whether it matches the settings; also during the start."""
        return await self._ask(StatusDocument, {"verb": "status"}, self._status_s)

    async def reload(self) -> Reloaded:
        """Read the settings again and apply them."""
        return await self._ask(Reloaded, {"verb": "reload", "wait": True}, RELOAD_S)

    async def ask_reload(self) -> ReloadAsked:
        """Have the settings read again soon."""
        return await self._ask(ReloadAsked, {"verb": "reload"}, RELOAD_S)

    async def certificates(self) -> CertificatesDocument:
        """Return a line for the certificate of each site."""
        return await self._ask(CertificatesDocument, {"verb": "certificates"}, self._status_s)

    async def certificate(self, name: str) -> CertificateDocument:
        """Return all that is known of a site's certificate."""
        return await self._ask(CertificateDocument, {"verb": "certificate", "name": name}, self._status_s)

    async def order_certificate(self, name: str, *, anew: bool) -> CertificateOrdered:
        """Have a certificate ordered now, and say what came of it."""
        return await self._ask(CertificateOrdered, {"verb": "order", "name": name, "anew": anew}, ORDER_S)

    async def preflight(self, name: str) -> PreflightDocument:
        """Look at what an order depends on, and order nothing."""
        return await self._ask(PreflightDocument, {"verb": "preflight", "name": name}, PREFLIGHT_S)

    async def revoke_certificate(self, name: str, reason: RevocationWord) -> CertificateRevoked:
        """Have a certificate revoked."""
        request = {"verb": "revoke", "name": name, "reason": reason}
        return await self._ask(CertificateRevoked, request, ORDER_S)

    async def stop(self) -> Stopped:
        """End serving; return when it is done."""
        within_s = (await self.alive()).ends_within_s
        return await self._ask(Stopped, {"verb": "stop"}, within_s)

    async def _ask(self, shape: type[T], request: dict[str, Any], within_s: float) -> T:
        answer = await ask(self._socket, request, within_s)
        try:
            return read_shape(shape, answer, loose=True)
        except DocumentInvalid as error:
            hint = "use the port443 that belongs to it: port443 --version"
            raise AnswerStrange(f"port443 serve is of another version: {error.message}", hint) from error
