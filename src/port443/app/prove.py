"""Prove that what is served is what was issued: a real handshake for each address and name."""

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
"""Handshakes under way together; the edge answers visitors at the same time."""
PROOF_LABEL = "port443-proof"
"""The label that stands in for `*` when a wildcard is proved."""

ProofProblem = Literal["served_is_not_issued", "not_proved"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What one handshake showed."""

    site: str
    endpoint: Endpoint
    """Where the handshake went; a listener on all addresses is asked on loopback."""
    name: str
    verdict: ProofVerdict
    detail: str
    """One sentence: what was seen, and what was meant when that differs."""
    at: datetime
    is_out_of_date: bool = False
    """Whether what was meant was served, and only its dates are wrong."""

    @property
    def question(self) -> tuple[Endpoint, str]:
        """What was asked: the `key` of its question."""
        return self.endpoint, self.name

    @property
    def problem(self) -> ProofProblem | None:
        """What is wrong, as status and log call it."""
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
class Question:
    """One handshake to make, and what should be seen in it."""

    site: str
    endpoint: Endpoint
    name: SiteName
    meant: Credential

    @property
    def key(self) -> tuple[Endpoint, str]:
        """Where and for what name the question is asked."""
        return self.endpoint, str(self.name)


async def prove(
    dial: Dial, clock: Clock, asked: Iterable[Question], *, judges_dates: bool = True
) -> tuple[Proof, ...]:
    """Shake hands once for each question, and compare leaf, chain, key and dates with what was meant."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def answer(question: Question) -> Proof:
        async with gate:
            verdict, detail = await _compare(dial, question)
        fault = _date_fault(question.meant.chain, clock.now()) if judges_dates and verdict == "same" else None
        if fault:
            verdict, detail = "different", fault
        return Proof(
            question.site, question.endpoint, str(question.name), verdict, detail, clock.now(),
            is_out_of_date=fault is not None,
        )  # fmt: skip

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answer(question)) for question in asked]
    return tuple(task.result() for task in tasks)


def questions(
    desired: Desired, credentials: Mapping[str, Credential], loopback: Collection[str]
) -> Iterator[Question]:
    """Yield a question for each address and name of each site that has a credential.

    `loopback` are the loopback addresses of this machine: a listener on all addresses of a protocol that
    the machine does not have is reached by nobody, and not asked.
    """
    for site in desired.sites:
        meant = credentials.get(site.id)
        if meant is None:
            continue
        for listener in desired.https:
            for name in site.names:
                endpoint = _reach(listener, name, loopback)
                if endpoint:
                    yield Question(site.id, endpoint, name, meant)


def _reach(listener: Endpoint, name: SiteName, loopback: Collection[str]) -> Endpoint | None:
    """Return where `name` can be asked for at this listener; None when it is not served there."""
    bound = ip_address(listener.address)
    if isinstance(name, IPName):
        # A hello for an address carries no name: the edge goes by the address that the client came to.
        own = ip_address(name.text)
        served_here = own == bound or (bound.is_unspecified and own.version == bound.version)
        return Endpoint(name.text, listener.port) if served_here else None
    if bound.is_unspecified:
        near = "::1" if bound.version == 6 else "127.0.0.1"
        return Endpoint(near, listener.port) if near in loopback else None
    return listener


async def _compare(dial: Dial, question: Question) -> tuple[ProofVerdict, str]:
    name = question.name
    server_name = None if isinstance(name, IPName) else name.text.replace("*", PROOF_LABEL, 1)
    try:
        served = await frugal_handshake(dial, question.endpoint, server_name)
    except Port443Error as error:
        return "unknown", error.message
    if served.chain != question.meant.chain:
        return "different", _difference(served.chain, question.meant.chain)
    if not served.key_proved:
        return "different", "the server did not prove that it holds the leaf's key"
    return "same", f"leaf {Fingerprint.of(served.chain[0]).text[:16]}"


def _date_fault(chain: tuple[bytes, ...], now: datetime) -> str | None:
    """Say which certificate of a chain clients refuse for its dates."""
    for place, octets in enumerate(chain):
        begins, ends = validity(octets)
        which = f"intermediate {place}" if place else "leaf"
        if now < begins:
            return f"the right chain is served, but its {which} begins {begins:%Y-%m-%d %H:%M} UTC"
        if now > ends:
            return f"the right chain is served, but its {which} ended {ends:%Y-%m-%d %H:%M} UTC"
    return None


def _difference(served: tuple[bytes, ...], meant: tuple[bytes, ...]) -> str:
    if not served or served[0] != meant[0]:
        seen = Fingerprint.of(served[0]).text[:16] if served else "no certificate"
        return f"served leaf {seen}, issued {Fingerprint.of(meant[0]).text[:16]}"
    if len(served) == len(meant):
        return "the leaf is right, but its chain is another one than meant"
    return f"the leaf is right, but the length of its chain is {len(served)}, and not {len(meant)} as meant"
