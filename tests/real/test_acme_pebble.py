"""The ACME client against a real CA: pebble, which breaks what clients take for granted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pebble import KEY_ID, MAC_KEY, Pebble, Responder, answering, running_pebble
from port443.adapters.acme_http import AcmeClient
from port443.adapters.clock import SystemClock
from port443.app.acme_account import AccountCalls
from port443.app.acme_order import OrderRequest, run_order
from port443.core.acme.account import Account, ExternalAccount, Registration, RevocationReason
from port443.core.acme.certificate import IssuedCertificate
from port443.core.acme.challenges import ChallengeType, PendingAnswer
from port443.core.acme.errors import (
    AccountRefused,
    AcmeError,
    AnswerWrong,
    CAReplyInvalid,
    CAUnreachable,
    NameRefused,
    OrderRefused,
)
from port443.core.acme.flow import Signer
from port443.core.acme.jws import AccountKey, mac_key_from
from port443.core.acme.progress import NamesValidated, OrderProgress, ReplacesRefused
from port443.core.acme.renewal_info import certificate_id
from port443.core.acme.state import OrderState
from port443.core.names import Fingerprint, parse_site_name
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import pkcs8
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificates_in

CLOCK = SystemClock()


def account_key() -> AccountKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Calls:
    """Implements `OrderCalls` with a responder in this process."""

    responder: Responder
    states: list[OrderState] = field(default_factory=list)
    progress: list[OrderProgress] = field(default_factory=list)

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        self.responder.put(self, answers)

    async def save(self, state: OrderState) -> None:
        self.states.append(state)

    def report(self, progress: OrderProgress) -> None:
        self.progress.append(progress)


@dataclass
class Client:
    """One account at one CA."""

    pebble: Pebble
    responder: Responder
    transport: AcmeClient
    account: Account
    order_calls: Calls

    @property
    def calls(self) -> AccountCalls:
        return AccountCalls(self.transport, CLOCK)

    async def order(self, *names: str, **changes: object) -> IssuedCertificate:
        """Order a certificate; keys and what else of the request is not said are new ones."""
        wishes = {name: changes.pop(name) for name in ("profile", "replaces") if name in changes}
        state = OrderState(tuple(map(parse_site_name, names)), **wishes)  # type: ignore[arg-type]
        request = OrderRequest(state, pkcs8(ec.generate_private_key(ec.SECP256R1())), self.account)
        self.order_calls = Calls(self.responder)
        return await run_order(replace(request, **changes), self.transport, self.order_calls, CLOCK)  # type: ignore[arg-type]


@asynccontextmanager
async def client(pebble: Pebble, responder: Responder, **registration: object) -> AsyncIterator[Client]:
    transport = AcmeClient(pebble.directory_url, CLOCK, user_agent="port443/test", trust=[pebble.trust_der])
    try:
        wish = Registration(account_key(), ("ops@example.com",), agree_tos=True)
        wish = replace(wish, **registration)  # type: ignore[arg-type]
        account = await AccountCalls(transport, CLOCK).register(wish)
        yield Client(pebble, responder, transport, account, Calls(responder))
    finally:
        await transport.close()


@pytest.fixture(scope="module")
def pebble() -> Iterator[tuple[Pebble, Responder]]:
    environment = {"PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2", "PEBBLE_AUTHZREUSE": "0"}
    with running_pebble(environment) as ca, answering(ca.http_port, ca.tls_port) as responder:
        yield ca, responder


def test_a_ca_that_is_not_trusted_is_refused_with_what_helps(pebble: tuple[Pebble, Responder]) -> None:
    async def play() -> None:
        transport = AcmeClient(pebble[0].directory_url, CLOCK, user_agent="port443/test")
        with pytest.raises(CAUnreachable, match="not trusted") as raised:
            await transport.directory()
        await transport.close()
        assert "trust" in raised.value.hint

    asyncio.run(play())


@pytest.mark.parametrize("challenge", list(ChallengeType))
@pytest.mark.parametrize("names", [("a.example",), ("b.example", "www.b.example"), ("127.0.0.1",)])
def test_names_are_certified(
    pebble: tuple[Pebble, Responder], challenge: ChallengeType, names: tuple[str, ...]
) -> None:
    """Host names and addresses, by either challenge."""

    async def play() -> None:
        async with client(*pebble) as one:
            issued = await one.order(*names, can_answer=(challenge,))
            assert {str(name) for name in issued.chain[0].names} == set(names)
            assert len(issued.chain) == 3
            assert one.responder.answers == ()

    asyncio.run(play())


def test_a_profile_is_asked_for_and_given(pebble: tuple[Pebble, Responder]) -> None:
    async def play() -> None:
        async with client(*pebble) as one:
            issued = await one.order("c.example", profile="shortlived")
            assert issued.chain[0].lifetime <= timedelta(days=6, seconds=1)
            with pytest.raises(OrderRefused, match="does not offer the profile"):
                await one.order("c.example", profile="eternal")

    asyncio.run(play())


def test_the_chain_that_is_believed_is_taken(pebble: tuple[Pebble, Responder]) -> None:
    """Whichever of the CA's roots somebody believes."""

    async def play() -> None:
        async with client(*pebble) as one:
            for number in range(3):
                roots = TrustedRoots.of(map(CertFacts.from_der, certificates_in(one.pebble.root(number))))
                issued = await one.order("d.example", roots=(roots,))
                assert (issued.is_believed, issued.chains_offered) == (True, 3)

    asyncio.run(play())


