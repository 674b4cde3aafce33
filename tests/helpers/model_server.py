"""A TLS server as a table: from a query to the response, without a byte or a socket."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from port443.core.probe.hellos import Offer
from port443.core.probe.query import (
    Accepted,
    AlertReceived,
    Closed,
    Probe,
    Query,
    Response,
    SessionQuery,
    TLSQuery,
)
from port443.core.wire.alerts import Alert
from port443.core.wire.extensions import Extension, ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import CURVES_12
from port443.core.wire.messages import SignedParameters
from port443.core.wire.server_hello import RETRY_RANDOM, ServerHello
from port443.core.wire.versions import Version

T = TypeVar("T")
HANDSHAKE_FAILURE, PROTOCOL_VERSION = AlertReceived(Alert(2, 40)), AlertReceived(Alert(2, 70))


@dataclass
class Model:
    """A server as a table. `order` is its own preference; without one it goes by the client's."""

    suites: dict[Version, tuple[int, ...]] = field(default_factory=dict)
    groups: tuple[int, ...] = (29, 23)
    own_order: bool = False
    certificate_group: int | None = None
    longest: int = 10**6
    """Suites in a hello; over more the connection is closed."""
    reads: int = 10**6
    """Suites of a hello that it looks at."""
    most_groups: int = 10**6
    takes_extensions: bool = True
    """Up to TLS 1.2; else any extension is refused."""
    asked: list[Query] = field(default_factory=list)

    def answer(self, query: Query) -> Response:
        self.asked.append(query)
        if isinstance(query, SessionQuery):
            return self._whole(query)
        if not isinstance(query, TLSQuery):
            return Closed()
        offer = query.offer
        if len(offer.suites) > self.longest:
            return Closed()
        if len(offer.groups or CURVES_12) > self.most_groups and not offer.bare:
            return HANDSHAKE_FAILURE
        if not (self.takes_extensions or offer.bare or offer.version is Version.TLS_1_3):
            return HANDSHAKE_FAILURE
        offer = replace(offer, suites=offer.suites[: self.reads])
        if offer.version not in self.suites:
            return self._lower(offer)
        return self._choose(offer, offer.version)

    def _whole(self, query: SessionQuery) -> Response:
        """Let a handshake come to its end; there is no session to resume, and no second handshake."""
        self.asked.pop()
        response = self.answer(TLSQuery(query.offer))
        if isinstance(response, Accepted):
            response.flight.stage = Stage.COMPLETE
        return response

    def _lower(self, offer: Offer) -> Response:
        lower = [v for v in self.suites if v < offer.version and v < Version.TLS_1_3]
        if offer.version is Version.TLS_1_3 or not lower:
            return PROTOCOL_VERSION
        return self._choose(offer, max(lower))

    def _choose(self, offer: Offer, version: Version) -> Response:
        suite = self._first(offer.suites, self.suites[version])
        group = self._first(offer.groups, self.groups) if offer.groups else self.groups[0]
        needs = self.certificate_group
        if suite is None or group is None or (needs and offer.groups and needs not in offer.groups):
            return HANDSHAKE_FAILURE
        return Accepted(
            modern_flight(suite, group)
            if version is Version.TLS_1_3
            else legacy_flight(version, suite, group)
        )

    def _first(self, offered: tuple[int, ...], mine: tuple[int, ...]) -> int | None:
        order, other = (mine, offered) if self.own_order else (offered, mine)
        others = frozenset(other)
        return next((code for code in order if code in others), None)


def modern_flight(suite: int, group: int) -> Flight:
    version = Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x03\x04")
    named = (version, Extension(ExtensionType.KEY_SHARE, group.to_bytes(2)))
    return Flight(retry=ServerHello(0x0303, RETRY_RANDOM, b"", suite, 0, named))


def legacy_flight(version: Version, suite: int, group: int) -> Flight:
    signed = SignedParameters(b"", group, b"", None, None, b"")
    return Flight(hello=ServerHello(version, bytes(32), b"", suite, 0, ()), signed=signed)


def walk(probe: Probe[T], answer: Callable[[Query], Response]) -> T:
    """Play a probe against a server to its end."""
    try:
        query = next(probe)
        for _ in range(2000):
            query = probe.send(answer(query))
    except StopIteration as ended:
        result: T = ended.value
        return result
    raise AssertionError("the probe has no end")
