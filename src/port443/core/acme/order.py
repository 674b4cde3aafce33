"""One order from its names to a checked certificate (RFC 8555 §7.4), resumable at every step.

The CA knows where an order stands, so the flow asks it and does what that status needs, until the order is
valid or over. What a crash may have left half done is therefore met like anything else: an order whose URL
is known is never made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from port443.core.acme.account import Account
from port443.core.acme.attempt import Attempt
from port443.core.acme.authorisation import Authorisation, failure_of, read_authorisation
from port443.core.acme.certificate import Expected, IssuedCertificate, checked, shortest_believed
from port443.core.acme.challenges import (
    Challenge,
    ChallengeType,
    HttpAnswer,
    PendingAnswer,
    choose,
    general_name,
    key_authorisation,
    tls_alpn_answer,
)
from port443.core.acme.directory import Directory
from port443.core.acme.errors import (
    AcmeError,
    CAUnreachable,
    CertificateUnfit,
    NoChallengeFits,
    OrderLost,
    OrderRefused,
    Problem,
    Verdict,
)
from port443.core.acme.flow import PEM_CHAIN, Flow, Lost, Publish, Replied, Save, problem_in
from port443.core.acme.jws import encode, thumbprint
from port443.core.acme.problems import Circumstances, clean, error_for, read_problem
from port443.core.acme.progress import (
    AnswersPublished,
    ChallengeChosen,
    Finalised,
    NamesValidated,
    Ordered,
    ReplacesRefused,
)
from port443.core.acme.reply import Moment, Reply
from port443.core.acme.state import OrderState, identifier, named
from port443.core.acme.urls import held_to, host_of
from port443.core.names import NameInvalid, SiteName
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import ServerKey, spki_of
from port443.core.x509.path import TrustedRoots

WITHIN_S = 300.0
"""How long one attempt may take; an order that is open then is gone on with at the next."""
FINALISED_AT_MOST = 3
MAX_ALTERNATES = 8
STATUSES = frozenset({"pending", "ready", "processing", "valid", "invalid"})
GONE = frozenset({400, 401, 403, 404, 405, 410})
PASSING = frozenset({"userActionRequired", "externalAccountRequired"})
NEXT = "the next attempt makes another order"


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """All that an order needs beside the CA's replies."""

    state: OrderState
    directory: Directory
    account: Account
    key: ServerKey = field(repr=False)
    """The certificate's."""
    answer_key: ec.EllipticCurvePrivateKey = field(repr=False)
    """Of the certificates that answer tls-alpn-01; for this attempt alone."""
    can_answer: tuple[ChallengeType, ...] = tuple(ChallengeType)
    """In order of preference."""
    roots: tuple[TrustedRoots, ...] = ()
    """Who should believe the chain; with none the CA's first choice is taken."""
    within_s: float = WITHIN_S


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the CA says it is (RFC 8555 §7.1.3)."""

    status: str
    names: frozenset[SiteName]
    profile: str | None
    authorisations: tuple[str, ...]
    finalise: str
    certificate: str | None
    problem: Problem | None


def order(plan: OrderPlan, now: Moment) -> Flow[IssuedCertificate]:
    """Return the certificate; raises an `AcmeError`, after a `Save` of what the next attempt needs."""
    return _OrderFlow(plan, now).run()


def certificate_request(names: Sequence[SiteName], key: ServerKey) -> bytes:
    """Return a certificate request in DER: the names in the subjectAltName alone (RFC 8555 §7.4)."""
    alt_names = x509.SubjectAlternativeName([general_name(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = builder.add_extension(alt_names, critical=False).sign(key, digest)
    return request.public_bytes(Encoding.DER)


class _OrderFlow:
    """One attempt to bring one order to its end."""

    def __init__(self, plan: OrderPlan, now: Moment) -> None:
        self._plan = plan
        self._state = plan.state
        self._ca = host_of(plan.directory.url)
        names = tuple(map(str, plan.state.names))
        self._attempt = Attempt(plan.account.signer, now, plan.within_s, names)
        self._requests = 0
        """Certificate requests sent in this attempt."""

    def run(self) -> Flow[IssuedCertificate]:
        url = self._state.order_url
        current = yield from (self._new() if url is None else self._resumed(url))
        while current.status != "valid":
            match current.status:
                case "pending":
                    current = yield from self._validated(current)
                case "ready" if self._requests < FINALISED_AT_MOST:
                    current = yield from self._finalised(current)
                case "ready" | "processing":
                    current = yield from self._polled("the certificate", current.status)
                case _:
                    raise (yield from self._over((yield from self._why_invalid(current))))
        return (yield from self._certificate(current))

    # --- the order ---

    def _new(self) -> Flow[Order]:
        self._check_profile()
        url = self._plan.directory.new_order
        if self._state.replaces is not None:
            answer = yield from self._new_that_replaces(url)
        else:
            answer = yield from self._attempt.accepted("an order", url, self._wish())
        order_url = answer.reply.own_location("order")
        yield from self._save(replace(self._state, order_url=order_url))
        yield from self._attempt.report(Ordered(order_url, resumed=False))
        return (yield from self._read(answer.reply))

    def _new_that_replaces(self, url: str) -> Flow[Replied]:
        """Order, and at once without `replaces` when that is refused: a certificate matters more than why."""
        event = yield from self._attempt.once(url, self._wish())
        if isinstance(event, Replied) and event.reply.is_success:
            return event
        if isinstance(event, Replied):
            error = self._attempt.refusal(event, "an order that replaces a certificate")
            yield from self._attempt.report(ReplacesRefused(error))
            yield from self._save(replace(self._state, replaces=None))
        return (yield from self._attempt.accepted("an order", url, self._wish()))

    def _wish(self) -> dict[str, object]:
        optional = {"profile": self._state.profile, "replaces": self._state.replaces}
        return {
            "identifiers": [identifier(name) for name in self._state.names],
            **{key: value for key, value in optional.items() if value is not None},
        }

    def _check_profile(self) -> None:
        wanted, offered = self._state.profile, self._plan.directory.profiles
        if wanted is not None and wanted not in offered:
            known = ", ".join(sorted(offered)) or "it has none"
            raise OrderRefused(f"{self._ca} does not offer the profile {wanted!r}", f"its profiles: {known}")

    def _resumed(self, url: str) -> Flow[Order]:
        answer = yield from self._attempt.send(url)
        if self._is_gone(answer):
            said = problem_in(answer.reply).detail or f"status {answer.reply.status}"
            lost = OrderLost(
                f"{self._ca} does not know the order of an earlier attempt any more: {said}", NEXT
            )
            raise (yield from self._over(lost))
        if not answer.reply.is_success:
            raise self._attempt.refusal(answer, "a look at the order")
        found = yield from self._read(answer.reply)
        yield from self._attempt.report(Ordered(url, resumed=True))
        return found

    def _is_gone(self, answer: Replied) -> bool:
        """Whether the CA will not give this any more; what it can be made to give again is not gone."""
        if answer.reply.status not in GONE or problem_in(answer.reply).type in PASSING:
            return False
        return self._attempt.refusal(answer, "a look").verdict is Verdict.REFUSED

    def _polled(self, what: str, status: str) -> Flow[Order]:
        """Ask for the order until it has another status."""
        url, turn = self._order_url, 0
        while True:
            yield from self._attempt.pause(what, url, turn)
            found = yield from self._looked_at()
            if found.status != status:
                return found
            turn += 1

    def _looked_at(self) -> Flow[Order]:
        answer = yield from self._attempt.accepted("a look at the order", self._order_url)
        return (yield from self._read(answer.reply))

    def _read(self, reply: Reply) -> Flow[Order]:
        found = _read_order(reply)
        if found.names != frozenset(self._state.names):
            raise (yield from self._over(reply.invalid("is an order for other names than were ordered")))
        if self._state.profile is not None and found.profile != self._state.profile:
            raise (yield from self._over(CertificateUnfit(
                f"{self._ca} made an order with the profile {found.profile!r} of {self._state.profile!r}",
                "it is not gone on with; ask the CA why",
            )))  # fmt: skip
        return found

    @property
    def _order_url(self) -> str:
        if self._state.order_url is None:
            raise AssertionError("nothing is on order")
        return self._state.order_url

    # --- validation ---

    def _validated(self, current: Order) -> Flow[Order]:
        """Answer the challenges that are open, and return the order when it is not pending any more."""
        found = yield from self._authorisations(current)
        if any(one.is_over for one in found):
            raise (yield from self._over(failure_of(found, self._ca)))
        valid = tuple(one.name for one in found if one.is_valid)
        pending = [one for one in found if not one.is_valid]
        if valid:
            yield from self._attempt.report(NamesValidated(valid, reused=True))
        if pending:
            yield from self._answered(pending)
        current = yield from self._polled("validation", "pending")
        if pending and current.status != "invalid":
            names = tuple(one.name for one in pending)
            yield from self._attempt.report(NamesValidated(names, reused=False))
        return current

    def _authorisations(self, current: Order) -> Flow[list[Authorisation]]:
        found = []
        for url in current.authorisations:
            answer = yield from self._attempt.accepted("an authorisation", url)
            found.append(read_authorisation(answer.reply))
        return found

    def _answered(self, pending: Sequence[Authorisation]) -> Flow[None]:
        challenges = yield from self._chosen(pending)
        answers = tuple(self._answer(one.name, it) for one, it in zip(pending, challenges, strict=True))
        # Live before the CA hears of it: it may ask at once.
        yield from self._attempt.done(Publish(answers))
        yield from self._attempt.report(AnswersPublished(tuple(one.name for one in pending)))
        for one, challenge in zip(pending, challenges, strict=True):
            if challenge.is_open:
                yield from self._respond(one.url, challenge)

    def _chosen(self, pending: Sequence[Authorisation]) -> Flow[list[Challenge]]:
        found: list[Challenge] = []
        for one in pending:
            picked = choose(one.challenges, self._plan.can_answer)
            if picked is None:
                raise (yield from self._over(_no_choice(one, self._plan.can_answer, self._ca)))
            challenge, reason = picked
            yield from self._attempt.report(ChallengeChosen(one.name, challenge.type, reason))
            found.append(challenge)
        return found

    def _answer(self, name: SiteName, challenge: Challenge) -> PendingAnswer:
        proof = key_authorisation(challenge.token, thumbprint(self._plan.account.key))
        if challenge.type is ChallengeType.HTTP:
            return HttpAnswer(challenge.token, proof)
        return tls_alpn_answer(name, proof, self._plan.answer_key, self._attempt.now.wall)

    def _respond(self, authorisation: str, challenge: Challenge) -> Flow[None]:
        """Have the CA validate; it may be at it already, when an earlier reply was lost."""
        answer = yield from self._attempt.send(challenge.url, {})
        if answer.reply.is_success:
            return
        again = yield from self._attempt.accepted("an authorisation", authorisation)
        if any(
            one.url == challenge.url and one.is_open for one in read_authorisation(again.reply).challenges
        ):
            raise self._attempt.refusal(answer, f"to validate by {challenge.type}")

    # --- the certificate ---

    def _finalised(self, current: Order) -> Flow[Order]:
        """Send the certificate request; whatever comes of it, the order's status says what is next."""
        self._requests += 1
        csr = encode(certificate_request(self._state.names, self._plan.key))
        event = yield from self._attempt.once(current.finalise, {"csr": csr})
        if isinstance(event, Replied) and event.reply.is_success:
            yield from self._attempt.report(Finalised())
            return (yield from self._read(event.reply))
        if isinstance(event, Lost) and not isinstance(event.error, CAUnreachable):
            raise event.error
        # What was lost may have been done, and what was refused may be so since it was done before.
        found = yield from self._looked_at()
        if found.status == "ready":
            yield from self._not_finalised(event)
        return found

    def _not_finalised(self, event: Replied | Lost) -> Flow[None]:
        """Wait before the request is sent again; raise when that is of no use."""
        if isinstance(event, Replied) and event.reply.status < 500:
            refused = self._attempt.refusal(event, "the certificate request")
            raise refused if refused.verdict is Verdict.LIMITED else (yield from self._over(refused))
        if self._requests < FINALISED_AT_MOST:
            yield from self._attempt.pause("the certificate", self._order_url, self._requests)
        elif isinstance(event, Lost):
            raise event.error
        else:
            raise self._attempt.refusal(event, "the certificate request")

    def _certificate(self, current: Order) -> Flow[IssuedCertificate]:
        url = current.certificate
        if url is None:
            raise (yield from self._over(OrderLost(f"{self._ca} has an order without its certificate", NEXT)))
        answer = yield from self._attempt.send(url, accept=PEM_CHAIN)
        if answer.reply.status in GONE:
            raise (
                yield from self._over(OrderLost(f"{self._ca} does not have the certificate any more", NEXT))
            )
        if not answer.reply.is_success:
            raise self._attempt.refusal(answer, "the certificate")
        expected = Expected(self._state.names, spki_of(self._plan.key), self._attempt.now.wall)
        try:
            chains = [checked(answer.reply, expected)]
        except CertificateUnfit as error:
            raise (yield from self._over(error)) from None
        links = dict.fromkeys(answer.reply.linked("alternate") if self._plan.roots else ())
        for link in list(links)[:MAX_ALTERNATES]:
            chains += yield from self._alternate(url, link, expected)
        chain, is_believed = shortest_believed(chains, self._plan.roots, self._attempt.now.wall)
        return IssuedCertificate(chain, url, len(chains), is_believed)

    def _alternate(self, base: str, link: str, expected: Expected) -> Flow[list[tuple[CertFacts, ...]]]:
        """Return another chain (RFC 8555 §7.4.2); none when it is unfit, since there is a first one."""
        try:
            url = held_to(base, link, "other chain")
            answer = yield from self._attempt.accepted("a chain", url, accept=PEM_CHAIN)
            return [checked(answer.reply, expected)]
        except AcmeError:
            return []

    # --- the end of an order that leads to nothing ---

    def _why_invalid(self, current: Order) -> Flow[AcmeError]:
        """Return why the order is invalid: for its own problem, or for one of a challenge."""
        found = yield from self._authorisations(current)
        if any(one.is_over for one in found):
            return failure_of(found, self._ca)
        if current.problem:
            at = Circumstances(self._ca, "the order", names=tuple(map(str, self._state.names)))
            return error_for(current.problem, at)
        return OrderLost(f"{self._ca} gave the order up and does not say why", NEXT)

    def _over(self, error: AcmeError) -> Flow[AcmeError]:
        """Forget the order, and return why."""
        yield from self._save(replace(self._state, order_url=None))
        return error

    def _save(self, state: OrderState) -> Flow[None]:
        if state != self._state:
            self._state = state
            yield from self._attempt.done(Save(state))


def _read_order(reply: Reply) -> Order:
    document = reply.document()
    status = document.text("status")
    if status not in STATUSES:
        raise reply.invalid(f"has an unknown status: {clean(status)[:40]!r}")
    try:
        names = frozenset(
            named(one.text("type"), one.text("value")) for one in document.objects("identifiers")
        )
    except NameInvalid as error:
        raise reply.invalid(f"is an order for no name: {error.message}") from error
    problem = document.object("error").mapping()
    return Order(
        status,
        names,
        document.optional_text("profile"),
        document.own_urls("authorizations"),
        document.own_url("finalize"),
        document.optional_url("certificate"),
        read_problem(problem, 0) if problem else None,
    )


def _no_choice(authorisation: Authorisation, can_answer: Sequence[ChallengeType], ca: str) -> NoChallengeFits:
    offered, able = (", ".join(one) or "nothing" for one in (authorisation.types_offered, can_answer))
    error = NoChallengeFits(
        f"{ca} offers {offered} to validate {authorisation.name}, and this server can answer {able}",
        "have ports 443 and 80 listened on; a wildcard needs DNS records: name its hosts instead",
    )
    error.names = (str(authorisation.name),)
    return error
