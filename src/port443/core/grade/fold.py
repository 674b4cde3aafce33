"""From facts to findings, and from findings to a grade with its reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from port443.core.grade.baseline import Guide, Letter
from port443.core.grade.catalogue import RULE_OF
from port443.core.grade.facts import ScanFacts
from port443.core.grade.hsts import NOT_FOR_ADDRESSES
from port443.core.grade.remedies import Remedy
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.grade.scores import Scores, score
from port443.core.names import IPName
from port443.core.probe.failures import fault_in_words


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is so and should not be."""

    id: str
    severity: Severity
    title: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Undetermined:
    """A rule that could not be evaluated, and why."""

    id: str
    severity: Severity
    """How grave it would be."""
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The results of all rules."""

    findings: tuple[Finding, ...]
    """The gravest first."""
    undetermined: tuple[Undetermined, ...]
    checks: int
    """The number of rules that came to a conclusion."""

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(finding.id for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Cap:
    """Why a grade is no better."""

    letter: Letter
    rule: str
    """The id of the rule, `score`, or `address`."""
    reason: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """The least that must be mended for a better letter."""

    letter: Letter
    """The letter it leads to, or a better one."""
    rules: tuple[str, ...]
    """All that holds the letter where it is."""
    remedies: tuple[Remedy, ...] = ()
    """The remedies, the cheapest first; the letter needs all of them."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter and all that led to it. `letter` is None when too little is known."""

    baseline: str
    letter: Letter | None = None
    withheld: str | None = None
    """Why there is no letter."""
    at_best: bool = False
    """Whether something unknown could make it worse."""
    doubts: tuple[str, ...] = ()
    """The ids of the rules that could."""
    scores: Scores | None = None
    caps: tuple[Cap, ...] = ()
    """All reasons against a better letter, the hardest first."""
    if_trusted: Letter | None = None
    """For a T or an M: the letter if chain and name were right."""
    next_step: NextStep | None = None


def judge(rules: Iterable[Rule], facts: ScanFacts) -> Judgement:
    """Put the facts before every rule."""
    findings, undetermined, silent = [], [], 0
    for rule in rules:
        match _checked(rule, facts):
            case Found(evidence):
                findings.append(Finding(rule.id, rule.severity, rule.title, evidence))
            case Unsure(reason):
                undetermined.append(Undetermined(rule.id, rule.severity, rule.title, reason))
            case None:
                silent += 1
            case kind:
                assert_never(kind)
    findings.sort(key=lambda finding: finding.severity.rank)
    return Judgement(tuple(findings), tuple(undetermined), len(findings) + silent)


def _checked(rule: Rule, facts: ScanFacts) -> Outcome:
    try:
        return rule.check(facts)
    except Exception as error:  # noqa: BLE001 - one rule's fault is a doubt, not the end of the scan
        return Unsure(fault_in_words(error))


def grade(judgement: Judgement, facts: ScanFacts, guide: Guide) -> Grade:
    """Fold findings and strengths to a letter by a guide."""
    doubts = tuple(one.id for one in judgement.undetermined if one.id in guide.counted | set(guide.scored))
    scores = score(facts, guide)
    withheld = _withheld(facts)
    if withheld is not None or scores is None:
        reason = withheld or "no suite was seen"
        return Grade(guide.id, withheld=reason, doubts=doubts)
    caps = _caps(judgement, scores, facts, guide)
    letter = _letter(caps)
    inner = _letter(tuple(cap for cap in caps if cap.letter not in BESIDE))
    return Grade(
        baseline=guide.id,
        letter=letter,
        at_best=_could_be_worse(doubts, letter, guide),
        doubts=doubts,
        scores=scores,
        caps=caps,
        if_trusted=inner if letter in BESIDE else None,
        next_step=_next_step(caps, letter, judgement.ids),
    )


ADDRESS, SCORE = "address", "score"
STRENGTHS = (
    "TLS-001", "TLS-002", "TLS-007", "TLS-008", "TLS-009", "TLS-010", "TLS-020", "TLS-025", "CERT-008"
)  # fmt: skip
POINTS = frozenset(f"P443-{rule}" for rule in STRENGTHS)
"""Findings that cost points besides their own cap."""
BESIDE = frozenset({Letter.T, Letter.M})


def _withheld(facts: ScanFacts) -> str | None:
    """Return why no letter is given: what it would depend on is unknown."""
    if not facts.server.offered:
        return "no protocol version is known to be offered"
    if facts.unreadable_chain is not None:
        return facts.unreadable_chain
    anonymous_only = all(suite.is_anonymous for _, suite in facts.suites) and facts.suites
    if not facts.chains and not anonymous_only:
        return facts.no_chain
    return None


def _caps(judgement: Judgement, scores: Scores, facts: ScanFacts, guide: Guide) -> tuple[Cap, ...]:
    found = [
        Cap(letter, finding.id, finding.title)
        for finding in judgement.findings
        if (letter := guide.effect(finding.id)) is not None
    ]
    by_score = next(letter for least, letter in guide.letters if scores.total >= least)
    if by_score is not Letter.A:
        found.append(Cap(by_score, SCORE, f"{scores.total} points"))
    points = scores.key_exchange
    weak = next((letter for most, letter in guide.key_exchange_caps if points <= most), None)
    if weak is not None:
        found.append(Cap(weak, SCORE, f"key exchange is worth {points} points"))
    if isinstance(facts.name, IPName):
        found.append(Cap(Letter.A, ADDRESS, NOT_FOR_ADDRESSES))
    return tuple(sorted(found, key=lambda cap: -cap.letter.rank))


def _letter(caps: tuple[Cap, ...]) -> Letter:
    """Return the worst letter of the caps, with everything undetermined assumed at its best."""
    return max((cap.letter for cap in caps), key=lambda letter: letter.rank, default=Letter.A_PLUS)


def _could_be_worse(doubts: tuple[str, ...], letter: Letter, guide: Guide) -> bool:
    worst = (guide.scored.get(rule) or guide.effect(rule) or Letter.A_PLUS for rule in doubts)
    return any(one.rank > letter.rank for one in worst)


def _next_step(caps: tuple[Cap, ...], letter: Letter, found: frozenset[str]) -> NextStep | None:
    """Return the findings that determine the letter: all of its hardest caps together."""
    hardest = tuple(cap for cap in caps if cap.letter is letter)
    if not hardest or any(cap.rule == ADDRESS for cap in hardest):
        return None  # nothing is wrong, or there is no remedy
    rest = tuple(cap for cap in caps if cap.letter is not letter)
    rules = tuple(dict.fromkeys(cap.rule for cap in hardest))
    return NextStep(_letter(rest), rules, _remedies(rules, found))


def _remedies(rules: tuple[str, ...], found: frozenset[str]) -> tuple[Remedy, ...]:
    """Return the remedies of these caps, the cheapest first, including findings that cost points."""
    wanted = [rule for rule in rules if rule != SCORE] + (sorted(POINTS & found) if SCORE in rules else [])
    remedies = dict.fromkeys(RULE_OF[rule].remedy for rule in wanted)
    return tuple(sorted(remedies, key=lambda remedy: remedy.effort))
