"""A light look: versions, certificates and what is chosen first, in a few connections and without lists."""

from dataclasses import replace

from port443.core.probe.confirm import ControlProbe, Inconclusive, Refused, absence_of, confirm, confirm_any
from port443.core.probe.facts import NOT_ASKED, Choice, GroupFacts, VersionFacts, choice_of
from port443.core.probe.hellos import Offer
from port443.core.probe.legacy import LegacySurvey, plain_query, shapes, wide_query
from port443.core.probe.modern import ModernSurvey, find_handshake
from port443.core.probe.query import Accepted, Probe, TLSQuery
from port443.core.probe.verdict import YES, Verdict, no
from port443.core.wire.groups import POST_QUANTUM_GROUPS
from port443.core.wire.suites import suites_13
from port443.core.wire.versions import Version

OLDER = (Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3)


def glance_modern(control: ControlProbe) -> Probe[ModernSurvey]:
    """Find whether TLS 1.3 is spoken, with what the first handshake shows, and post-quantum groups."""
    outcome, offer = yield from find_handshake(control)
    if not isinstance(outcome, Accepted) or outcome.version != Version.TLS_1_3:
        return ModernSurvey(VersionFacts(Version.TLS_1_3, absence_of(outcome)))
    flight = outcome.flight
    facts = VersionFacts(Version.TLS_1_3, YES, (Choice(outcome.suite, flight.group),), NOT_ASKED)
    groups = yield from _groups(flight.group, control)
    return ModernSurvey(facts, groups, flight, offer, flight.broken_off)


def _groups(seen: int | None, control: ControlProbe) -> Probe[GroupFacts]:
    """Offer post-quantum groups alone, unless one was chosen already."""
    found = () if seen is None else (seen,)
    if seen in POST_QUANTUM_GROUPS:
        return GroupFacts(found, NOT_ASKED)
    query = TLSQuery(Offer(Version.TLS_1_3, suites_13(), POST_QUANTUM_GROUPS))
    outcome = yield from confirm(query, control)
    if isinstance(outcome, Refused):
        return GroupFacts(found, NOT_ASKED, POST_QUANTUM_GROUPS)
    group = outcome.flight.group if isinstance(outcome, Accepted) else None
    reason = absence_of(outcome) if isinstance(outcome, Inconclusive) else NOT_ASKED
    return GroupFacts(found if group is None else (*found, group), reason)


def glance_legacy(control: ControlProbe) -> Probe[LegacySurvey]:
    """Find whether TLS 1.2 is spoken, and what is chosen there from all suites."""
    outcome, query = yield from confirm_any(shapes(Version.TLS_1_2), control)
    if not isinstance(outcome, Accepted) or outcome.version != Version.TLS_1_2:
        return LegacySurvey(VersionFacts(Version.TLS_1_2, absence_of(outcome)))
    offer = query.offer if isinstance(query, TLSQuery) else wide_query(Version.TLS_1_2).offer
    return _first(Version.TLS_1_2, outcome, offer)


def _first(version: Version, outcome: Accepted, offer: Offer) -> LegacySurvey:
    facts = VersionFacts(version, YES, (choice_of(outcome.flight),), NOT_ASKED)
    return LegacySurvey(facts, (outcome.flight,), replace(offer, suites=(), compression=False))


def glance_older(control: ControlProbe) -> Probe[tuple[LegacySurvey, ...]]:
    """Find what is spoken below TLS 1.2.

    A server answers with the newest version that it has (RFC 5246 §E.1), so that a refusal of TLS 1.1, by one
    that takes newer hellos, is one of all that is older.
    """
    queries = (wide_query(OLDER[0]), plain_query(OLDER[0]))
    outcome, query = yield from confirm_any(queries, control)
    offer = query.offer if isinstance(query, TLSQuery) else queries[0].offer
    return tuple(_older(version, outcome, offer) for version in OLDER)


def _older(version: Version, outcome: object, offer: Offer) -> LegacySurvey:
    if isinstance(outcome, Accepted) and outcome.version == version:
        return _first(version, outcome, offer)
    return LegacySurvey(VersionFacts(version, _absence(version, outcome)))


def _absence(version: Version, outcome: object) -> Verdict:
    match outcome:
        case Accepted() if outcome.version > version:
            return NOT_ASKED  # behind a newer one
        case Accepted() | Refused():
            return (
                absence_of(outcome)
                if version is OLDER[0]
                else no(f"{OLDER[0].label}: {absence_of(outcome).reason}")
            )
        case Inconclusive():
            return absence_of(outcome)
        case _:
            return NOT_ASKED
