"""Find what a server takes up to TLS 1.2: offer all, strike what it chose, ask again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from port443.core.probe.asking import (
    Ask,
    AskSSL2,
    Canary,
    Doubt,
    Lane,
    Outcome,
    Refused,
    Spoke,
    SpokeSSL2,
    absence_of,
    settled,
)
from port443.core.probe.facts import Choice, GroupFacts, VersionFacts, choice_of
from port443.core.probe.hellos import Offer
from port443.core.probe.verdict import YES, Verdict, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.groups import CURVES_12, group_name
from port443.core.wire.suites import suites_by_use, suites_legacy
from port443.core.wire.versions import Version

SHORT_LIST = 64
"""Some old servers break over a hello with hundreds of suites; so many they all take."""
PLAIN_LIST = 16


@dataclass(frozen=True, slots=True)
class LegacySurvey:
    """A version up to TLS 1.2, with the flights that its facts came from."""

    facts: VersionFacts
    flights: tuple[Flight, ...] = ()
    base: Offer | None = None
    """The offer that was taken, without its suites."""

    @classmethod
    def unknown(cls, version: Version, reason: str) -> "LegacySurvey":
        """Say that nothing could be found out."""
        return cls(VersionFacts.unknown(version, reason))


def first_question(version: Version) -> Ask:
    """Return the question that a survey begins with: everything at once."""
    return Ask(Offer(version, suites_legacy(), compression=True))


def short_question(version: Version) -> Ask:
    """Return the question for servers that break over a long hello."""
    return Ask(Offer(version, suites_by_use()[:SHORT_LIST]))


def plain_question(version: Version) -> Ask:
    """Return the question for servers that break over anything new."""
    return Ask(Offer(version, suites_by_use()[:PLAIN_LIST], plain=True))


def survey_legacy(version: Version, canary: Canary) -> Lane[LegacySurvey]:
    """Find whether the server speaks `version`, and every suite that it takes there."""
    outcome = yield from settled(first_question(version), canary)
    base, step = Offer(version, ()), len(suites_legacy())
    for question, size in ((short_question(version), SHORT_LIST), (plain_question(version), PLAIN_LIST)):
        if _may_be_the_hello(outcome, canary):
            base, step = replace(question.offer, suites=()), size
            outcome = yield from settled(question, canary)
    if not isinstance(outcome, Spoke) or outcome.version != version:
        return LegacySurvey(VersionFacts(version, absence_of(outcome)))
    flights, complete = [outcome.flight], YES
    for at in range(0, len(suites_by_use()), step):
        codes = suites_by_use()[at : at + step]
        more, complete = yield from _strike_out(base, codes, canary, flights)
        flights += more
        if complete.is_unknown:
            break
    choices = tuple(choice_of(flight) for flight in flights)
    return LegacySurvey(VersionFacts(version, YES, choices, complete), tuple(flights), base)


def _may_be_the_hello(outcome: Outcome, canary: Canary) -> bool:
    """Whether another hello may be answered: one was refused, or met with silence, for what stood in it."""
    if isinstance(outcome, Doubt):
        return canary.question is not None and canary.lost is None
    return isinstance(outcome, Refused) and not outcome.by_version


def _strike_out(
    base: Offer, codes: tuple[int, ...], canary: Canary, known: list[Flight]
) -> Lane[tuple[list[Flight], Verdict]]:
    """Ask again and again without what was chosen, until nothing is left that the server takes."""
    struck = {choice_of(flight).code for flight in known}
    left = [code for code in codes if code not in struck]
    found: list[Flight] = []
    while left:
        outcome = yield from settled(Ask(replace(base, suites=tuple(left))), canary)
        if isinstance(outcome, Spoke) and outcome.version == base.version:
            found.append(outcome.flight)
            left.remove(outcome.suite)  # the reader refuses a suite that was not offered
            continue
        verdict = absence_of(outcome)
        return found, verdict if verdict.is_unknown else YES
    return found, YES


def survey_curves(base: Offer, certificate_group: int | None, canary: Canary) -> Lane[GroupFacts]:
    """Find the groups of ECDHE in a version up to TLS 1.2, with the suites of `base`.

    With an ECDSA certificate many servers take no curve unless the certificate's own is offered as well
    (RFC 8422 §5.1). So a refusal without it proves something only when the server did once without it.
    """
    found: list[int] = []
    left = sorted(CURVES_12, key=lambda group: group == certificate_group)
    is_free = certificate_group is None
    while left:
        outcome = yield from _curve(base, left, canary)
        if not isinstance(outcome, int):
            break
        is_free = is_free or certificate_group not in left
        found.append(outcome)
        left.remove(outcome)
    else:
        return GroupFacts(tuple(found), YES)
    if outcome.is_unknown or is_free or certificate_group in left or certificate_group is None:
        return GroupFacts(tuple(found), outcome if outcome.is_unknown else YES)
    return (yield from _beside_certificates(base, (found, left), certificate_group, canary))


def _curve(base: Offer, groups: Sequence[int], canary: Canary) -> Lane[int | Verdict]:
    """Offer these groups and return the one that was taken, else what came of it."""
    outcome = yield from settled(Ask(replace(base, groups=tuple(groups))), canary)
    group = outcome.flight.group if isinstance(outcome, Spoke) else None
    if group is not None and group not in groups:
        return unknown(f"the server takes {group_name(group)} although it was not offered")
    if group is None and isinstance(outcome, Spoke) and outcome.version == base.version:
        return unknown(outcome.flight.broken_off or "the server names no group in its key exchange")
    return absence_of(outcome) if group is None else group


def _beside_certificates(
    base: Offer, known: tuple[list[int], list[int]], own: int, canary: Canary
) -> Lane[GroupFacts]:
    """Go on with the certificate's curve offered last each time."""
    found, left = known
    while left:
        outcome = yield from _curve(base, (*left, own), canary)
        if not isinstance(outcome, int):
            return GroupFacts(tuple(found), outcome if outcome.is_unknown else YES)
        if outcome == own:
            return (yield from _only_certificates(base, tuple(found), own, canary))
        found.append(outcome)
        left.remove(outcome)
    return GroupFacts(tuple(found), YES)


def _only_certificates(base: Offer, found: tuple[int, ...], own: int, canary: Canary) -> Lane[GroupFacts]:
    """Decide what it means that the certificate's curve was taken although others stood before it.

    A server that goes by the client's order supports none of the others. One that goes by its own may.
    """
    other = next((group for group in found if group != own), None)
    if other is not None and (yield from _curve(base, (own, other), canary)) == own:
        first = yield from _curve(base, (other, own), canary)
        if first == other:
            return GroupFacts(found, YES)
    return GroupFacts(found, unknown("the server prefers its certificate's curve to any other"))


def survey_ssl2(canary: Canary) -> Lane[VersionFacts]:
    """Find whether the server speaks SSL 2.0."""
    outcome = yield from settled(AskSSL2(), canary)
    if isinstance(outcome, SpokeSSL2):
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
