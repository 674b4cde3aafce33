"""The shape of a rule: facts in; a finding, a doubt, or nothing out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import Remedy
from port443.core.grade.severity import Severity as Severity  # noqa: PLC0414 - rules take it from here
from port443.core.probe.verdict import Standing, Verdict
from port443.core.wire.suites import Suite
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.core.x509.facts import CertFacts

LISTED = 6
SHOWN = 60
"""Letters of a name."""
SUITES_LISTED = 3
"""Of each version; the list of suites has them all."""


@dataclass(frozen=True, slots=True)
class Found:
    """The evidence."""

    evidence: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """Why it could not be determined."""

    reason: str


Outcome: TypeAlias = Found | Unsure | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One check with its page. The id is never used for anything else."""

    id: str
    severity: Severity
    check: Callable[[ScanFacts], Outcome]
    page: str
    """The module's docstring: its first line is the title."""
    remedy: Remedy

    @property
    def title(self) -> str:
        return self._parts[0].removesuffix(".")

    @property
    def why(self) -> str:
        """Why it matters, in one paragraph."""
        return " ".join(self._parts[1].split())

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(one.strip() for one in self._parts[2].partition(":")[2].split(","))

    @property
    def _parts(self) -> list[str]:
        """The page's paragraphs: title, why, references."""
        return self.page.strip().split("\n\n")


def by_verdict(verdict: Verdict, evidence: str) -> Outcome:
    """Turn a verdict about a fault into an outcome."""
    match verdict.standing:
        case Standing.YES:
            return Found(evidence)
        case Standing.UNKNOWN:
            return Unsure(verdict.reason)
        case Standing.NO:
            return None
        case standing:
            assert_never(standing)


def by_trait(facts: ScanFacts, name: str, *, bad: Standing = Standing.YES) -> Outcome:
    """Find a server that negotiates in a way that it should not; what was not looked for is silent."""
    trait = facts.trait(name)
    if trait is None:
        return None
    if trait.verdict.is_unknown:
        return Unsure(trait.verdict.reason)
    return Found(trait.verdict.reason or trait.title) if trait.verdict.standing is bad else None


def by_suites(
    facts: ScanFacts, bad: Callable[[Suite], bool], versions: Iterable[Version] = tuple(Version)
) -> Outcome:
    """Find suites of a kind in these versions; an incomplete list leaves a doubt."""
    looked_at = set(versions)
    found = [(version, suite) for version, suite in facts.suites if version in looked_at and bad(suite)]
    if found:
        return Found("; ".join(_in_version(version, found) for version in dict.fromkeys(v for v, _ in found)))
    return doubt_about(facts, looked_at)


def _in_version(version: Version, found: list[tuple[Version, Suite]]) -> str:
    names = dict.fromkeys(suite.name for one, suite in found if one is version)
    return f"{version.label}: {listed(names, SUITES_LISTED)}"


def doubt_about(facts: ScanFacts, versions: set[Version]) -> Unsure | None:
    """Return the doubt that a list of suites in these versions leaves."""
    for one in facts.server.incomplete_versions:
        if one.version in versions:
            verdict = one.offered if one.offered.is_unknown else one.complete
            return Unsure(f"not all is known of {one.version.label}: {verdict.reason}")
    return None


def by_preference(facts: ScanFacts, version: Version, good: Callable[[Suite], bool]) -> Outcome:
    """Find that the server chose another suite from all of them, although it has a good one.

    The offer has the good ones first, so that a server that follows the client's order has no finding.
    """
    one = facts.server.version(version)
    if one.offered.is_no or one.preferred is None or good(one.preferred):
        return doubt_about(facts, {version}) if one.offered.is_unknown else None
    better = [choice.suite.name for choice in one.choices if good(choice.suite)]
    if not better:
        return doubt_about(facts, {version})
    names = listed(better, SUITES_LISTED)
    return Found(f"{version.label}: from all suites the server chose {one.preferred.name}; it has {names}")


def by_chains(facts: ScanFacts, bad: Callable[[JudgedChain], str | None]) -> Outcome:
    """Find the first chain with something bad; no chain at all is a doubt."""
    for chain in facts.chains:
        evidence = bad(chain)
        if evidence is not None:
            return Found(evidence)
    if facts.unreadable_chain is not None:
        return Unsure(facts.unreadable_chain)
    return None if facts.chains else Unsure(facts.no_chain)


def by_signatures(facts: ScanFacts, hashes: set[str]) -> Outcome:
    """Find a signature with one of these hashes on a leaf or an intermediate.

    The signature of a root is never verified. An unknown hash is a doubt.
    """
    signed = [
        one
        for chain in facts.chains
        for one in dict.fromkeys((chain.leaf, *chain.verdict.path))
        if one is chain.leaf or not one.is_self_signed
    ]
    for one in signed:
        if one.signature.hash in hashes:
            return Found(f"{one.signature.name} on {one.subject or one.fingerprint}")
    for one in signed:
        if not one.signature.is_known:
            called = one.subject or one.fingerprint
            return Unsure(f"what {called} was hashed with is not known: {one.signature.name}")
    return by_chains(facts, lambda _: None)


def by_faults(facts: ScanFacts, *faults: ChainFault) -> Outcome:
    """Find a chain with one of these faults."""

    def bad(chain: JudgedChain) -> str | None:
        notes = [note.message for note in chain.verdict.notes if note.fault in faults]
        return "; ".join(notes) or None

    return by_chains(facts, bad)


def no_host_names(leaf: CertFacts) -> str:
    """Return what of a subjectAltName no client accepts as a host; empty without any."""
    others = [f'"{other[:SHOWN]}"' for other in leaf.other_names]
    return f"{listed(others)} {'is' if len(others) == 1 else 'are'} no host name" if others else ""


def listed(names: Iterable[str], most: int = LISTED) -> str:
    """Write the first few of many."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
