"""Find what a server supports up to TLS 1.2: offer all, remove what it chose, repeat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from port443.core.probe.confirm import ControlProbe, Refused, absence_of, attempt, confirm, confirm_any
from port443.core.probe.facts import Choice, GroupFacts, VersionFacts, choice_of
from port443.core.probe.hellos import HANDSHAKE_GROUPS_12, Offer
from port443.core.probe.query import Accepted, AcceptedSSL2, Probe, SSL2Query, TLSQuery
from port443.core.probe.verdict import YES, Verdict, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.groups import CURVES_12, group_name
from port443.core.wire.suites import suites_by_use, suites_legacy
from port443.core.wire.versions import Version

SHORT_LIST = 60
"""Some servers refuse a hello of 64 suites or more, or read only the first 64."""
PLAIN_LIST = 16
FEW_GROUPS = 10
"""Some servers refuse a hello of 16 groups or more."""
PARTS = (SHORT_LIST, PLAIN_LIST)


@dataclass(frozen=True, slots=True)
class LegacySurvey:
    """A version up to TLS 1.2, with the flights that are evidence of its facts."""

    facts: VersionFacts
    flights: tuple[Flight, ...] = ()
    base: Offer | None = None
    """The offer that was taken, without its suites."""

    @classmethod
    def unknown(cls, version: Version, reason: str) -> "LegacySurvey":
        """Return the result when nothing could be determined."""
        return cls(VersionFacts.unknown(version, reason))


def wide_query(version: Version) -> TLSQuery:
    """Return the query that a survey begins with: everything at once."""
    return TLSQuery(Offer(version, suites_legacy(), compression=True, survey=True))


def short_query(version: Version) -> TLSQuery:
    """Return the query for servers that refuse a long list of suites."""
    return TLSQuery(Offer(version, suites_by_use()[:SHORT_LIST]))


def plain_query(version: Version) -> TLSQuery:
    """Return the query for servers that refuse extensions that are new."""
    return TLSQuery(Offer(version, suites_by_use()[:PLAIN_LIST], plain=True))


def lean_query(version: Version) -> TLSQuery:
    """Return the query for servers that refuse many groups."""
    return TLSQuery(Offer(version, suites_by_use()[:PLAIN_LIST], HANDSHAKE_GROUPS_12, plain=True))


def bare_query(version: Version) -> TLSQuery:
    """Return the query for servers that refuse any extension."""
    return TLSQuery(Offer(version, suites_by_use()[:PLAIN_LIST], plain=True, bare=True))


def learn_tolerance(control: ControlProbe) -> Probe[None]:
    """See once whether the server takes a long hello: then it is not asked in each shape for each version."""
    yield from attempt(wide_query(Version.TLS_1_2), control)


def _shapes_for(version: Version, control: ControlProbe) -> tuple[TLSQuery, ...]:
    """Return the shapes that make sense: what breaks over a hello does so whatever its version."""
    is_tolerant = version < Version.TLS_1_2 and control.has_taken(wide_query(Version.TLS_1_2))
    return (wide_query(version), plain_query(version)) if is_tolerant else shapes(version)


def shapes(version: Version) -> tuple[TLSQuery, ...]:
    """Return the hellos for a version, the fullest first; SSL 3.0 has no extensions to leave out."""
    all_have = (wide_query(version), short_query(version), plain_query(version))
    return all_have if version <= Version.SSL_3 else (*all_have, lean_query(version), bare_query(version))


def survey_legacy(version: Version, control: ControlProbe) -> Probe[LegacySurvey]:
    """Find whether the server speaks `version`, and every suite that it takes there."""
    outcome, query = yield from confirm_any(_shapes_for(version, control), control)
    if not isinstance(outcome, Accepted) or outcome.version != version or not isinstance(query, TLSQuery):
        return LegacySurvey(VersionFacts(version, absence_of(outcome)))
    base = replace(query.offer, suites=(), compression=False)
    size = min(len(query.offer.suites), SHORT_LIST) if control.is_careful else len(query.offer.suites)
    flights = [outcome.flight]
    complete = yield from _every_suite(base, size, flights, control)
    choices = tuple(choice_of(flight) for flight in flights)
    return LegacySurvey(VersionFacts(version, YES, choices, complete), tuple(flights), base)


def _every_suite(base: Offer, size: int, flights: list[Flight], control: ControlProbe) -> Probe[Verdict]:
    """Find all suites in lists of this size, or in shorter ones where the server does not read those."""
    verdict = YES
    for codes in _parts(suites_by_use(), size):
        complete = yield from _strike_out(base, codes, flights, control)
        shorter = next((one for one in PARTS if one < size), None)
        if complete == UNREAD and shorter is not None:
            return (yield from _every_suite(base, shorter, flights, control))
        if complete.is_unknown:
            verdict = complete
            if not control.is_careful:
                break
    return verdict


UNREAD = unknown("the server refuses a list with a suite at its end that it takes alone")


def _strike_out(
    base: Offer, codes: Sequence[int], flights: list[Flight], control: ControlProbe
) -> Probe[Verdict]:
    """Repeat the offer without what was chosen, until nothing is left that the server accepts.

    The end counts when the same list is accepted with a known suite at its end: then all of it was read.
    """
    struck = {choice_of(flight).code for flight in flights}
    left = [code for code in codes if code not in struck]
    while left:
        offer = replace(base, suites=tuple(left))
        outcome = yield from confirm(TLSQuery(offer), control)
        verdict = absence_of(outcome)
        if not _is_of(outcome, base):
            if verdict.is_unknown:
                return verdict
            offer = replace(base, suites=(*left, choice_of(flights[-1]).code))
            outcome = yield from confirm(TLSQuery(offer), control)
        if not isinstance(outcome, Accepted) or outcome.version != base.version:
            return UNREAD if isinstance(outcome, Refused) else absence_of(outcome)
        if outcome.suite not in left:
            return YES
        flights.append(outcome.flight)
        left.remove(outcome.suite)  # the reader refuses a suite that was not offered
    return YES


def _is_of(outcome: object, base: Offer) -> bool:
    return isinstance(outcome, Accepted) and outcome.version == base.version


def _parts(codes: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (codes[at : at + size] for at in range(0, len(codes), size))


def survey_curves(base: Offer, certificate_group: int | None, control: ControlProbe) -> Probe[GroupFacts]:
    """Find the groups of ECDHE in a version up to TLS 1.2, with the suites of `base`."""
    if not base.groups:
        facts = yield from _curves_among(base, CURVES_12, certificate_group, control)
        if facts.complete != UNREAD_GROUPS:
            return facts
    found: dict[int, None] = {}
    complete = YES
    for part in _parts(CURVES_12, FEW_GROUPS):
        facts = yield from _curves_among(base, part, certificate_group, control)
        found |= dict.fromkeys(facts.groups)
        complete = facts.complete if facts.complete.is_unknown else complete
    return GroupFacts(tuple(found), complete)


UNREAD_GROUPS = unknown("the server refuses a list of groups with one at its end that it takes alone")


def _curves_among(
    base: Offer, groups: Sequence[int], certificate_group: int | None, control: ControlProbe
) -> Probe[GroupFacts]:
    """Find those of these groups that the server takes.

    With an ECDSA certificate many servers take no curve unless the certificate's own is offered as well
    (RFC 8422 §5.1). So a refusal without it proves something only when the server did once without it.
    """
    found: list[int] = []
    left = sorted(groups, key=lambda group: group == certificate_group)
    is_free = certificate_group is None
    while left:
        outcome = yield from _curve(base, left, control)
        if not isinstance(outcome, int):
            is_read = outcome.is_no and found and (is_free or certificate_group in left)
            outcome = (yield from _curve(base, [*left, found[-1]], control)) if is_read else outcome
            if not isinstance(outcome, int):
                break
            if outcome not in left:
                return GroupFacts(tuple(found), YES)
        is_free = is_free or certificate_group not in left
        found.append(outcome)
        left.remove(outcome)
    else:
        return GroupFacts(tuple(found), YES)
    if outcome.is_unknown:
        return GroupFacts(tuple(found), outcome)
    if is_free or certificate_group is None or certificate_group in left:
        is_unread = bool(found) or len(groups) > FEW_GROUPS
        return GroupFacts(tuple(found), UNREAD_GROUPS if is_unread else YES)
    return (yield from _beside_certificates(base, (found, left), certificate_group, control))


def _curve(base: Offer, groups: Sequence[int], control: ControlProbe) -> Probe[int | Verdict]:
    """Offer these groups and return the accepted one, else the outcome."""
    outcome = yield from confirm(TLSQuery(replace(base, groups=tuple(groups))), control)
    group = outcome.flight.group if isinstance(outcome, Accepted) else None
    if group is not None and group not in groups:
        return unknown(f"the server takes {group_name(group)} although it was not offered")
    if group is None and isinstance(outcome, Accepted) and outcome.version == base.version:
        return unknown(outcome.flight.broken_off or "the server names no group in its key exchange")
    return absence_of(outcome) if group is None else group


def _beside_certificates(
    base: Offer, known: tuple[list[int], list[int]], own: int, control: ControlProbe
) -> Probe[GroupFacts]:
    """Continue with the certificate's curve offered last each time."""
    found, left = known
    left = [group for group in left if group != own]
    while left:
        outcome = yield from _curve(base, (*left, own), control)
        if not isinstance(outcome, int):
            return GroupFacts(tuple(found), outcome if outcome.is_unknown else UNREAD_GROUPS)
        if outcome == own:
            return (yield from _only_certificates(base, tuple(found), own, control))
        found.append(outcome)
        left.remove(outcome)
    return GroupFacts(tuple(found), YES)


