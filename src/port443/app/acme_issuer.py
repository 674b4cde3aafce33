"""Certificates ordered from CAs, as an issuer: when to order, from which CA, and when to try again.

It must not know how an order goes (`acme_order.py`), nor what is kept of an attempt (`acme_attempt.py`).
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from port443.app.acme_account import AccountCalls
from port443.app.acme_attempt import AcmeServices, AttemptRun, Wanted
from port443.app.challenge_answers import AnswersNotServed
from port443.core.acme.errors import AcmeError, Verdict
from port443.core.acme.renewal_info import certificate_id
from port443.core.acme.state import OpenOrder
from port443.core.control.certificates import PreflightCheck
from port443.core.errors import CertificateError, StoreError
from port443.core.names import IPName
from port443.core.plan.desired import AcmeCA, AcmeCertificate, Credential, DesiredSite
from port443.core.renew.clock import ClockWrong
from port443.core.renew.information import (
    POLL_AFTER_FAILURE,
    RenewalInformation,
    RenewalWindow,
    informed,
)
from port443.core.renew.known_cas import BY_DIRECTORY
from port443.core.renew.records import Attempt
from port443.core.renew.when import Renewal, jitter_of, order_pause, renewal
from port443.core.x509.facts import CertFacts
from port443.ports import Generation, Issued, Progress

WITHIN_S = 900.0
"""How long one attempt may take, at all of its CAs together: some let an order wait for minutes."""
KEY = "ECDSA P-256"
FIRST = "first"
OF_THE_CA = frozenset({"CA", "account", "profile", "rate limit"})
"""What is looked at first and may be otherwise at another CA."""
ORDERED = "ordered"
"""Why an attempt is made: somebody asked for it."""


class NoIssuerGave(CertificateError):
    """None of the issuers in the list gave a certificate; the message says of each why.

    It is tried again by itself. What was served until now goes on. See the page of each cause, and
    `port443 cert show` for all attempts.
    """

    code = "P443-E261"
    fault = "peer"
    retry = True


class PreflightFailed(CertificateError):
    """What was looked at before the first order says that it would fail, so it was not made.

    The message says what, and on what evidence. It is looked at again by itself. When what was seen from here
    is not what the CA sees, `port443 cert issue NAME` orders all the same.
    """

    code = "P443-E267"
    fault = "operator"
    retry = True
    is_ours = True
    """Whether it would fail at every CA."""


class OrderWaits(CertificateError):
    """The last attempts failed, and another one now would only count against the CA's rate limits.

    The message has the cause of the last attempt and says when the next one is. When the cause is
    mended, `port443 cert renew NAME` tries at once.
    """

    code = "P443-E262"
    fault = "operator"
    retry = True
    is_ours = False
    """Whether what failed would fail at every CA."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A certificate that is active, and when it is to be renewed."""

    generation: Generation
    leaf: CertFacts
    ca: AcmeCA | None
    """The CA that it is from, if it is still among those of the settings."""
    information: RenewalInformation | None
    renewal: Renewal

    @property
    def next_at(self) -> datetime:
        """When there is something to do about it."""
        poll = self.information.next_poll if self.information else self.renewal.at
        return min(self.renewal.at, poll)


@dataclass(frozen=True, slots=True)
class _Need:
    """A site that is to get another certificate, what it has, and whether somebody asked for it."""

    site: DesiredSite
    standing: Standing | None
    is_asked: bool

    def wanted(self, ca: AcmeCA) -> Wanted:
        """Return what is to be ordered from a CA."""
        standing = self.standing
        reason = ORDERED if self.is_asked else standing.renewal.reason if standing else FIRST
        is_own = standing is not None and standing.ca is not None and standing.ca.directory == ca.directory
        replaces = certificate_id(standing.leaf) if standing and is_own else None
        profile = _profile(ca, self.site)
        return Wanted(self.site, lineage_of(self.site.id), ca, reason, profile, replaces)


