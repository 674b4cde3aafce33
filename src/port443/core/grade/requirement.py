"""The requirements of a text for servers, and the checks of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias, assert_never

from port443.core.grade.baseline import Source
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Judgement
from port443.core.grade.rule import Found, Outcome, Unsure, by_chains, doubt_about, listed
from port443.core.names import IPName
from port443.core.probe.facts import NOT_LOOKED
from port443.core.wire.groups import group_name
from port443.core.wire.versions import Version
from port443.core.x509.facts import KeyFacts

UNSEEN = "not visible from outside"


class Level(StrEnum):
    """The level of a requirement (RFC 2119)."""

    MUST = "must"
    SHOULD = "should"


class Standing(StrEnum):
    """The standing of a server against a requirement."""

    MET = "met"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    """It does not apply to such a server."""
    UNSEEN = "unseen"
    """It cannot be determined from outside, or there is no probe for it yet."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why a requirement does not apply to this server."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why it cannot be determined."""

    reason: str


Answer: TypeAlias = Outcome | Exempt | NotSeen
"""`Found` is what breaks a requirement; None is that it is met."""


class Judge(Protocol):
    """The check of a requirement."""

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer: ...

    @property
    def judged_by(self) -> str:
        """The rules, or what is checked, as a text."""
        ...


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence of a text."""

    key: str
    """Its name within the text; never used for anything else."""
    text: str
    where: str
    """Section or field."""
    test: Judge
    level: Level = Level.MUST


