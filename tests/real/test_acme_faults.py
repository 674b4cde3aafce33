"""The ACME client over HTTPS against a CA that breaks off, floods, refuses, and leads elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from acme_ca import Answer, Changed, Cut, Endless, Instead, Silent, StandInCA, problem, serving
from acme_play import ACCOUNT_KEY, state
from port443.adapters.acme_http import AcmeClient, client
from port443.app.acme_account import AccountCalls
from port443.app.acme_order import OrderRequest, run_order
from port443.core.acme.account import Registration
from port443.core.acme.certificate import IssuedCertificate
from port443.core.acme.challenges import PendingAnswer
from port443.core.acme.errors import AcmeError, CABusy, CAReplyInvalid, CAUnreachable
from port443.core.acme.progress import OrderProgress
from port443.core.acme.state import OrderState
from port443.core.errors import StoreError
from port443.core.x509.keys import pkcs8
from port443.ports import AcmeTransport
from standin_clock import StandInClock

KEY = pkcs8(ec.generate_private_key(ec.SECP256R1()))
STEPS = [
    "directory", "new-nonce", "new-account", "new-order", "authorisation", "challenge", "order", "finalise",
    "certificate",
]  # fmt: skip
CLOCK = StandInClock()


@dataclass
class Calls:
    """Implements `OrderCalls`: what is published is what the CA's validator finds."""

    ca: StandInCA
    state: OrderState = field(default_factory=state)
    saves_fail: bool = False
    published: list[tuple[PendingAnswer, ...]] = field(default_factory=list)

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        self.published.append(answers)
        self.ca.answers = answers

    async def save(self, state: OrderState) -> None:
        if self.saves_fail:
            raise StoreError("the disk is full", "make room")
        self.state = state

    def report(self, progress: OrderProgress) -> None:
        assert progress.text


@asynccontextmanager
async def connected(ca: StandInCA) -> AsyncIterator[AcmeClient]:
    async with serving(ca) as trust:
        transport = AcmeClient(f"{ca.base}/directory", CLOCK, user_agent="port443/test", trust=[trust])
        try:
            yield transport
        finally:
            await transport.close()


async def ordered(calls: Calls, transport: AcmeTransport) -> IssuedCertificate:
    account = await AccountCalls(transport, CLOCK).register(Registration(ACCOUNT_KEY))
    return await run_order(OrderRequest(calls.state, KEY, account), transport, calls, CLOCK)


def outcome(ca: StandInCA, calls: Calls | None = None, times: int = 1) -> IssuedCertificate | AcmeError:
    """Order so many times at most and return what came of the last."""
    calls = calls or Calls(ca)

    async def play() -> IssuedCertificate | AcmeError:
        async with connected(ca) as transport:
            result: IssuedCertificate | AcmeError = CABusy("not tried")
            for _ in range(times):
                try:
                    return await ordered(calls, transport)
                except AcmeError as error:
                    result = error
            return result

    return asyncio.run(play())


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_the_connection_may_be_cut_at_every_request(step: str, *, done: bool) -> None:
    """What comes of it is one certificate, at the second attempt at the latest."""
    ca = StandInCA(pending_looks=1, processing_looks=1)
    ca.faults[step].append(Cut(done))
    assert isinstance(outcome(ca, times=2), IssuedCertificate)
    assert ca.issued == 1