class AcmeIssuer:
    """Implements `Issuer` with the CAs of a site's settings, in their order."""

    is_local = False
    within_s = WITHIN_S

    def __init__(self, services: AcmeServices, draw: Callable[[], float]) -> None:
        """`draw` returns a number from 0 to 1, another one each time."""
        self.services = services
        self._draw = draw
        self._preflight: Callable[[Wanted], Awaitable[PreflightCheck | None]] | None = None
        self._asked_for: set[str] = set()
        """The sites for which somebody wants a new certificate now."""

    def set_preflight(self, look: Callable[[Wanted], Awaitable[PreflightCheck | None]]) -> None:
        """Take what is looked at before a site's first order from a public CA: it returns what failed."""
        self._preflight = look

    def keep_only(self, sites: Collection[str]) -> None:
        """Forget all sites but these."""
        self._asked_for &= set(sites)

    def order_now(self, site: str) -> None:
        """Have the next `obtain` order a certificate, also when none is due or the last attempts failed."""
        self._asked_for.add(site)

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        """Return the site's certificate: the one that is there until it is due, else a new one."""
        if isinstance(now, ClockWrong):
            raise now
        is_asked = site.id in self._asked_for
        self._asked_for.discard(site.id)
        standing = await self._informed(site, progress)
        order = await self.services.store.open_order(lineage_of(site.id))
        is_due = is_asked or standing is None or standing.renewal.at <= now
        if standing and not is_due and not (order and order.is_ordered):
            return _issued(standing, is_new=False)
        generation = await self._ordered(_Need(site, standing, is_asked), order, progress)
        renewed = await self._informed(site, progress)
        if renewed is None or renewed.generation != generation:
            raise AssertionError("what was ordered is the active generation")
        return _issued(renewed, is_new=True)

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> Credential | None:
        """Return the active certificate, if it is good for all names, and valid as far as is known."""
        try:
            found = await self.services.store.active(lineage_of(site.id))
        except StoreError:
            return None  # the round meets the same error elsewhere, and tells it
        if found is None:
            return None
        leaf = CertFacts.from_der(found.credential.chain[0])
        is_valid = isinstance(now, ClockWrong) or leaf.is_valid_at(now)
        return found.credential if is_valid and all(map(leaf.covers, site.names)) else None

    async def wanted(self, site: DesiredSite) -> Wanted:
        """Return what would be ordered now, from the first of the site's CAs."""
        return _Need(site, await self.standing(site), is_asked=True).wanted(_cas(site)[0])

    # Renewal

    async def standing(self, site: DesiredSite) -> Standing | None:
        """Return the active certificate and when it is to be renewed, as far as is known here."""
        lineage, now = lineage_of(site.id), self.services.clock.now()
        active = await self.services.store.active(lineage)
        if active is None:
            return None
        leaf = CertFacts.from_der(active.credential.chain[0])
        origin = await self._origin(lineage, active.number)
        ca = next((one for one in _cas(site) if origin and one.directory == origin.directory), None)
        known = await self.services.store.renewal_information(lineage, active.number)
        fits = ca is not None and origin is not None and _fits(leaf, site, ca, origin)
        # One that has not begun was made while the clock was ahead: no client takes it.
        due = renewal(leaf, jitter_of(site.id), known, fits_policy=fits and leaf.not_before <= now)
        return Standing(active, leaf, ca, known, due)

    async def _informed(self, site: DesiredSite, progress: Progress) -> Standing | None:
        """Return how the certificate stands, after its CA was asked when to renew, if that is due."""
        standing, now = await self.standing(site), self.services.clock.now()
        if standing is None or standing.ca is None:
            return standing
        if standing.information and standing.information.next_poll > now:
            return standing
        progress(f"asking {standing.ca.name} when to renew")
        known = await self._polled(standing, standing.ca)
        if known is None:
            return standing
        generation = standing.generation
        await self.services.store.keep_renewal_information(generation.lineage, generation.number, known)
        return await self.standing(site)

    async def _polled(self, standing: Standing, ca: AcmeCA) -> RenewalInformation | None:
        """Ask the CA for renewal information; when that fails, what is known holds on."""
        known = standing.information
        try:
            calls = AccountCalls(self.services.transport(ca), self.services.clock)
            said = await calls.renewal_info(standing.leaf)
        except CertificateError:
            return known and replace(known, next_poll=self.services.clock.now() + POLL_AFTER_FAILURE)
        if said is None:
            return None
        window = RenewalWindow(said.start, said.end, said.explanation_url)
        return informed(known, window, said.poll_at, self._draw())

    async def _origin(self, lineage: str, number: int) -> Attempt | None:
        """Return the attempt that brought a generation."""
        attempts = await self.services.store.attempts(lineage)
        return next((one for one in reversed(attempts) if one.generation == number), None)

    # Ordering

    async def _ordered(self, need: "_Need", order: OpenOrder | None, progress: Progress) -> Generation:
        """Order from the first CA that gives a certificate, beginning with one that has the order already."""
        resumed = order if order and _is_for(order, need.site) else None
        errors: list[tuple[AcmeCA, CertificateError]] = []
        for ca in _in_turn(_cas(need.site), resumed):
            wanted = need.wanted(ca)
            of_this = resumed if resumed and resumed.directory == ca.directory else None
            try:
                if of_this is None and not need.is_asked:
                    await self._check_pause(wanted, need.standing)
                    await self._check_preflight(wanted, progress)
                return await self._attempt(wanted, progress, of_this)
            except CertificateError as error:
                await self._set_retry(error, wanted, need.standing)
                errors.append((ca, error))
                if not _is_for_the_next(error):
                    break
        raise _all_in_one(errors)

    async def _attempt(self, wanted: Wanted, progress: Progress, order: OpenOrder | None) -> Generation:
        def report(text: str) -> None:
            progress(f"{wanted.ca.name}: {text}")

        return await AttemptRun(self.services, wanted, report, self.services.clock.now()).run(order)

    async def _check_pause(self, wanted: Wanted, standing: Standing | None) -> None:
        """Raise `OrderWaits` while the CA is not to be asked again: also when the process was another."""
        failed = await self._failed(wanted)
        if not failed:
            return
        last, now = failed[-1], self.services.clock.now()
        due = _due_again(failed, standing, now)
        # By a clock that was set back, the last attempt is still to come: it says nothing.
        if last.ended_at <= now < due:
            waits = OrderWaits(
                f"{last.message}; the next attempt is at {due:%Y-%m-%d %H:%M:%S} UTC",
                last.hint or f"to try at once: port443 cert renew {wanted.site.id}",
            )
            waits.retry_at, waits.is_ours = due, last.facts["verdict"] == Verdict.OURS
            raise waits

    async def _check_preflight(self, wanted: Wanted, progress: Progress) -> None:
        """Raise `PreflightFailed` when a first order from a public CA would fail; the attempt is noted."""
        if self._preflight is None or wanted.reason != FIRST or wanted.ca.directory not in BY_DIRECTORY:
            return
        progress(f"{wanted.ca.name}: looking at what an order depends on")
        started_at = self.services.clock.now()
        failed = await self._preflight(wanted)
        if failed is None:
            return
        error = PreflightFailed(f"{failed.text}; nothing was ordered", failed.hint)
        error.is_ours = failed.about not in OF_THE_CA
        attempt = Attempt(
            wanted.ca.directory,
            started_at,
            self.services.clock.now(),
            wanted.reason,
            "looking at what an order depends on",
            error.code,
            error.message,
            error.hint,
            facts={"ca": wanted.ca.name, "names": wanted.names},
        )
        await self.services.store.note_attempt(wanted.lineage, attempt, closes_order=True)
        raise error

    async def _set_retry(self, error: CertificateError, wanted: Wanted, standing: Standing | None) -> None:
        """Have an attempt that the CA has counted be followed by a pause that grows."""
        if isinstance(error, AcmeError) and error.verdict is not Verdict.UNAVAILABLE:
            now = self.services.clock.now()
            due = _due_again(await self._failed(wanted), standing, now)
            error.retry_at = max(due, error.retry_at or due)

    async def _failed(self, wanted: Wanted) -> Sequence[Attempt]:
        """Return the attempts for the same names at the same CA since the last good one, as the CA counts."""
        found: list[Attempt] = []
        for one in reversed(await self.services.store.attempts(wanted.lineage)):
            if one.generation is not None:
                break
            is_same = (one.directory, one.facts.get("names")) == (wanted.ca.directory, wanted.names)
            if is_same and one.facts.get("verdict", Verdict.UNAVAILABLE) != Verdict.UNAVAILABLE:
                found.append(one)
        return found[::-1]


