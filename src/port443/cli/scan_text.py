"""A report for people: sections in a fixed order, one fact a line, marks that need no colour.

✓ good   ✗ bad   ! worth a look   ? could not be told
"""

import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime

from port443.cli import output
from port443.cli.output import Tone
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.fold import Finding, Grade
from port443.core.grade.report import Failure, Report
from port443.core.grade.rule import Severity
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.probe.facts import GroupFacts, VersionFacts
from port443.core.probe.verdict import Standing
from port443.core.wire.groups import POST_QUANTUM_GROUPS, group_name
from port443.core.wire.suites import Suite
from port443.core.wire.versions import Version
from port443.core.x509.chain import HARMLESS

LABEL = 11
WIDTH = 100
MODERN = (Version.TLS_1_2, Version.TLS_1_3)
TONES: dict[Severity, Tone] = {
    Severity.CRITICAL: "bad",
    Severity.HIGH: "bad",
    Severity.MEDIUM: "note",
    Severity.LOW: "note",
    Severity.INFO: "quiet",
}
MANY_NAMES = 6


def report_lines(report: Report) -> Iterator[str]:
    """Write a report, the grade last."""
    facts = report.facts
    yield from _head(report)
    yield from _section("Protocols", (_protocol(one) for one in facts.server.versions))
    yield from _section("Cipher suites", _suites(facts))
    yield from _section("Key exchange", _groups(facts))
    for place, chain in enumerate(facts.chains):
        title = "Certificate" if place == 0 else f"Certificate {place + 1}"
        yield from _section(title, _chain(chain, facts))
    yield from _section("HTTP", _http(facts))
    yield from _section("Findings", _findings(report.judgement.findings))
    yield from _section("Not determined", _undetermined(report))
    yield from _section("Grade", _grade(report))


def failure_lines(failure: Failure) -> Iterator[str]:
    """Write why a target could not be scanned."""
    yield output.paint(str(failure.target), "strong")
    yield _line("bad", "", f"{failure.error.code}: {failure.error.message}")
    if failure.error.hint:
        yield _line("next", "", failure.error.hint)


def _head(report: Report) -> Iterator[str]:
    others = f"   also at {', '.join(str(other) for other in report.others)}" if report.others else ""
    asked = f"   as {report.target.name}" if report.target.server_name else ""
    title = output.paint(str(report.target), "strong")
    yield f"{title}{asked}   {report.endpoint}{others}   {report.started:%Y-%m-%d %H:%M} UTC"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield output.paint(title, "strong")
        yield from found


def _line(tone: Tone | None, label: str, text: str) -> str:
    mark = "?" if tone == "quiet" else " " if tone is None else output.mark(tone)
    return f"{mark} {label:<{LABEL}}{text}".rstrip()


def _protocol(facts: VersionFacts) -> str:
    label = facts.version.label
    wanted = facts.version in MODERN
    match facts.offered.standing:
        case Standing.YES:
            count = len(facts.choices)
            suites = f"   {count} {'suite' if count == 1 else 'suites'}" if count else ""
            least = " at least" if count and facts.complete.is_unknown else ""
            return _line("good" if wanted else "bad", label, f"offered{suites}{least}")
        case Standing.NO:
            return _line(
                "note" if wanted else "good", label, f"not offered   {facts.offered.reason}".rstrip()
            )
        case Standing.UNKNOWN:
            return _line("quiet", label, f"unknown   {facts.offered.reason}")


def _suites(facts: ScanFacts) -> Iterator[str]:
    last: Version | None = None
    for version, suite in facts.suites:
        label = "" if version is last else version.label
        last = version
        strength = f"{suite.bits:>4} bits"
        yield _line(_suite_tone(suite), label, f"{suite.name:<48}{strength}{_remark(suite)}")


def _suite_tone(suite: Suite) -> Tone:
    weak = suite.is_null or suite.is_anonymous or suite.is_export or suite.is_rc4
    if weak or suite.has_64_bit_blocks or suite.bits < 112:
        return "bad"
    return "good" if suite.is_aead and suite.is_forward_secret else "note"


def _remark(suite: Suite) -> str:
    missing = [] if suite.is_forward_secret else ["no forward secrecy"]
    missing += [] if suite.is_aead else ["no AEAD"]
    return f"   {', '.join(missing)}" if missing else ""


def _groups(facts: ScanFacts) -> Iterator[str]:
    server = facts.server
    for version, groups in ((Version.TLS_1_3, server.groups_13), (Version.TLS_1_2, server.groups_12)):
        if groups.groups:
            hybrid = set(groups.groups) & set(POST_QUANTUM_GROUPS)
            tone: Tone = "good" if hybrid or version is Version.TLS_1_2 else "note"
            yield _line(tone, version.label, _group_text(groups))


def _group_text(groups: GroupFacts) -> str:
    names = " ".join(group_name(group) for group in groups.groups)
    return f"{names}   at least; {groups.complete.reason}" if groups.complete.is_unknown else names


