"""One attempt to get a certificate from one CA: what it brings or why not, and the story of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from port443.app.acme_accounts import Accounts
from port443.app.acme_order import OrderRequest, run_order
from port443.app.challenge_answers import ChallengeAnswers
from port443.core.acme.account import Account
from port443.core.acme.challenges import ChallengeType, PendingAnswer
from port443.core.acme.errors import AcmeError
from port443.core.acme.progress import ChallengeChosen, Ordered, OrderProgress
from port443.core.acme.state import OpenOrder, OrderState
from port443.core.errors import Port443Error
from port443.core.plan.desired import AcmeCA, AcmeCertificate, Credential, DesiredSite
from port443.core.renew.known_cas import BY_DIRECTORY, SpentKind
from port443.core.renew.ledger import Demand, Ledger, RateLimitSpent
from port443.core.renew.records import Attempt, Spent
from port443.core.x509.keys import pkcs8
from port443.core.x509.path import TrustedRoots
from port443.ports import AcmeTransport, Clock, Generation, Progress, Store

ACCOUNT_UNKNOWN = "accountDoesNotExist"


@dataclass(frozen=True, slots=True)
class AcmeServices:
    """What ordering needs from outside."""

    store: Store
    clock: Clock
    accounts: Accounts
    transport: Callable[[AcmeCA], AcmeTransport]
    """Returns the way to a CA, the same one each time."""
    answers: ChallengeAnswers
    roots: Callable[[], TrustedRoots]
    """Those that most clients have."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be ordered, and why."""

    site: DesiredSite
    lineage: str
    ca: AcmeCA
    reason: str
    """`first`, or why the one before is renewed."""
    profile: str | None
    replaces: str | None
    """What names the certificate that it renews, to the CA that issued it (RFC 9773 §5)."""

    @property
    def names(self) -> str:
        """The set of names, as one text."""
        return " ".join(sorted(map(str, self.site.names)))

    async def refusal(self, services: AcmeServices, account: str) -> RateLimitSpent | None:
        """Return why the order has to wait, by what the CA has counted; `account` is its URL."""
        known = BY_DIRECTORY.get(self.ca.directory)
        limits, spent = known.limits if known else (), await services.store.spent(self.ca.directory)
        demands = [
            Demand("order", account, "orders of one account"),
            Demand("certificate", self.names, f"certificates for {self.names}"),
            *(
                Demand("failed_validation", str(name), f"failed validations of {name}")
                for name in self.site.names
            ),
        ]
        ledger = Ledger(self.ca.name, limits, spent)
        return ledger.refusal(demands, services.clock.now(), is_renewal=bool(self.replaces))


