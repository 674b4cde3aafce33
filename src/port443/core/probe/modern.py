"""Find what a server takes in TLS 1.3, mostly without doing any cryptography.

A hello without a key share makes the server name the suite and the group that it would take in a
HelloRetryRequest (RFC 8446 §4.1.4), so every answer strikes out one of each.
"""

from dataclasses import dataclass, field, replace

from port443.core.probe.asking import (
    Ask,
    Canary,
    Doubt,
    Lane,
    Outcome,
    Refused,
    Spoke,
    absence_of,
    settled,
    told,
)
from port443.core.probe.facts import NO_GROUPS, Choice, GroupFacts, VersionFacts
from port443.core.probe.hellos import HANDSHAKE_SUITES_13, Offer
from port443.core.probe.verdict import YES, Verdict, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.groups import GROUPS_13, SECP256R1, X25519
from port443.core.wire.key_share import USABLE_GROUPS
from port443.core.wire.schedule import SUITES_13
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
    offer: Offer | None = None
    """What the flight answered to."""
    unseen: str = ""
    """Why its certificate was not seen."""

    @classmethod
    def unknown(cls, reason: str) -> "ModernSurvey":
        """Say that nothing could be found out."""
        return cls(VersionFacts.unknown(Version.TLS_1_3, reason))


def full_question() -> Ask:
    """Return the question that goes through to the certificate."""
    return Ask(Offer(Version.TLS_1_3, tuple(SUITES_13), USABLE_GROUPS, KEYS, ("h2", "http/1.1")))


def modern_questions() -> tuple[Ask, ...]:
    """Return `full_question`, and the hellos that reach servers which take no such one.

    Servers for other protocols refuse its ALPN, some break over what is new in it, and some take only
    suites and groups that no handshake can be made with here.
    """
    full = full_question().offer
    plain = Offer(Version.TLS_1_3, HANDSHAKE_SUITES_13, KEYS, KEYS, plain=True)
    every = Offer(Version.TLS_1_3, suites_13(), GROUPS_13)
    return Ask(full), Ask(replace(full, alpn=())), Ask(plain), Ask(every)


def survey_modern(canary: Canary) -> Lane[ModernSurvey]:
    """Find whether the server speaks TLS 1.3, with which suites and groups, and its chain."""
    full, offer = yield from _through(canary)
    flight = full.flight if isinstance(full, Spoke) and full.version == Version.TLS_1_3 else None
    if isinstance(full, Refused) and full.by_version:
        return _without_retries(full, full, None)
    seen = _Seen()
    first = yield from _name(suites_13(), GROUPS_13, canary)
    if not isinstance(first, Spoke) or first.version != Version.TLS_1_3:
        return _without_retries(full, first, flight, offer)
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
        offer,
        _unseen(full, flight),
    )


def _through(canary: Canary) -> Lane[tuple[Outcome, Offer]]:
    """Find a hello with which the server goes through to its certificate."""
    *questions, _ = modern_questions()
    found: list[tuple[Outcome, Offer]] = []
    for question in questions:
        outcome = yield from settled(question, canary)
        found.append((outcome, question.offer))
        if not _may_go_further(outcome):
            break
    spoke = [one for one in found if isinstance(one[0], Spoke)]
    return max(
        spoke, key=lambda one: isinstance(one[0], Spoke) and bool(one[0].flight.chain), default=found[0]
    )


def _may_go_further(outcome: Outcome) -> bool:
    """Whether a hello of another shape may lead to the certificate that this one did not bring."""
    if isinstance(outcome, Spoke):
        return outcome.version == Version.TLS_1_3 and not outcome.flight.chain
    return isinstance(outcome, Refused) and not outcome.by_version


def _unseen(full: Outcome, flight: Flight | None) -> str:
    """Say why the handshake did not come to the certificate; nothing when it did."""
    if flight is not None and flight.chain:
        return ""
    if flight is not None:
        return flight.broken_off
    how = full.how if isinstance(full, Refused) else getattr(full, "reason", "it was not TLS 1.3")
    return f"with suites and groups that are spoken here the server refuses TLS 1.3: {how}"


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
        if outcome.flight.group is None:
            return unknown("the server's retry names no group")
        seen.add(outcome)
    return unknown(outcome.reason) if isinstance(outcome, Doubt) else YES


def _without_retries(
    full: Outcome, first: Outcome, flight: Flight | None, offer: Offer | None = None
) -> ModernSurvey:
    """Say what is known when the server names nothing: it has no TLS 1.3, or no retries."""
    if flight is not None:
        reason = first.reason if isinstance(first, Doubt) else "the server takes no hello without a key share"
        spoke = Spoke(flight)
        facts = VersionFacts(Version.TLS_1_3, YES, (Choice(spoke.suite),), unknown(reason))
        groups = () if flight.group is None else (flight.group,)
        return ModernSurvey(facts, GroupFacts(groups, unknown(reason)), flight, offer, _unseen(full, flight))
    doubt = next((one for one in (full, first) if isinstance(one, Doubt)), None)
    return ModernSurvey(VersionFacts(Version.TLS_1_3, absence_of(doubt or full)))