@dataclass(frozen=True, slots=True)
class Baseline:
    """A dated text that servers meet or do not."""

    family: str
    """The common name of its editions: `mozilla-intermediate`."""
    version: str
    title: str
    source: Source
    since: date
    until: date | None
    """The first day on which another edition holds; None while this one does."""
    requirements: tuple[Requirement, ...]

    @property
    def id(self) -> str:
        return f"{self.family}-{self.version}" if self.version else self.family

    def is_in_force(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Result:
    """The standing of a server against one requirement, and why."""

    requirement: Requirement
    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The standing of a server against a whole text."""

    baseline: Baseline
    results: tuple[Result, ...]

    @property
    def standing(self) -> Standing:
        """Broken with one mandatory requirement that is not met; unknown while one may be so."""
        strict = {one.standing for one in self.results if one.requirement.level is Level.MUST}
        return next((one for one in (Standing.BROKEN, Standing.UNKNOWN) if one in strict), Standing.MET)

    def having(self, standing: Standing) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one.standing is standing)


def assess(baseline: Baseline, facts: ScanFacts, judgement: Judgement) -> Assessment:
    """Assess the facts against every requirement."""
    return Assessment(baseline, tuple(_result(one, facts, judgement) for one in baseline.requirements))


def _result(requirement: Requirement, facts: ScanFacts, judgement: Judgement) -> Result:
    match requirement.test.judge(facts, judgement):
        case Found(evidence):
            return Result(requirement, Standing.BROKEN, evidence)
        case Unsure(reason):
            return Result(requirement, Standing.UNKNOWN, reason)
        case Exempt(reason):
            return Result(requirement, Standing.EXEMPT, reason)
        case NotSeen(reason):
            return Result(requirement, Standing.UNSEEN, reason)
        case None:
            return Result(requirement, Standing.MET)
        case never:
            assert_never(never)


@dataclass(frozen=True, slots=True)
class NoFinding:
    """None of these rules has a finding."""

    rules: tuple[str, ...]

    @property
    def judged_by(self) -> str:
        return ", ".join(self.rules)

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del facts
        for finding in judgement.findings:
            if finding.id in self.rules:
                return Found(f"{finding.id}: {finding.evidence}")
        for doubt in judgement.undetermined:
            if doubt.id in self.rules:
                return Unsure(f"{doubt.id}: {doubt.reason}")
        return None


def no_finding(*rules: str) -> NoFinding:
    """Join rule ids without their common prefix."""
    return NoFinding(tuple(f"P443-{rule}" for rule in rules))


@dataclass(frozen=True, slots=True)
class NoFindingUnless:
    """None of these rules finds anything, or the server negotiates in the way that makes it good."""

    rules: NoFinding
    trait: str

    @property
    def judged_by(self) -> str:
        return f"{self.rules.judged_by}, {self.trait}"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        found = facts.trait(self.trait)
        return None if found is not None and found.verdict.is_yes else self.rules.judge(facts, judgement)


@dataclass(frozen=True, slots=True)
class Unseen:
    """It cannot be determined from outside, or there is no probe for it yet."""

    reason: str = UNSEEN

    @property
    def judged_by(self) -> str:
        return self.reason

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del facts, judgement
        return NotSeen(self.reason)


@dataclass(frozen=True, slots=True)
class VersionsOnly:
    """The server supports these versions and no others; `required` it must support."""

    allowed: frozenset[Version]
    required: frozenset[Version] = frozenset()

    @property
    def judged_by(self) -> str:
        return "the protocol versions"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        offered = {version: facts.server.version(version).offered for version in Version}
        extra = [
            version.label for version, one in offered.items() if one.is_yes and version not in self.allowed
        ]
        missing = [version.label for version in sorted(self.required) if offered[version].is_no]
        if extra or missing:
            lacks = (
                f"{', '.join(extra)} offered" if extra else "",
                f"no {', '.join(missing)}" if missing else "",
            )
            return Found("; ".join(filter(None, lacks)))
        for version, one in offered.items():
            if one.is_unknown and (version in self.required or version not in self.allowed):
                return Unsure(f"{version.label}: {one.reason}")
        return None


@dataclass(frozen=True, slots=True)
class SuitesOnly:
    """The server takes these suites and no others, by their IANA names."""

    allowed: frozenset[str]

    @property
    def judged_by(self) -> str:
        return "the cipher suites"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        extra = dict.fromkeys(suite.name for _, suite in facts.suites if suite.name not in self.allowed)
        return Found(listed(extra)) if extra else doubt_about(facts, set(Version))


@dataclass(frozen=True, slots=True)
class GroupsOnly:
    """The server exchanges keys in these groups and no others, by their IANA names."""

    allowed: frozenset[str]
    required: frozenset[str] = frozenset()

    @property
    def judged_by(self) -> str:
        return "the groups of the key exchange"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        server = facts.server
        names = [group_name(code) for code in server.groups]
        known = {name.lower() for name in self.allowed | self.required}
        extra = [name for name in names if name.lower() not in known]
        missing = sorted(name for name in self.required if name.lower() not in map(str.lower, names))
        doubt = next(
            (one.complete for one in (server.groups_13, server.groups_12)
             if one.groups and one.complete.is_unknown), None,
        )  # fmt: skip
        if extra or (missing and doubt is None):
            return Found(listed(extra) if extra else f"no {', '.join(missing)}")
        return None if doubt is None else Unsure(doubt.reason)


@dataclass(frozen=True, slots=True)
class KeysOnly:
    """The leaf's key is of one of these kinds: `P-256`, or `rsa 2048` for that many bits at least."""

    allowed: tuple[str, ...]

    @property
    def judged_by(self) -> str:
        return "the key of the certificate"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        return by_chains(facts, lambda chain: None if self._takes(chain.leaf.key) else str(chain.leaf.key))

    def _takes(self, key: KeyFacts) -> bool:
        for one in self.allowed:
            kind, _, bits = one.partition(" ")
            if kind.lower() in {(key.curve or "").lower(), key.kind} and key.bits >= int(bits or 0):
                return True
        return False


@dataclass(frozen=True, slots=True)
class SignaturesOnly:
    """The leaf is signed by one of these algorithms."""

    allowed: frozenset[str]

    @property
    def judged_by(self) -> str:
        return "the signature of the certificate"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        known = {name.lower() for name in self.allowed}
        return by_chains(
            facts, lambda one: None if one.leaf.signature.name.lower() in known else one.leaf.signature.name
        )


@dataclass(frozen=True, slots=True)
class LivesAtMost:
    """The lifetime of the leaf in days at most; with dates, for one issued on each of them.

    By the rules of a later day it is evaluated as the next certificate will be.
    """

    days: int
    since: date | None = None
    until: date | None = None

    @property
    def judged_by(self) -> str:
        return "the lifetime of the certificate"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        if not facts.chains:
            return by_chains(facts, lambda _: None)
        issued = max(chain.leaf.not_before for chain in facts.chains).date()
        counted = max(issued, facts.rules_as_of or issued)
        if (self.since and counted < self.since) or (self.until and counted >= self.until):
            return Exempt(f"it is for certificates of other days than {counted}")
        # The last second counts as part of the lifetime (CA/B Baseline Requirements §1.6.1).
        limit = timedelta(days=self.days)
        return by_chains(
            facts,
            lambda one: (
                f"{(one.leaf.lifetime + timedelta(seconds=1)).days} days"
                if one.leaf.lifetime + timedelta(seconds=1) > limit
                else None
            ),
        )


@dataclass(frozen=True, slots=True)
class HSTSAtLeast:
    """HSTS is sent, with this max-age at least, and these directives."""

    seconds: int
    subdomains: bool = False
    preload: bool = False

    @property
    def judged_by(self) -> str:
        return "Strict-Transport-Security"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        web = facts.web
        if isinstance(facts.name, IPName):
            return Exempt("browsers keep no HSTS for an address")
        if web.policy is None:
            return (
                Unsure(web.hsts.reason) if web.hsts.is_unknown else Found(web.hsts_fault or web.hsts.reason)
            )
        lacks = [f"max-age={web.policy.max_age_s}"] if web.policy.max_age_s < self.seconds else []
        lacks += ["no includeSubDomains"] if self.subdomains and not web.policy.include_subdomains else []
        lacks += ["no preload"] if self.preload and not web.policy.preload else []
        return Found(", ".join(lacks)) if lacks else None


@dataclass(frozen=True, slots=True)
class Stapled:
    """A certificate with an OCSP responder is served with a staple."""

    @property
    def judged_by(self) -> str:
        return "the OCSP staple"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        asked = [chain for chain in facts.chains if chain.leaf.extensions.ocsp_urls]
        if facts.chains and not asked:
            return Exempt("the certificate names no OCSP responder")
        return by_chains(
            facts,
            lambda one: (
                f"none for {one.leaf.subject or one.leaf.fingerprint}"
                if one in asked and one.served.staple is None
                else None
            ),
        )


@dataclass(frozen=True, slots=True)
class SuiteOrder:
    """Suites are chosen by the server's own order, or by the client's."""

    is_own: bool

    @property
    def judged_by(self) -> str:
        return "whose order of suites counts"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        known = [one for one in facts.server.versions if one.offered.is_yes and one.own_order != NOT_LOOKED]
        if not known:
            return NotSeen("there is no order among the suites that were seen")
        whose = "the client's" if self.is_own else "its own"
        for one in known:
            if one.own_order.is_no if self.is_own else one.own_order.is_yes:
                return Found(f"{one.version.label}: the server goes by {whose} order")
        doubt = next((one for one in known if one.own_order.is_unknown), None)
        return None if doubt is None else Unsure(f"{doubt.version.label}: {doubt.own_order.reason}")


@dataclass(frozen=True, slots=True)
class HasTrait:
    """The server negotiates in one way, as `negotiation` in a report names it."""

    id: str

    @property
    def judged_by(self) -> str:
        return f"how the server negotiates ({self.id})"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        trait = next((one for one in facts.server.traits if one.id == self.id), None)
        if trait is None:
            return NotSeen("it was not looked for")
        if trait.verdict.is_unknown:
            return Unsure(trait.verdict.reason)
        return None if trait.verdict.is_yes else Found(trait.verdict.reason or f"{trait.title}: no")


def in_force(baselines: Iterable[Baseline], family: str, day: date) -> Baseline | None:
    """Return the newest edition of a family on a day; None when there is none."""
    known = [one for one in baselines if one.family == family and one.is_in_force(day)]
    return max(known, key=lambda one: one.since, default=None)