@dataclass(slots=True)
class AttemptRun:
    """One attempt under way. Implements `OrderCalls`."""

    services: AcmeServices
    wanted: Wanted
    progress: Progress
    started_at: datetime
    step: str = "asking for an account"
    facts: dict[str, str] = field(default_factory=dict)
    order: OpenOrder | None = None

    async def run(self, order: OpenOrder | None) -> Generation:
        """Go on with an order of this CA, else make one; return the generation that is active since.

        However it ends, the store has the attempt. Raises `CertificateError`, `StoreError`.
        """
        ca, wanted = self.wanted.ca, self.wanted
        self.facts |= {"ca": ca.name, "names": wanted.names}
        if wanted.profile:
            self.facts["profile"] = wanted.profile
        try:
            credential = await self._certificate(order)
        except Port443Error as error:
            await self._note_failure(error)
            raise
        attempt = self._attempt()
        await self._spend("certificate", wanted.names)
        return await self.services.store.finish_order(wanted.lineage, credential, attempt)

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        """Have the edge answer so, and return when it does."""
        await self.services.answers.publish(self.wanted.site.id, answers)

    async def save(self, state: OrderState) -> None:
        """Keep where the order stands."""
        if self.order is None:
            raise AssertionError("no order runs that is not kept")
        was_ordered = self.order.is_ordered
        self.order = replace(self.order, state=state)
        await self.services.store.keep_order(self.order)
        if self.order.is_ordered and not was_ordered:
            await self._spend("order", self.facts["account"])

    def report(self, progress: OrderProgress) -> None:
        """Take what happens to the order."""
        self._at(progress.text)
        match progress:
            case Ordered(order_url=url):
                self.facts["order"] = url
            case ChallengeChosen(name=name, type=type_, reason=reason):
                self.facts[f"challenge {name}"] = f"{type_}: {reason}"
            case _:
                pass

    async def _certificate(self, order: OpenOrder | None) -> Credential:
        transport = self.services.transport(self.wanted.ca)
        self._at("asking for an account")
        account = await self.services.accounts.account(self.wanted.ca, transport)
        self.facts["account"] = account.url
        try:
            return await self._ordered(account, transport, order)
        except AcmeError as error:
            if not (error.problem and error.problem.type == ACCOUNT_UNKNOWN):
                raise
            await self.services.accounts.forget_url(self.wanted.ca)
        account = await self.services.accounts.account(self.wanted.ca, transport)
        self.facts["account"] = account.url
        return await self._ordered(account, transport, None)

    async def _ordered(
        self, account: Account, transport: AcmeTransport, order: OpenOrder | None
    ) -> Credential:
        self.order = order or await self._new_order(account)
        request = OrderRequest(
            self.order.state,
            self.order.key_pkcs8,
            account,
            can_answer=_can_answer(self.wanted.site),
            roots=self._believing(),
        )
        self._at("ordering" if order is None else "going on with the order")
        issued = await run_order(request, transport, self, self.services.clock)
        self.facts["certificate"] = issued.url
        chain = tuple(one.der for one in issued.chain)
        return Credential(self.wanted.site.names, chain, self.order.key_pkcs8)

    async def _new_order(self, account: Account) -> OpenOrder:
        ca, wanted = self.wanted.ca, self.wanted
        if refusal := await wanted.refusal(self.services, account.url):
            raise refusal
        order = OpenOrder(
            wanted.lineage,
            ca.directory,
            ca.email,
            OrderState(wanted.site.names, wanted.profile, wanted.replaces),
            pkcs8(ec.generate_private_key(ec.SECP256R1())),
            self.services.clock.now(),
        )
        await self.services.store.keep_order(order)
        return order

    def _believing(self) -> tuple[TrustedRoots, ...]:
        """Return who must believe the chain: everybody, when it is of a public CA."""
        known = BY_DIRECTORY.get(self.wanted.ca.directory)
        return (self.services.roots(),) if known and known.is_trusted else ()

    def _at(self, text: str) -> None:
        self.step = text
        self.progress(text)

    async def _note_failure(self, error: Port443Error) -> None:
        if isinstance(error, AcmeError):
            self.facts["verdict"] = error.verdict.value
            if error.challenge:
                await self._spend("failed_validation", *error.names)
        if error.retry_at:
            self.facts["retry_at"] = error.retry_at.isoformat()
        attempt = replace(
            self._attempt(),
            code=error.code,
            message=error.message,
            hint=error.hint,
        )
        await self.services.store.note_attempt(
            self.wanted.lineage, attempt, closes_order=not (self.order and self.order.is_ordered)
        )

    def _attempt(self) -> Attempt:
        return Attempt(
            directory=self.wanted.ca.directory,
            started_at=self.started_at,
            ended_at=self.services.clock.now(),
            reason=self.wanted.reason,
            step=self.step,
            facts=dict(self.facts),
        )

    async def _spend(self, kind: SpentKind, *subjects: str) -> None:
        now = self.services.clock.now()
        spent = [Spent(kind, subject, now) for subject in subjects]
        await self.services.store.note_spent(self.wanted.ca.directory, spent)


def _can_answer(site: DesiredSite) -> tuple[ChallengeType, ...]:
    """Return the ways of validation that a site can answer, the preferred first."""
    origin = site.certificate
    plain = isinstance(origin, AcmeCertificate) and origin.answers_http
    return (ChallengeType.TLS_ALPN, ChallengeType.HTTP) if plain else (ChallengeType.TLS_ALPN,)
