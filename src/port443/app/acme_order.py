"""Runs one order at one CA, from its names to a checked certificate; the caller stores, publishes, shows."""

from dataclasses import dataclass, field
from typing import Protocol, assert_never

from cryptography.hazmat.primitives.asymmetric import ec

from port443.app.acme_flow import drive, moment
from port443.core.acme.account import Account
from port443.core.acme.certificate import IssuedCertificate
from port443.core.acme.challenges import ChallengeType, PendingAnswer
from port443.core.acme.flow import Command, Get, Post, Publish, Report, Save, Wait
from port443.core.acme.order import WITHIN_S, OrderPlan, order
from port443.core.acme.progress import OrderProgress
from port443.core.acme.state import OrderState
from port443.core.x509.keys import read_pkcs8
from port443.core.x509.path import TrustedRoots
from port443.ports import AcmeTransport, Clock


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What to order, and what is known of it already."""

    state: OrderState
    """As it was saved last; of a new order without its URL, and stored before this is run."""
    key_pkcs8: bytes = field(repr=False)
    """The certificate's key: the same as long as the state has an order's URL."""
    account: Account
    can_answer: tuple[ChallengeType, ...] = tuple(ChallengeType)
    """What the site can answer now, in order of preference."""
    roots: tuple[TrustedRoots, ...] = ()
    """Who should believe the chain: the shortest that all of them believe is taken of those offered."""
    within_s: float = WITHIN_S


class OrderCalls(Protocol):
    """What an order needs of its caller. What these raise ends the order where it stands."""

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        """Return when every address and worker gives these answers, and no others of this order."""
        ...

    async def save(self, state: OrderState) -> None:
        """Return when the next process would find the state."""
        ...

    def report(self, progress: OrderProgress) -> None:
        """Show what has happened."""
        ...


async def run_order(
    request: OrderRequest, transport: AcmeTransport, calls: OrderCalls, clock: Clock
) -> IssuedCertificate:
    """Return the certificate; raises an `AcmeError`.

    To be called again with the state that was saved last, after an error or a crash: an order that is known
    is gone on with, and one that has come to nothing is not in the state any more.
    """
    published = False

    async def perform(command: Command) -> None:
        nonlocal published
        match command:
            case Publish(answers=answers):
                published = True
                await calls.publish(answers)
            case Save(state=state):
                await calls.save(state)
            case Report(progress=progress):
                calls.report(progress)
            case Post() | Get() | Wait():
                raise AssertionError(f"{command} is carried out elsewhere")
            case _:
                assert_never(command)

    try:
        plan = await _plan(request, transport)
        return await drive(order(plan, moment(clock)), transport, clock, perform)
    finally:
        if published:
            await calls.publish(())


async def _plan(request: OrderRequest, transport: AcmeTransport) -> OrderPlan:
    return OrderPlan(
        request.state,
        await transport.directory(),
        request.account,
        read_pkcs8(request.key_pkcs8, "the certificate on order"),
        ec.generate_private_key(ec.SECP256R1()),
        request.can_answer,
        request.roots,
        request.within_s,
    )