@pytest.mark.parametrize("step", [step for step in STEPS if step != "new-nonce"])
def test_a_body_without_an_end_is_given_up(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_BODY", 1 << 17)
    ca = StandInCA()
    ca.faults[step].append(Endless())
    result = outcome(ca)
    assert isinstance(result, CAReplyInvalid)
    assert "more than" in result.message


@pytest.mark.parametrize("step", [step for step in STEPS if step != "new-nonce"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(step: str, status: int) -> None:
    ca = StandInCA()
    other = StandInCA()
    ca.every[step] = Instead(Answer(status, b"", {"Location": "https://127.0.0.1:1/"}))
    result = outcome(ca)
    assert isinstance(result, AcmeError)
    assert other.log == []


def compressed(it: Answer) -> Answer:
    return Answer(it.status, it.body, {**it.headers, "Content-Encoding": "gzip"})


def bad_link(it: Answer) -> Answer:
    return Answer(it.status, it.body.replace(b"/new-order", b"@evil.example/"), it.headers)


@pytest.mark.parametrize(
    ("step", "by", "words"),
    [
        ("directory", compressed, "compressed"),
        ("directory", bad_link, "not its own"),
        ("directory", lambda it: Answer(200, b"<html>", it.headers), "no JSON"),
        ("directory", lambda it: Answer(200, b"{}", it.headers), "has no 'newNonce'"),
        ("new-nonce", lambda _: Answer(200, b"", {"Replay-Nonce": "not a nonce!"}), "has no nonce"),
    ],
)
def test_replies_that_are_no_acme_say_so(step: str, by: Callable[[Answer], Answer], words: str) -> None:
    ca = StandInCA()
    ca.every[step] = Changed(by)
    result = outcome(ca)
    assert isinstance(result, CAReplyInvalid)
    assert words in result.message


@pytest.mark.parametrize("refused", [1, 5, 20])
def test_refused_nonces_are_tried_again(refused: int) -> None:
    ca = StandInCA()
    ca.faults["new-order"].extend([Instead(problem(400, "badNonce"))] * refused)
    assert isinstance(outcome(ca), IssuedCertificate)
    assert ca.log.count("new-order") == refused + 1


def test_a_ca_that_refuses_every_nonce_is_left() -> None:
    ca = StandInCA()
    ca.every["new-order"] = Instead(problem(400, "badNonce"))
    assert isinstance(outcome(ca), CABusy)
    assert ca.log.count("new-order") == client.MAX_BAD_NONCES


def test_nonces_of_replies_are_used() -> None:
    """One is asked for in the beginning, and none after that."""
    ca = StandInCA()
    assert isinstance(outcome(ca), IssuedCertificate)
    assert ca.log.count("new-nonce") == 1


def test_a_ca_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ca = StandInCA()

    async def play() -> None:
        async with connected(ca) as transport:
            await transport.directory()
            ca.every["directory"] = Silent()
            monkeypatch.setattr(client, "WITHIN_S", 0.05)
            with pytest.raises(CAUnreachable, match="did not answer in time"):
                await transport.get(f"{ca.base}/directory")

    asyncio.run(play())


@pytest.mark.parametrize("url", ["http://ca.test/directory", "ca.test", "https://", "file:///etc/passwd"])
def test_a_directory_has_an_https_url(url: str) -> None:
    async def play() -> None:
        transport = AcmeClient(url, CLOCK, user_agent="port443/test")
        with pytest.raises(CAReplyInvalid, match="no URL of an ACME directory"):
            await transport.directory()
        await transport.close()

    asyncio.run(play())


def test_nothing_listens() -> None:
    async def play() -> None:
        transport = AcmeClient("https://127.0.0.1:1/directory", CLOCK, user_agent="port443/test")
        with pytest.raises(CAUnreachable, match="cannot be reached"):
            await transport.directory()
        await transport.close()

    asyncio.run(play())


def test_answers_are_withdrawn_however_an_order_ends() -> None:
    for ca in (StandInCA(), StandInCA(validates=lambda _: False)):
        calls = Calls(ca)
        outcome(ca, calls)
        assert calls.published[-1] == ()
        assert len(calls.published) == 2


def test_a_store_that_fails_ends_the_order_where_it_stands() -> None:
    """No challenge is answered for an order that would be forgotten."""
    calls = Calls(ca := StandInCA(), saves_fail=True)
    with pytest.raises(StoreError):
        outcome(ca, calls)
    assert (calls.published, ca.issued) == ([], 0)


def test_an_order_that_is_cancelled_withdraws_its_answers() -> None:
    async def play() -> None:
        ca = StandInCA(pending_looks=10**6)
        calls = Calls(ca)
        async with connected(ca) as transport:
            task = asyncio.ensure_future(ordered(calls, transport))
            while not calls.published:
                await asyncio.wait({task}, timeout=0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert calls.published[-1] == ()
        assert calls.state.order_url is not None

    asyncio.run(play())


def test_eight_requests_at_once_and_no_more() -> None:
    async def play() -> None:
        ca, now, most = StandInCA(), 0, 0

        async with connected(ca) as transport:
            await transport.directory()
            send = transport._http.send

            async def counted(*args: object, **options: object) -> object:
                nonlocal now, most
                now += 1
                most = max(most, now)
                try:
                    return await send(*args, **options)  # type: ignore[arg-type]
                finally:
                    now -= 1

            transport._http.send = counted  # type: ignore[method-assign, assignment]
            await asyncio.gather(*(transport.get(f"{ca.base}/directory") for _ in range(40)))
        assert most == client.AT_ONCE

    asyncio.run(play())