def _chain(chain: JudgedChain, facts: ScanFacts) -> Iterator[str]:
    leaf = chain.leaf
    names = [str(name) for name in leaf.names]
    more = f" and {len(names) - MANY_NAMES} more" if len(names) > MANY_NAMES else ""
    covers = leaf.covers(facts.name)
    shown = ", ".join(names[:MANY_NAMES]) + more or "none"
    yield _line("good" if covers else "bad", "names", shown + ("" if covers else f"   not {facts.name}"))
    valid = leaf.is_valid_at(facts.now)
    dates = f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}   {_left(leaf.not_after, facts.now)}"
    yield _line("good" if valid else "bad", "valid", dates)
    yield _line(None, "key", f"{leaf.key}   signed with {leaf.signature.name}")
    yield _line(None, "issuer", leaf.issuer)
    count = len(chain.verdict.sent)
    trusted = "trusted" if chain.verdict.is_trusted else "not trusted"
    sent = f"{trusted}, {count} {'certificate' if count == 1 else 'certificates'} sent"
    yield _line("good" if chain.verdict.is_trusted else "bad", "chain", sent)
    for note in chain.verdict.notes:
        yield _line("note" if note.fault in HARMLESS else "bad", "", note.message)
    yield _proof(chain)


def _proof(chain: JudgedChain) -> str:
    match chain.served.key_proved:
        case True:
            return _line("good", "proof", f"the server signed with this key ({chain.served.version.label})")
        case False:
            return _line("bad", "proof", "the server's signature is not of this key")
        case None:
            return _line("quiet", "proof", "unknown   this key exchange has no signature to check")


def _left(end: datetime, now: datetime) -> str:
    days = (end - now).days
    return f"{days} days left" if days >= 0 else f"ended {-days} days ago"


def _http(facts: ScanFacts) -> Iterator[str]:
    web = facts.web
    if web.hsts.is_unknown:
        yield _line("quiet", "HSTS", f"unknown   {web.hsts.reason}")
    else:
        tone: Tone = "good" if web.policy is not None and web.policy.max_age_s else "note"
        yield _line(tone, "HSTS", web.hsts_text if web.hsts_text is not None else "not asked for")
    if web.port_80_closed:
        yield _line("good", "plain HTTP", "closed")
    elif web.redirect.is_yes:
        yield _line("good", "plain HTTP", f"redirects to {web.location}")
    else:
        tone = "quiet" if web.redirect.is_unknown else "note"
        text = f"unknown   {web.redirect.reason}" if web.redirect.is_unknown else web.redirect.reason
        yield _line(tone, "plain HTTP", text)


def _findings(findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings:
        mark: Tone = "note" if finding.severity is Severity.INFO else TONES[finding.severity]
        yield _line(mark, finding.severity, f"{finding.id:<15}{finding.title}")
        yield from textwrap.wrap(
            finding.evidence, WIDTH, initial_indent=" " * INDENT, subsequent_indent=" " * INDENT
        )


INDENT = 2 + LABEL + 15


def _undetermined(report: Report) -> Iterator[str]:
    for one in report.judgement.undetermined:
        yield _line("quiet", "", f"{one.id:<15}{one.title}")
        yield f"{'':<{INDENT}}{one.reason}"


def _grade(report: Report) -> Iterator[str]:
    grade = report.grade
    secondary = ", from secondary sources" if SSL_LABS_2009R.is_secondary else ""
    ruleset = f"({grade.baseline}{secondary})"
    if grade.letter is None:
        yield _line("quiet", "none", f"{grade.withheld}   {ruleset}")
    else:
        yield from _letter(grade, ruleset)
    connections = f"{report.connections} connections"
    yield f"  {'':<{LABEL}}{report.judgement.checks} checks, {connections}, {report.took_s:.2f} s"


def _letter(grade: Grade, ruleset: str) -> Iterator[str]:
    letter = "" if grade.letter is None else grade.letter.value
    tone: Tone = "good" if letter.startswith("A") else "note" if letter in {"B", "C"} else "bad"
    best = " at best" if grade.at_best else ""
    inner = f"   {grade.if_trusted.value} if it were trusted" if grade.if_trusted else ""
    yield _line(tone, output.paint(f"{letter}{best}".ljust(LABEL), "strong"), f"{ruleset}{inner}")
    if grade.scores:
        scores = grade.scores
        parts = f"protocol {scores.protocol}, key exchange {scores.key_exchange}, cipher {scores.cipher}"
        yield _line(None, "score", f"{scores.total}   {parts}")
    for cap in grade.caps:
        rule = "" if cap.rule == "score" else f"   {cap.rule}"
        yield _line(None, f"at most {cap.letter.value}", f"{cap.reason}{rule}")
    if grade.next_step:
        rules = ", ".join(grade.next_step.rules)
        words = f"{grade.next_step.letter.value} by mending {rules}"
        explain = next((rule for rule in grade.next_step.rules if rule != "score"), None)
        yield _line("next", "next", words + (f"   port443 explain {explain}" if explain else ""))
