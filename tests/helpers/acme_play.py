"""Plays a CA, a clock and a crash to the flows of `core/acme`, without sockets and without waiting."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from acme_ca import Answer, Cut, Endless, StandInCA
from pki import NOW
from port443.core.acme.account import Account, Registration, register
from port443.core.acme.certificate import IssuedCertificate
from port443.core.acme.challenges import ChallengeType, PendingAnswer
from port443.core.acme.directory import Directory, read_directory
from port443.core.acme.errors import CAReplyInvalid, CAUnreachable
from port443.core.acme.flow import (
    Command,
    Done,
    Event,
    Flow,
    Get,
    Lost,
    Post,
    Publish,
    Replied,
    Report,
    Save,
    T,
    Wait,
)
from port443.core.acme.jws import jwk, signed
from port443.core.acme.order import OrderPlan, order
from port443.core.acme.progress import OrderProgress
from port443.core.acme.reply import Moment, Reply
from port443.core.acme.state import OrderState
from port443.core.names import parse_site_name
from port443.core.x509.path import TrustedRoots

ACCOUNT_KEY = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE_KEY = ec.generate_private_key(ec.SECP256R1())
ANSWER_KEY = ec.generate_private_key(ec.SECP256R1())


class Crashed(Exception):
    """The process ended just before a command was carried out, or just after."""


def state(*names: str, profile: str | None = None, replaces: str | None = None) -> OrderState:
    return OrderState(tuple(map(parse_site_name, names or ("a.example",))), profile, replaces)


@dataclass
class Play:
    """One machine with its clock, its store and its network, which leads to `ca` alone."""

    ca: StandInCA = field(default_factory=StandInCA)
    state: OrderState = field(default_factory=state)
    """As it was saved last."""
    can_answer: tuple[ChallengeType, ...] = tuple(ChallengeType)
    roots: tuple[TrustedRoots, ...] = ()
    within_s: float = 300.0
    commands: list[Command] = field(default_factory=list)
    now_s: float = 0.0
    crash_at: tuple[int, bool] | None = None
    """Before which command, counted from 0; true: just after it was carried out instead."""
    spoil: Callable[[Reply], Reply] = lambda reply: reply

    def moment(self) -> Moment:
        return Moment(NOW + timedelta(seconds=self.now_s), self.now_s)

    def account(self) -> Account:
        return self.play(register(self.directory(), Registration(ACCOUNT_KEY)))

    def directory(self) -> Directory:
        return read_directory(self._reply("GET", f"{self.ca.base}/directory", b""))

    def order(self, account: Account | None = None) -> IssuedCertificate:
        """Run one attempt from the saved state."""
        plan = OrderPlan(
            self.state,
            self.directory(),
            account or self.account(),
            CERTIFICATE_KEY,
            ANSWER_KEY,
            self.can_answer,
            self.roots,
            self.within_s,
        )
        self.commands.clear()
        try:
            return self.play(order(plan, self.moment()))
        finally:
            self.ca.answers = ()

    def play(self, flow: Flow[T]) -> T:
        try:
            command = next(flow)
            while True:
                command = flow.send(self._carried_out(command))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    @property
    def progress(self) -> list[OrderProgress]:
        return [one.progress for one in self.commands if isinstance(one, Report)]

    @property
    def published(self) -> list[tuple[PendingAnswer, ...]]:
        return [one.answers for one in self.commands if isinstance(one, Publish)]

    @property
    def waited_s(self) -> Iterator[float]:
        return (one.until_s for one in self.commands if isinstance(one, Wait))

    def _carried_out(self, command: Command) -> Event:
        at, after = self.crash_at or (-1, False)
        if at == len(self.commands) and not after:
            raise Crashed
        self.commands.append(command)
        event = self._event(command)
        if at == len(self.commands) - 1:
            raise Crashed
        return event

    def _event(self, command: Command) -> Event:
        match command:
            case Post() | Get():
                return self._sent(command)
            case Wait(until_s=until_s):
                assert until_s >= self.now_s
                self.now_s = until_s
            case Save(state=saved):
                self.state = OrderState.from_json(json.loads(json.dumps(saved.to_json())))
            case Publish(answers=answers):
                self.ca.answers = answers
            case Report(progress=progress):
                assert progress.text
        return Done(self.moment())

    def _sent(self, request: Post | Get) -> Replied | Lost:
        self.now_s += 0.005
        try:
            if isinstance(request, Get):
                reply = self._reply("GET", request.url, b"")
            else:
                reply = self._reply("POST", request.url, self._signed(request))
        except (CAUnreachable, CAReplyInvalid) as error:
            return Lost(error, self.moment())
        return Replied(self.spoil(reply), self.moment(), 0.005)

    def _signed(self, post: Post) -> bytes:
        fresh = self.ca.handle("HEAD", f"{self.ca.base}/new-nonce", b"")
        assert isinstance(fresh, Answer)
        who = {"kid": post.signer.account_url} if post.signer.account_url else {"jwk": jwk(post.signer.key)}
        header = {"nonce": fresh.headers["Replay-Nonce"], "url": post.url, **who}
        return json.dumps(signed(post.signer.key, header, post.payload)).encode()

    def _reply(self, method: str, url: str, body: bytes) -> Reply:
        match self.ca.handle(method, url, body):
            case Cut():
                raise CAUnreachable("ca.test broke off", "it is tried again")
            case Endless():
                raise CAReplyInvalid("a reply of ca.test has no end", "look at it")
            case Answer(status=status, body=content, headers=headers):
                return Reply(
                    url,
                    status,
                    headers.get("Content-Type", ""),
                    content,
                    headers.get("Location"),
                    headers.get("Retry-After"),
                    headers.get("Date"),
                    tuple(filter(None, [headers.get("Link")])),
                )


def sent(play: Play) -> list[str]:
    """Name the endpoints that the attempt sent something to."""
    return [
        one.url.removeprefix(play.ca.base).split("/")[1]
        for one in play.commands
        if isinstance(one, Post | Get)
    ]
