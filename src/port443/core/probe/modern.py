"""Find what a server takes in TLS 1.3, mostly without doing any cryptography.

A hello without a key share makes the server name the suite and the group that it would take in a
HelloRetryRequest (RFC 8446 §4.1.4), so every answer strikes out one of each.
"""

from dataclasses import dataclass, field

from port443.core.probe.asking import Ask, Canary, Doubt, Lane, Refused, Spoke, settled, told
from port443.core.probe.facts import NO_GROUPS, Choice, GroupFacts, VersionFacts
from port443.core.probe.hellos import HANDSHAKE_SUITES_13, Offer
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.groups import GROUPS_13, SECP256R1, X25519
from port443.core.wire.key_share import USABLE_GROUPS
from port443.core.wire.suites import suites_13
from port443.core.wire.versions import Version

KEYS = (X25519, SECP256R1)


@dataclass(slots=True)
class _Seen:
    """What the answers have shown so far."""

    suites: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def add(self, spoke: Spoke) -> None:
        if spoke.suite not in self.suites:
            self.suites.append(spoke.suite)
        group = spoke.flight.group
        if group is not None and group not in self.groups:
            self.groups.append(group)


@dataclass(frozen=True, slots=True)
class ModernSurvey:
    """TLS 1.3, with the one flight that was read to its end."""

    facts: VersionFacts
    groups: GroupFacts = NO_GROUPS
    flight: Flight | None = None


def full_question() -> Ask:
    """Return the question that goes through to the certificate."""
    offer = Offer(Version.TLS_1_3, HANDSHAKE_SUITES_13, USABLE_GROUPS, KEYS, ("h2", "http/1.1"))
    return Ask(offer)


def survey_modern(canary: Canary) -> Lane[ModernSurvey]:
    """Find whether the server speaks TLS 1.3, with which suites and groups, and its chain."""
    full = yield from settled(full_question(), canary)
    flight = full.flight if isinstance(full, Spoke) and full.version == Version.TLS_1_3 else None
    if isinstance(full, Refused) and full.by_version:
        return _without_retries(full, full, None)
    seen = _Seen()
    first = yield from _name(suites_13(), GROUPS_13, canary)
    if not isinstance(first, Spoke) or first.version != Version.TLS_1_3:
        return _without_retries(full, first, flight)
    while isinstance(first, Spoke):
        seen.add(first)
        first = yield from _name(_rest(suites_13(), seen.suites), _rest(GROUPS_13, seen.groups), canary)
    if flight is not None:
        seen.add(Spoke(flight))
    every_suite = yield from _finish_suites(seen, canary)
    every_group = yield from _finish_groups(seen, canary)
    choices = tuple(Choice(code) for code in seen.suites)
    return ModernSurvey(
        VersionFacts(Version.TLS_1_3, YES, choices, every_suite),
        GroupFacts(tuple(seen.groups), every_group),
        flight,
    )


def _rest(all_codes: tuple[int, ...], seen: list[int]) -> tuple[int, ...]:
    return tuple(code for code in all_codes if code not in seen)


def _name(suites: tuple[int, ...], groups: tuple[int, ...], canary: Canary) -> Lane[Spoke | Refused | Doubt]:
    """Ask the server to name a suite and a group out of these."""
    if not suites or not groups:
        return Refused("nothing left to offer")
    outcome = yield from settled(Ask(Offer(Version.TLS_1_3, suites, groups)), canary)
    if isinstance(outcome, Spoke) and outcome.version != Version.TLS_1_3:
        return Refused(f"the server chose {told(outcome)}")
    return outcome if isinstance(outcome, Spoke | Refused | Doubt) else Doubt("not an answer of TLS")


def _finish_suites(seen: _Seen, canary: Canary) -> Lane[Verdict]:
    while isinstance(
        outcome := (yield from _name(_rest(suites_13(), seen.suites), GROUPS_13, canary)), Spoke
    ):
        seen.add(outcome)
    return unknown(outcome.reason) if isinstance(outcome, Doubt) else YES


def _finish_groups(seen: _Seen, canary: Canary) -> Lane[Verdict]:
    while isinstance(
        outcome := (yield from _name(suites_13(), _rest(GROUPS_13, seen.groups), canary)), Spoke
    ):
        seen.add(outcome)
    return unknown(outcome.reason) if isinstance(outcome, Doubt) else YES


def _without_retries(full: object, first: object, flight: Flight | None) -> ModernSurvey:
    """Say what is known when the server names nothing: it has no TLS 1.3, or no retries."""
    if flight is not None:
        reason = "the server takes no hello without a key share"
        spoke = Spoke(flight)
        facts = VersionFacts(Version.TLS_1_3, YES, (Choice(spoke.suite),), unknown(reason))
        groups = () if flight.group is None else (flight.group,)
        return ModernSurvey(facts, GroupFacts(groups, unknown(reason)), flight)
    match full, first:
        case Doubt(reason), _:
            return ModernSurvey(VersionFacts(Version.TLS_1_3, unknown(reason)))
        case _, Doubt(reason):
            return ModernSurvey(VersionFacts(Version.TLS_1_3, unknown(reason)))
        case Refused(how), _:
            return ModernSurvey(VersionFacts(Version.TLS_1_3, no(how)))
        case Spoke(), _:
            return ModernSurvey(VersionFacts(Version.TLS_1_3, no(f"the server chose {told(full)}")))
        case _:
            return ModernSurvey(VersionFacts(Version.TLS_1_3, unknown("no answer")))