def test_a_renewal_names_what_it_replaces_once(pebble: tuple[Pebble, Responder]) -> None:
    """A second one is refused, and goes on without naming it."""

    async def play() -> None:
        async with client(*pebble) as one:
            first = await one.order("e.example")
            replaces = certificate_id(first.chain[0])
            await one.order("e.example", replaces=replaces)
            assert not any(isinstance(it, ReplacesRefused) for it in one.order_calls.progress)
            await one.order("e.example", replaces=replaces)
            (refused,) = (it for it in one.order_calls.progress if isinstance(it, ReplacesRefused))
            assert "replaced already" in refused.text
            assert one.order_calls.states[-1].replaces is None

    asyncio.run(play())


def test_renewal_information_is_obeyed(pebble: tuple[Pebble, Responder]) -> None:
    """The window that the CA moves to now is seen; one that is no window is an error that says so."""

    async def play() -> None:
        async with client(*pebble) as one:
            leaf = (await one.order("f.example")).chain[0]
            info = await one.calls.renewal_info(leaf)
            assert info is not None
            assert info.start < info.end < leaf.not_after
            assert timedelta(hours=5) < info.poll_at - CLOCK.now() < timedelta(hours=7)
            pem = ssl.DER_cert_to_PEM_cert(leaf.der)
            window = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00.123456789Z"}
            page = "https://ca.example/why"
            one.pebble.set_renewal_info(pem, {"suggestedWindow": window, "explanationURL": page})
            moved = await one.calls.renewal_info(leaf)
            assert moved is not None
            assert moved.explanation_url == page
            assert moved.end <= datetime(2020, 1, 3, tzinfo=UTC)
            for wrong in ("{", "[]", '{"suggestedWindow": {"start": "2020-01-02T00:00:00Z"}}'):
                one.pebble.set_renewal_info(pem, wrong)
                with pytest.raises(CAReplyInvalid):
                    await one.calls.renewal_info(leaf)

    asyncio.run(play())


def test_a_certificate_is_revoked_by_its_account_and_by_its_key(pebble: tuple[Pebble, Responder]) -> None:
    """Revoking again says that it was done; the CA then wants it renewed at once."""

    async def play() -> None:
        async with client(*pebble) as one:
            key = ec.generate_private_key(ec.SECP256R1())
            leaf = (await one.order("g.example", key_pkcs8=pkcs8(key))).chain[0]
            reason = RevocationReason.SUPERSEDED
            assert await one.calls.revoke(one.account.signer, leaf.der, reason)
            assert not await one.calls.revoke(one.account.signer, leaf.der, reason)
            info = await one.calls.renewal_info(leaf)
            assert info is not None
            assert info.end < CLOCK.now()
            other = (await one.order("g.example", key_pkcs8=pkcs8(key))).chain[0]
            assert await one.calls.revoke(Signer(key, None), other.der, RevocationReason.KEY_COMPROMISE)

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_an_account_gets_another_key(pebble: tuple[Pebble, Responder], kind: str) -> None:
    """Also when the process ended in between and does it again; the old key is then good for nothing."""

    async def play() -> None:
        new_key: AccountKey = rsa.generate_private_key(65537, 2048) if kind == "rsa" else account_key()
        async with client(*pebble) as one:
            changed = await one.calls.roll_over(one.account, new_key)
            assert (changed.url, changed.key) == (one.account.url, new_key)
            assert await one.calls.roll_over(one.account, new_key) == changed
            with pytest.raises(AcmeError):
                await one.order("h.example")
            one.account = changed
            await one.order("h.example")

    asyncio.run(play())


