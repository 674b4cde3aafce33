"""What a server takes, found in the dullest way: one hello for each suite, group and version."""

import os
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from port443.core.errors import ScanError
from port443.core.grade.report import Report
from port443.core.names import Endpoint, HostName
from port443.core.probe.hellos import ENTROPY, Offer, build
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import CURVES_12, GROUPS_13
from port443.core.wire.reader import FlightReader
from port443.core.wire.suites import COMMON, suite, suites_13, suites_legacy
from port443.core.wire.versions import Version

NAME = HostName("localhost")
DEADLINE_S = 10
LEGACY = (Version.TLS_1_2, Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3)
AT_ONCE = 4


@dataclass(frozen=True)
class Truth:
    """Everything that a server takes, as code points."""

    suites: frozenset[tuple[int, int]]
    """Version and suite."""
    groups_13: frozenset[int]
    groups_12: frozenset[int]


@cache
def suites_of_openssl() -> tuple[int, ...]:
    """Return the suites that the OpenSSL of this machine can speak, and those of all ages."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    known = {one["id"] & 0xFFFF for one in context.get_ciphers()} | set(COMMON)
    return tuple(code for code in suites_legacy() if code in known)


def ask(endpoint: Endpoint, offer: Offer) -> Flight:
    """Send one hello on a connection of its own; whatever comes is in the flight."""
    hello = build(offer, NAME, os.urandom(ENTROPY))
    reader = FlightReader(hello.hello, hello.shares)
    with (
        suppress(OSError, ScanError),
        socket.create_connection((endpoint.address, endpoint.port), DEADLINE_S) as tcp,
    ):
        tcp.sendall(hello.hello.encode())
        while reader.flight.stage is Stage.OPEN and (octets := tcp.recv(65536)):
            reader.receive(octets)
    return reader.flight


def truth_of(endpoint: Endpoint, legacy: Iterable[int] | None = None) -> Truth:
    """Ask for everything up to TLS 1.2 in these suites, else in all that are known.

    With a choice of suites a version that takes none of them in one hello is not asked for each.
    """
    codes = tuple(suites_legacy() if legacy is None else legacy)
    spoken = [one for one in LEGACY if legacy is None or _takes(o := Offer(one, codes), ask(endpoint, o))]
    offers = [Offer(version, (code,)) for version in spoken for code in codes]
    offers += [Offer(Version.TLS_1_3, (code,), GROUPS_13) for code in suites_13()]
    groups_13 = [Offer(Version.TLS_1_3, suites_13(), (group,)) for group in GROUPS_13]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        flights = list(pool.map(lambda offer: ask(endpoint, offer), offers))
        named = list(pool.map(lambda offer: ask(endpoint, offer), groups_13))
        taken = [
            (offer, flight) for offer, flight in zip(offers, flights, strict=True) if _takes(offer, flight)
        ]
        curves = list(pool.map(lambda offer: ask(endpoint, offer), _curve_offers(taken)))
    return Truth(
        frozenset((offer.version, offer.suites[0]) for offer, _ in taken),
        frozenset(o.groups[0] for o, flight in zip(groups_13, named, strict=True) if _takes(o, flight)),
        frozenset(flight.group for flight in curves if flight.group is not None),
    )


def _takes(offer: Offer, flight: Flight) -> bool:
    return flight.chosen is not None and flight.chosen.version == offer.version


def _curve_offers(taken: list[tuple[Offer, Flight]]) -> list[Offer]:
    """Ask for each curve, alone and before those of certificates, without which some servers take none."""
    keyed = [(offer, flight.group) for offer, flight in taken if flight.signed and flight.group is not None]
    newest = max((offer.version for offer, _ in keyed), default=None)
    asked = [offer for offer, _ in keyed if offer.version == newest]
    # An ECDSA certificate's own curve has to be there, and may be preferred: other suites show the rest.
    free = [offer for offer in asked if suite(offer.suites[0]).authentication != "ECDSA"]
    own = {23, 24, 25}
    return [
        replace(offer, groups=groups)
        for offer in (*asked[:1], *free[:1])
        for curve in CURVES_12
        for groups in ((curve,), *((curve, one) for one in own if one != curve))
    ]


def disagreements(report: Report, truth: Truth) -> list[str]:
    """Name what a scan says otherwise than the oracle, a list as complete that is not among it."""
    server, found = report.facts.server, []
    seen = {(one.version, choice.code) for one in server.versions for choice in one.choices}
    if seen != truth.suites:
        found.append(f"suites: {sorted(seen ^ truth.suites)}")
    for facts in server.versions:
        offered = any(version == facts.version for version, _ in truth.suites)
        if facts.version != Version.SSL_2 and (facts.offered.is_yes != offered or facts.offered.is_unknown):
            found.append(f"{facts.version.label}: {facts.offered}")
        if offered and facts.complete.is_unknown:
            found.append(f"{facts.version.label}: {facts.complete}")
    for name, groups, known in (
        ("TLS 1.3", server.groups_13, truth.groups_13),
        ("TLS 1.2", server.groups_12, truth.groups_12),
    ):
        if set(groups.groups) != known:
            found.append(f"groups of {name}: {sorted(set(groups.groups) ^ known)}")
    return found