def _issued(standing: Standing, *, is_new: bool) -> Issued:
    return Issued(
        standing.generation.credential,
        standing.leaf,
        standing.next_at,
        is_new=is_new,
        renews_at=standing.renewal.at,
    )


def lineage_of(site: str) -> str:
    """Name the lineage under which the store keeps what was ordered for a site."""
    return f"acme/{site}"


def _cas(site: DesiredSite) -> tuple[AcmeCA, ...]:
    if not isinstance(site.certificate, AcmeCertificate):
        raise TypeError(f"{site.id} has its certificate from no CA")
    return site.certificate.cas


def _in_turn(cas: Sequence[AcmeCA], order: OpenOrder | None) -> list[AcmeCA]:
    """Return the CAs in their order, but first the one that has an order already."""
    return sorted(cas, key=lambda ca: not (order and ca.directory == order.directory))


def _is_for(order: OpenOrder, site: DesiredSite) -> bool:
    """Whether an order that is open is what the site needs now."""
    state = order.state
    ca = next((one for one in _cas(site) if one.directory == order.directory), None)
    return (
        order.is_ordered
        and ca is not None
        and ca.email == order.email
        and frozenset(state.names) == frozenset(site.names)
        and state.profile == _profile(ca, site)
    )


def _profile(ca: AcmeCA, site: DesiredSite) -> str | None:
    """Return the profile to order: some CAs certify addresses under one of theirs only."""
    known = BY_DIRECTORY.get(ca.directory)
    has_address = any(isinstance(name, IPName) for name in site.names)
    return ca.profile or (known.ip_profile if known and has_address else None)


