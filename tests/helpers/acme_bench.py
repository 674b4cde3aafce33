"""An `AcmeIssuer` with its store, its clock and several CAs of ours, on no network."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath

from acme_ca import Answer, Cut, Endless, StandInCA
from memory_store import MemoryStore
from port443.app.acme_accounts import Accounts
from port443.app.acme_attempt import AcmeServices
from port443.app.acme_issuer import AcmeIssuer, lineage_of
from port443.app.challenge_answers import ChallengeAnswers
from port443.core.acme.challenges import PendingAnswer
from port443.core.acme.directory import Directory, read_directory
from port443.core.acme.errors import CAReplyInvalid, CAUnreachable
from port443.core.acme.flow import Post
from port443.core.acme.jws import jwk, signed
from port443.core.acme.reply import Reply
from port443.core.names import parse_site_name
from port443.core.plan.desired import AcmeCA, AcmeCertificate, DesiredSite, Upstream
from port443.core.renew.records import Attempt
from port443.core.x509.path import TrustedRoots
from port443.ports import Issued
from standin_clock import StandInClock


@dataclass
class Transport:
    """Implements `AcmeTransport` to a `StandInCA`."""

    ca: StandInCA

    async def directory(self) -> Directory:
        return read_directory(self._reply("GET", f"{self.ca.base}/directory", b""))

    async def get(self, url: str) -> Reply:
        return self._reply("GET", url, b"")

    async def post(self, post: Post) -> Reply:
        fresh = self.ca.handle("HEAD", f"{self.ca.base}/new-nonce", b"")
        if not isinstance(fresh, Answer):
            raise CAUnreachable(f"{self.ca.base} broke off", "it is tried again")
        who = {"kid": post.signer.account_url} if post.signer.account_url else {"jwk": jwk(post.signer.key)}
        header = {"nonce": fresh.headers["Replay-Nonce"], "url": post.url, **who}
        body = json.dumps(signed(post.signer.key, header, post.payload)).encode()
        return self._reply("POST", post.url, body)

    def _reply(self, method: str, url: str, body: bytes) -> Reply:
        match self.ca.handle(method, url, body):
            case Cut():
                raise CAUnreachable(f"{self.ca.base} broke off", "it is tried again")
            case Endless():
                raise CAReplyInvalid("a reply has no end", "look at it")
            case Answer(status=status, body=content, headers=headers):
                link = tuple(filter(None, [headers.get("Link")]))
                kind, retry = headers.get("Content-Type", ""), headers.get("Retry-After")
                return Reply(url, status, kind, content, headers.get("Location"), retry, None, link)


@dataclass
class NoFiles:
    """Implements `CertificateFiles` where there is no file."""

    def read(self, path: PurePath) -> bytes:
        raise AssertionError(f"nothing reads {path}")

    def is_exposed(self, path: PurePath) -> bool:
        raise AssertionError(f"nothing reads {path}")

    def stamp(self, path: PurePath) -> str:
        raise AssertionError(f"nothing reads {path}")


@dataclass
class AcmeBench:
    """Two CAs; what is published for sites is what both of them find."""

    clock: StandInClock = field(default_factory=StandInClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    first: StandInCA = field(default_factory=lambda: StandInCA(base="https://first.test"))
    second: StandInCA = field(default_factory=lambda: StandInCA(base="https://second.test"))
    cas: tuple[str, ...] = ("first", "second")
    profile: str | None = None
    names: tuple[str, ...] = ("a.example.com",)
    published: list[tuple[PendingAnswer, ...]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew, with nothing but the store."""
        answers = ChallengeAnswers()

        async def apply() -> None:
            given = answers.of(self.site.id)
            self.published.append(given)
            self.first.answers = self.second.answers = given

        answers.set_apply(apply)
        services = AcmeServices(
            self.store,
            self.clock,
            Accounts(self.store, self.clock, NoFiles()),
            lambda ca: Transport(self.first if ca.name == "first" else self.second),
            answers,
            lambda: TrustedRoots.of(()),
        )
        self.issuer = AcmeIssuer(services, draw=lambda: 0.5)

    @property
    def site(self) -> DesiredSite:
        cas = tuple(
            AcmeCA(name, f"https://{name}.test/directory", "ops@example.com", profile=self.profile)
            for name in self.cas
        )
        names = tuple(map(parse_site_name, self.names))
        origin = AcmeCertificate(cas, answers_http=True)
        return DesiredSite(str(names[0]), names, (Upstream("127.0.0.1", 9000),), origin)

    def obtain(self) -> Issued:
        for ca in (self.first, self.second):
            ca.now = self.clock.now()
        return asyncio.run(self.issuer.obtain(self.site, self.clock.now(), self.told.append))

    def attempts(self) -> tuple[Attempt, ...]:
        return asyncio.run(self.store.attempts(lineage_of(self.site.id)))

    def suggest(self, start: datetime, end: datetime) -> None:
        """Have the first CA suggest this for whatever it issued."""
        window = {"start": start.isoformat(), "end": end.isoformat()}
        body = json.dumps({"suggestedWindow": window, "explanationURL": "https://first.test/why"}).encode()
        self.first.window = Answer(200, body, {"Content-Type": "application/json", "Retry-After": "21600"})