def test_an_account_is_found_changed_and_ended(pebble: tuple[Pebble, Responder]) -> None:
    async def play() -> None:
        async with client(*pebble) as one:
            assert await one.calls.find(one.account.key) == one.account
            assert await one.calls.find(account_key()) is None
            assert await one.calls.register(Registration(one.account.key, agree_tos=True)) == one.account
            await one.calls.update_contact(one.account, ("other@example.com",))
            await one.calls.deactivate(one.account)
            with pytest.raises(AccountRefused):
                await one.order("i.example")

    asyncio.run(play())


def test_terms_are_agreed_to_by_the_operator_alone(pebble: tuple[Pebble, Responder]) -> None:
    async def play() -> None:
        with pytest.raises(AccountRefused, match="agree to its terms") as raised:
            async with client(*pebble, agree_tos=False):
                pass
        assert "agree_tos" in raised.value.hint

    asyncio.run(play())


def test_a_name_on_the_cas_list_is_refused(pebble: tuple[Pebble, Responder]) -> None:
    async def play() -> None:
        async with client(*pebble) as one:
            with pytest.raises(NameRefused, match="blocked-domain"):
                await one.order("www.blocked-domain.example")

    asyncio.run(play())


def test_a_wrong_answer_is_named_as_the_cause(pebble: tuple[Pebble, Responder]) -> None:
    """Another server answers: here nobody publishes anything."""

    class Elsewhere(Calls):
        async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
            """Publish nothing."""

    async def play() -> None:
        async with client(*pebble) as one:
            request = OrderRequest(
                OrderState((parse_site_name("j.example"),)),
                pkcs8(ec.generate_private_key(ec.SECP256R1())),
                one.account,
                (ChallengeType.HTTP,),
            )
            calls = Elsewhere(one.responder)
            with pytest.raises(AnswerWrong) as raised:
                await run_order(request, one.transport, calls, CLOCK)
            assert (raised.value.names, raised.value.challenge) == (("j.example",), "http-01")
            assert calls.states[-1].order_url is None

    asyncio.run(play())


def test_an_external_account_is_bound() -> None:
    """Without one the CA is not even asked; with a wrong one it refuses."""

    async def play(ca: Pebble, responder: Responder) -> None:
        with pytest.raises(AccountRefused, match="external account binding"):
            async with client(ca, responder):
                pass
        with pytest.raises(AcmeError):
            async with client(ca, responder, external=ExternalAccount(KEY_ID, b"x" * 48)):
                pass
        bound = ExternalAccount(KEY_ID, mac_key_from(MAC_KEY))
        async with client(ca, responder, external=bound) as one:
            await one.order("k.example")

    with (
        running_pebble(externalAccountBindingRequired=True) as ca,
        answering(ca.http_port, ca.tls_port) as responder,
    ):
        asyncio.run(play(ca, responder))


def test_half_of_all_nonces_may_be_refused() -> None:
    """Twelve orders at once, and none fails."""

    async def play(ca: Pebble, responder: Responder) -> None:
        async with client(ca, responder) as one:
            issued = await asyncio.gather(*(one.order(f"n{number}.example") for number in range(12)))
            assert len({Fingerprint.of(it.chain[0].der) for it in issued}) == 12

    with (
        running_pebble({"PEBBLE_WFE_NONCEREJECT": "50"}) as ca,
        answering(ca.http_port, ca.tls_port) as responder,
    ):
        asyncio.run(play(ca, responder))


def test_authorisations_are_reused() -> None:
    async def play(ca: Pebble, responder: Responder) -> None:
        async with client(ca, responder) as one:
            await one.order("l.example")
            await one.order("l.example", "m.example")
            validated = [it for it in one.order_calls.progress if isinstance(it, NamesValidated)]
            assert [(list(map(str, it.names)), it.reused) for it in validated] == [
                (["l.example"], True),
                (["m.example"], False),
            ]

    with (
        running_pebble({"PEBBLE_AUTHZREUSE": "100"}) as ca,
        answering(ca.http_port, ca.tls_port) as responder,
    ):
        asyncio.run(play(ca, responder))