def _fits(leaf: CertFacts, site: DesiredSite, ca: AcmeCA, origin: Attempt) -> bool:
    """Whether a certificate is what would be ordered now."""
    return (
        frozenset(leaf.names) == frozenset(site.names)
        and str(leaf.key) == KEY
        and origin.facts.get("profile") == _profile(ca, site)
    )


def _is_for_the_next(error: CertificateError) -> bool:
    """Whether another CA may do what this one did not: what is our own fault would fail there too."""
    match error:
        case AcmeError():
            return error.verdict is not Verdict.OURS
        case OrderWaits() | PreflightFailed():
            return not error.is_ours
        case _:
            return not isinstance(error, AnswersNotServed)


def _due_again(failed: Sequence[Attempt], standing: Standing | None, now: datetime) -> datetime:
    left = standing.leaf.not_after - now if standing else None
    last = failed[-1]
    due = last.ended_at + order_pause(len(failed), left)
    said = last.facts.get("retry_at")
    return max(due, datetime.fromisoformat(said)) if said else due


def _all_in_one(errors: Sequence[tuple[AcmeCA, CertificateError]]) -> CertificateError:
    """Return what to say when no CA gave a certificate."""
    if len(errors) == 1:
        return errors[0][1]
    causes = "; ".join(f"{ca.name}: {error.message}" for ca, error in errors)
    found = NoIssuerGave(causes, errors[0][1].hint)
    moments = [error.retry_at for _, error in errors]
    known = [moment for moment in moments if moment]
    found.retry_at = min(known) if len(known) == len(moments) else None
    return found