def _only_certificates(
    base: Offer, found: tuple[int, ...], own: int, control: ControlProbe
) -> Probe[GroupFacts]:
    """Interpret that the certificate's curve was chosen although others were offered before it.

    A server that follows the client's order supports none of the others. One with its own order may.
    """
    other = next((group for group in found if group != own), None)
    if other is not None and (yield from _curve(base, (own, other), control)) == own:
        first = yield from _curve(base, (other, own), control)
        if first == other:
            return GroupFacts(found, YES)
    return GroupFacts(found, unknown("the server prefers its certificate's curve to any other"))


def survey_ssl2(control: ControlProbe) -> Probe[VersionFacts]:
    """Find whether the server supports SSL 2.0."""
    outcome = yield from confirm(SSL2Query(), control)
    if isinstance(outcome, AcceptedSSL2):
        return VersionFacts(Version.SSL_2, YES, (), YES)
    return VersionFacts(Version.SSL_2, absence_of(outcome))


def ecdhe_suites(choices: tuple[Choice, ...]) -> tuple[tuple[int, ...], bool]:
    """Return suites to find curves with, and whether they hang on an ECDSA certificate; others are freer.

    They are few, so that a server that breaks over a long list takes them together.
    """
    ecdhe = [choice for choice in choices if choice.is_ecdhe]
    free = tuple(one.code for one in ecdhe if one.suite.authentication in {"RSA", "anon"})
    by_ecdsa = tuple(one.code for one in ecdhe if one.suite.authentication == "ECDSA")
    return (free or by_ecdsa)[:PLAIN_LIST], not free
