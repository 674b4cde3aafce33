"""Prove that every address and name serves the issued certificate, by a real handshake for each.

It must not know how certificates are obtained, nor what the edge is.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Literal, assert_never

from port443.app.handshake import frugal_handshake
from port443.core.control.status import ProofVerdict
from port443.core.errors import Port443Error
from port443.core.names import Endpoint, Fingerprint, IPName, SiteName
from port443.core.plan.desired import Credential, Desired
from port443.core.x509.facts import validity
from port443.ports import Clock, Dial

AT_ONCE = 8
"""Concurrent handshakes; the edge serves clients at the same time."""
PROOF_LABEL = "port443-proof"
"""The label in place of `*` for the proof of a wildcard."""

ProofProblem = Literal["served_is_not_issued", "not_proved"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of one handshake."""

    site: str
    endpoint: Endpoint
    """The peer of the handshake; a listener on all addresses is reached on loopback."""
    name: str
    verdict: ProofVerdict
    detail: str
    """One sentence: what was served, and what was expected when that differs."""
    at: datetime
    is_out_of_date: bool = False
    """Whether the expected chain was served, and only its dates are wrong."""

    @property
    def target(self) -> tuple[Endpoint, str]:
        """The `key` of its target."""
        return self.endpoint, self.name

    @property
    def problem(self) -> ProofProblem | None:
        """The problem by its name in status and log; None for the verdict `same`."""
        match self.verdict:
            case "same":
                return None
            case "different":
                return "served_is_not_issued"
            case "unknown":
                return "not_proved"
            case verdict:
                assert_never(verdict)


@dataclass(frozen=True, slots=True)
class ProofTarget:
    """One handshake to make, and the credential that it should show."""

    site: str
    endpoint: Endpoint
    name: SiteName
    expected: Credential

    @property
    def key(self) -> tuple[Endpoint, str]:
        """The peer and the name, as in `Proof.target`."""
        return self.endpoint, str(self.name)


async def prove(
    dial: Dial, clock: Clock, targets: Iterable[ProofTarget], *, checks_dates: bool = True
) -> tuple[Proof, ...]:
    """Make one handshake for each target, and compare leaf, chain, key and dates with the expected ones.

    With `checks_dates` False the dates are left out: the clock is wrong. Never raises: a handshake that
    fails is a proof with the verdict `unknown`.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def attempt(target: ProofTarget) -> Proof:
        async with gate:
            verdict, detail = await _compare(dial, target)
        fault = (
            _date_fault(target.expected.chain, clock.now()) if checks_dates and verdict == "same" else None
        )
        if fault:
            verdict, detail = "different", fault
        return Proof(
            target.site, target.endpoint, str(target.name), verdict, detail, clock.now(),
            is_out_of_date=fault is not None,
        )  # fmt: skip

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(target)) for target in targets]
    return tuple(task.result() for task in tasks)


def proof_targets(
    desired: Desired, credentials: Mapping[str, Credential], loopback: Collection[str]
) -> Iterator[ProofTarget]:
    """Yield a target for each address and name of each site that has a credential.

    `loopback` are the loopback addresses of this machine: a listener on all addresses of a protocol that
    the machine does not have is unreachable, and has no target.
    """
    for site in desired.sites:
        expected = credentials.get(site.id)
        if expected is None:
            continue
        for listener in desired.https:
            for name in site.names:
                endpoint = _reach(listener, name, loopback)
                if endpoint:
                    yield ProofTarget(site.id, endpoint, name, expected)


def _reach(listener: Endpoint, name: SiteName, loopback: Collection[str]) -> Endpoint | None:
    """Return the peer at which this listener serves `name`; None when it does not."""
    bound = ip_address(listener.address)
    if isinstance(name, IPName):
        # A hello for an address has no server name: the edge chooses by its local address.
        own = ip_address(name.text)
        served_here = own == bound or (bound.is_unspecified and own.version == bound.version)
        return Endpoint(name.text, listener.port) if served_here else None
    if bound.is_unspecified:
        near = "::1" if bound.version == 6 else "127.0.0.1"
        return Endpoint(near, listener.port) if near in loopback else None
    return listener


async def _compare(dial: Dial, target: ProofTarget) -> tuple[ProofVerdict, str]:
    name = target.name
    server_name = None if isinstance(name, IPName) else name.text.replace("*", PROOF_LABEL, 1)
    try:
        served = await frugal_handshake(dial, target.endpoint, server_name)
    except Port443Error as error:
        return "unknown", error.message
    if served.chain != target.expected.chain:
        return "different", _difference(served.chain, target.expected.chain)
    if not served.key_proved:
        return "different", "the server did not prove that it holds the leaf's key"
    return "same", f"leaf {Fingerprint.of(served.chain[0]).text[:16]}"


def _date_fault(chain: tuple[bytes, ...], now: datetime) -> str | None:
    """Return which certificate of a chain clients refuse for its dates, as a sentence; None for none."""
    for place, octets in enumerate(chain):
        begins, ends = validity(octets)
        which = f"intermediate {place}" if place else "leaf"
        if now < begins:
            return f"the right chain is served, but its {which} begins {begins:%Y-%m-%d %H:%M} UTC"
        if now > ends:
            return f"the right chain is served, but its {which} ended {ends:%Y-%m-%d %H:%M} UTC"
    return None


def _difference(served: tuple[bytes, ...], expected: tuple[bytes, ...]) -> str:
    if not served or served[0] != expected[0]:
        seen = Fingerprint.of(served[0]).text[:16] if served else "no certificate"
        return f"served leaf {seen}, issued {Fingerprint.of(expected[0]).text[:16]}"
    if len(served) == len(expected):
        return "the leaf is right, but its chain differs from the issued one"
    return f"the leaf is right, but its chain has length {len(served)}, not {len(expected)}"
