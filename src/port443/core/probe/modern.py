"""Find what a server supports in TLS 1.3, mostly without doing any cryptography.

A hello without a key share makes the server name the suite and the group of its choice in a
HelloRetryRequest (RFC 8446 §4.1.4), so every answer removes one of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from port443.core.probe.confirm import (
    ControlProbe,
    Inconclusive,
    Outcome,
    Refused,
    absence_of,
    attempt,
    confirm,
    confirm_any,
)
from port443.core.probe.facts import NO_GROUPS, Choice, GroupFacts, VersionFacts
from port443.core.probe.hellos import HANDSHAKE_SUITES_13, Offer
from port443.core.probe.legacy import FEW_GROUPS
from port443.core.probe.query import Accepted, Probe, Query, TLSQuery
from port443.core.probe.verdict import YES, Verdict, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.groups import GROUPS_13, SECP256R1, X25519
from port443.core.wire.key_share import USABLE_GROUPS
from port443.core.wire.schedule import SUITES_13
from port443.core.wire.suites import suites_13
from port443.core.wire.versions import Version

KEYS = (X25519, SECP256R1)
UNREAD = unknown("the server refuses a list with something at its end that it takes alone")


@dataclass(slots=True)
class _Seen:
    """What the responses have shown so far."""

    suites: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def add(self, accepted: Accepted) -> None:
        if accepted.suite not in self.suites:
            self.suites.append(accepted.suite)
        group = accepted.flight.group
        if group is not None and group not in self.groups:
            self.groups.append(group)


@dataclass(frozen=True, slots=True)
class ModernSurvey:
    """TLS 1.3, with the one flight that was read to its end."""

    facts: VersionFacts
    groups: GroupFacts = NO_GROUPS
    flight: Flight | None = None
    offer: Offer | None = None
    """The offer that the flight answers."""
    unseen: str = ""
    """Why its certificate was not seen."""

    @classmethod
    def unknown(cls, reason: str) -> "ModernSurvey":
        """Return the result when nothing could be determined."""
        return cls(VersionFacts.unknown(Version.TLS_1_3, reason))


def handshake_query() -> TLSQuery:
    """Return the query that goes through to the certificate."""
    return TLSQuery(Offer(Version.TLS_1_3, tuple(SUITES_13), USABLE_GROUPS, KEYS, ("h2", "http/1.1")))


def handshake_queries() -> tuple[TLSQuery, ...]:
    """Return `handshake_query`, and the hellos that reach servers which take no such one.

    Servers for other protocols refuse its ALPN, and some refuse many groups, or extensions that are new.
    """
    full = handshake_query().offer
    plain = Offer(Version.TLS_1_3, HANDSHAKE_SUITES_13, KEYS, KEYS, plain=True)
    return TLSQuery(full), TLSQuery(replace(full, alpn=())), TLSQuery(plain)


def naming_queries() -> tuple[TLSQuery, ...]:
    """Return hellos without a key, to which the server names a suite and a group.

    They reach also servers that take only suites and groups with which no handshake can be made here.
    """
    few = (GROUPS_13[at : at + FEW_GROUPS] for at in range(0, len(GROUPS_13), FEW_GROUPS))
    parts = (Offer(Version.TLS_1_3, suites_13(), groups, plain=True) for groups in few)
    return TLSQuery(Offer(Version.TLS_1_3, suites_13(), GROUPS_13)), *map(TLSQuery, parts)


def survey_modern(control: ControlProbe) -> Probe[ModernSurvey]:
    """Find whether the server speaks TLS 1.3, with which suites and groups, and its chain."""
    full, offer = yield from find_handshake(control)
    if isinstance(full, Refused) and full.by_version:
        return ModernSurvey(VersionFacts(Version.TLS_1_3, absence_of(full)))
    flight = full.flight if isinstance(full, Accepted) and full.version == Version.TLS_1_3 else None
    first, named = yield from confirm_any(naming_queries(), control)
    if not _is_modern(first) or not isinstance(first, Accepted) or not isinstance(named, TLSQuery):
        return _without_retries(full, first, flight, offer)
    seen = _Seen()
    seen.add(first)
    yield from _name_both(seen, named.offer, control)
    every_suite = yield from _finish_suites(seen, named.offer, control)
    every_group = yield from _finish_groups(seen, named.offer, control)
    if flight is not None:
        seen.add(Accepted(flight))
    return ModernSurvey(
        VersionFacts(Version.TLS_1_3, YES, tuple(Choice(code) for code in seen.suites), every_suite),
        GroupFacts(tuple(seen.groups), every_group),
        flight,
        offer,
        _unseen(full, flight),
    )


def _is_modern(outcome: object) -> bool:
    return isinstance(outcome, Accepted) and outcome.version == Version.TLS_1_3


def find_handshake(control: ControlProbe) -> Probe[tuple[Outcome, Offer]]:
    """Find a hello with which the server goes through to its certificate."""
    queries = handshake_queries()
    outcome, query = yield from confirm_any(queries, control)
    best = outcome, _offer(query)
    for other in queries:
        if not _is_modern(best[0]) or not isinstance(best[0], Accepted) or best[0].flight.chain:
            break
        outcome = yield from confirm(other, control)
        if _is_modern(outcome) and isinstance(outcome, Accepted) and outcome.flight.chain:
            best = outcome, other.offer
    return best


def _offer(query: Query) -> Offer:
    return query.offer if isinstance(query, TLSQuery) else handshake_query().offer


def _unseen(full: Outcome, flight: Flight | None) -> str:
    """Return why the handshake did not reach the certificate; empty when it did."""
    if flight is not None and flight.chain:
        return ""
    if flight is not None:
        return flight.broken_off
    how = full.how if isinstance(full, Refused) else getattr(full, "reason", "it was not TLS 1.3")
    return f"with suites and groups that are spoken here the server refuses TLS 1.3: {how}"


def _rest(codes: Sequence[int], seen: list[int]) -> tuple[int, ...]:
    return tuple(code for code in codes if code not in seen)


def _name_both(seen: _Seen, shape: Offer, control: ControlProbe) -> Probe[None]:
    """Remove a suite and a group at a time, as long as that works; a refusal is not examined here."""
    while True:
        suites, groups = _rest(suites_13(), seen.suites), _rest(shape.groups, seen.groups)
        if not suites or not groups:
            return
        response = yield from attempt(TLSQuery(replace(shape, suites=suites, groups=groups)), control)
        if not isinstance(response, Accepted) or not _is_modern(response):
            return
        seen.add(response)


def _finish_suites(seen: _Seen, shape: Offer, control: ControlProbe) -> Probe[Verdict]:
    """Find the suites that are left, with groups of which the server takes one."""
    while left := _rest(suites_13(), seen.suites):
        outcome = yield from _with_known_at_end(
            replace(shape, suites=left), replace(shape, suites=(*left, seen.suites[-1])), control
        )
        if not isinstance(outcome, Accepted):
            return UNREAD if isinstance(outcome, Refused) else absence_of(outcome)
        if outcome.suite not in left:
            return YES
        seen.add(outcome)
    return YES


def _finish_groups(seen: _Seen, shape: Offer, control: ControlProbe) -> Probe[Verdict]:
    """Find the groups that are left, so many in one hello as the shape has."""
    size = len(shape.groups)
    for at in range(0, len(GROUPS_13), size):
        verdict = yield from _finish_part(seen, replace(shape, groups=GROUPS_13[at : at + size]), control)
        if verdict.is_unknown:
            return verdict
    return YES


def _finish_part(seen: _Seen, shape: Offer, control: ControlProbe) -> Probe[Verdict]:
    while left := _rest(shape.groups, seen.groups):
        known = (*left, *seen.groups[-1:])
        outcome = yield from _with_known_at_end(
            replace(shape, groups=left), replace(shape, groups=known), control
        )
        if not isinstance(outcome, Accepted):
            return UNREAD if isinstance(outcome, Refused) else absence_of(outcome)
        if outcome.flight.group is None:
            return unknown("the server's retry names no group")
        if outcome.flight.group not in left:
            return YES
        seen.add(outcome)
    return YES


def _with_known_at_end(left: Offer, known: Offer, control: ControlProbe) -> Probe[Outcome]:
    """Offer what is left; when it is refused, repeat it with something known at its end: was it read?"""
    outcome = yield from confirm(TLSQuery(left), control)
    if _is_modern(outcome) or absence_of(outcome).is_unknown or known == left:
        return outcome
    outcome = yield from confirm(TLSQuery(known), control)
    is_other = isinstance(outcome, Accepted) and not _is_modern(outcome)
    return Refused(absence_of(outcome).reason) if is_other else outcome


def _without_retries(
    full: Outcome, first: Outcome, flight: Flight | None, offer: Offer | None = None
) -> ModernSurvey:
    """Explain that the server names nothing: it has no TLS 1.3, or no retries."""
    if flight is not None:
        no_retries = "the server takes no hello without a key share"
        reason = first.reason if isinstance(first, Inconclusive) else no_retries
        accepted = Accepted(flight)
        facts = VersionFacts(Version.TLS_1_3, YES, (Choice(accepted.suite),), unknown(reason))
        groups = () if flight.group is None else (flight.group,)
        return ModernSurvey(facts, GroupFacts(groups, unknown(reason)), flight, offer, _unseen(full, flight))
    unclear = next((one for one in (full, first) if isinstance(one, Inconclusive)), None)
    return ModernSurvey(VersionFacts(Version.TLS_1_3, absence_of(unclear or full)))
