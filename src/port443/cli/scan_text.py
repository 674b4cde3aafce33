"""A report for people: sections in a fixed order, one fact a line, marks that need no colour.

✓ good   ✗ bad   ! worth a look   ? unknown
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from port443.cli import output
from port443.cli.output import Tone
from port443.cli.scan_lines import line, lines
from port443.cli.scan_negotiation import negotiation_lines
from port443.cli.scan_verdict import doubt_lines, finding_lines, grade_lines
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.hsts import NOT_FOR_ADDRESSES
from port443.core.grade.observatory import observe
from port443.core.grade.policy import Tolerance
from port443.core.grade.post_quantum import PostQuantum, post_quantum
from port443.core.grade.report import Failure, Report
from port443.core.grade.rule import no_host_names
from port443.core.names import IPName
from port443.core.probe.facts import GroupFacts, ServerFacts, VersionFacts
from port443.core.probe.verdict import Standing
from port443.core.wire.groups import POST_QUANTUM_GROUPS, group_name
from port443.core.wire.suites import Suite
from port443.core.wire.versions import Version
from port443.core.x509.chain import HARMLESS
from port443.core.x509.ocsp import Revocation

if TYPE_CHECKING:
    from port443.core.grade.requirement import Assessment

MODERN = (Version.TLS_1_2, Version.TLS_1_3)
MANY_NAMES = 6


def report_lines(
    report: Report, assessments: Iterable["Assessment"] = (), tolerated: Mapping[str, Tolerance] | None = None
) -> Iterator[str]:
    """Write a report, with the baselines that it is held against, and the grade last."""
    facts = report.facts
    yield from _head(report)
    yield from _section("Protocols", _protocols(facts.server))
    yield from _section("Cipher suites", _suites(facts))
    yield from _section("Key exchange", _groups(facts))
    yield from _section("Negotiation", negotiation_lines(facts.server))
    for place, chain in enumerate(facts.chains):
        title = "Certificate" if place == 0 else f"Certificate {place + 1}"
        yield from _section(title, _chain(chain, facts))
    yield from _section("Post-quantum", _post_quantum(post_quantum(facts)))
    yield from _section("HTTP", _http(facts))
    yield from _section("Findings", finding_lines(report.judgement.findings, tolerated or {}))
    yield from _section("Not determined", doubt_lines(report.judgement.undetermined))
    yield from _section("Baselines", _baselines(tuple(assessments)))
    yield from _section("Grade", grade_lines(report))


def _baselines(assessments: "tuple[Assessment, ...]") -> Iterator[str]:
    if assessments:
        from port443.cli.baseline_lines import assessment_lines  # noqa: PLC0415 - for runs with a policy only

        yield from assessment_lines(assessments)


def legend() -> str:
    """Explain the marks, once for all reports."""
    marks: tuple[tuple[Tone, str], ...] = (("good", "good"), ("bad", "bad"), ("note", "worth a look"))
    words = [f"{output.mark(tone)} {text}" for tone, text in marks]
    return "   ".join((*words, "? unknown"))


def failure_lines(failure: Failure) -> Iterator[str]:
    """Write why a target could not be scanned."""
    yield output.paint(str(failure.target), "strong")
    yield line("bad", "", f"{failure.error.code}: {failure.error.message}")
    if failure.error.hint:
        yield line("next", "", failure.error.hint)


def _head(report: Report) -> Iterator[str]:
    others = f"   also at {', '.join(str(other) for other in report.others)}" if report.others else ""
    asked = f"   as {report.target.name}" if report.target.server_name else ""
    title = output.paint(str(report.target), "strong")
    yield f"{title}{asked}   {report.endpoint}{others}   {report.started:%Y-%m-%d %H:%M} UTC"
    for one in report.unreached:
        yield line("bad", "address", f"{one.endpoint.address}   {one.error.message}")


def _section(title: str, facts: Iterable[str]) -> Iterator[str]:
    found = list(facts)
    if found:
        yield ""
        yield output.paint(title, "strong")
        yield from found


def _protocols(server: ServerFacts) -> Iterator[str]:
    yield from (_protocol(one) for one in server.versions)
    if server.application_protocols:
        yield _alpn(server)
    if server.wants_client_certificate:
        yield line(None, "client", "the server requests a client certificate")


def _alpn(server: ServerFacts) -> str:
    """Name the protocols that ALPN selects, the server's choice first."""
    found = sorted(server.application_protocols, key=lambda one: one.name != server.alpn)
    taken = [one.name for one in found if one.taken.is_yes]
    doubts = [f"{one.name} unknown, {one.taken.reason}" for one in found if one.taken.is_unknown]
    words = " ".join(taken) or ("" if doubts else "none of " + " ".join(one.name for one in found))
    return line("quiet" if doubts and not taken else None, "ALPN", "   ".join(filter(None, (words, *doubts))))


def _protocol(facts: VersionFacts) -> str:
    label = facts.version.label
    wanted = facts.version in MODERN
    match facts.offered.standing:
        case Standing.YES:
            count = len(facts.choices)
            suites = f"   {count} {'suite' if count == 1 else 'suites'}" if count else ""
            least = " at least" if count and facts.complete.is_unknown else ""
            return line("good" if wanted else "bad", label, f"offered{suites}{least}")
        case Standing.NO:
            return line(_absence(facts.version), label, f"not offered   {facts.offered.reason}")
        case Standing.UNKNOWN:
            return line("quiet", label, f"unknown   {facts.offered.reason}")
        case standing:
            assert_never(standing)


def _absence(version: Version) -> Tone | None:
    """Write that a version is missing: TLS 1.2 is not required any more, and does no harm."""
    if version is Version.TLS_1_3:
        return "note"
    return None if version is Version.TLS_1_2 else "good"


def _suites(facts: ScanFacts) -> Iterator[str]:
    last: Version | None = None
    for version, suite in facts.suites:
        label = "" if version is last else version.label
        last = version
        strength = f"{suite.bits:>4} bits"
        yield line(_suite_tone(suite), label, f"{suite.name:<48}{strength}{_remark(suite)}")


def _suite_tone(suite: Suite) -> Tone:
    weak = suite.is_null or suite.is_anonymous or suite.is_export or suite.is_rc4
    if weak or suite.has_64_bit_blocks or suite.bits < 112:
        return "bad"
    return "good" if suite.is_aead and suite.is_forward_secret else "note"


def _remark(suite: Suite) -> str:
    lacks = {
        "no encryption": suite.is_null,
        "no certificate": suite.is_anonymous,
        "no forward secrecy": not suite.is_forward_secret,
        "no AEAD": not suite.is_aead,
    }
    missing = [words for words, is_so in lacks.items() if is_so]
    return f"   {', '.join(missing)}" if missing else ""


def _groups(facts: ScanFacts) -> Iterator[str]:
    server = facts.server
    older = max((version for version in server.offered if version < Version.TLS_1_3), default=Version.TLS_1_2)
    for version, groups in ((Version.TLS_1_3, server.groups_13), (older, server.groups_12)):
        if groups.groups:
            hybrid = set(groups.groups) & set(POST_QUANTUM_GROUPS)
            tone: Tone = "good" if hybrid or version < Version.TLS_1_3 else "note"
            yield from lines(tone, version.label, _group_text(groups))


def _group_text(groups: GroupFacts) -> str:
    names = " ".join(group_name(group) for group in groups.groups)
    return f"{names}   at least; {groups.complete.reason}" if groups.complete.is_unknown else names


def _post_quantum(found: PostQuantum) -> Iterator[str]:
    """Write both results apart: a recording is decrypted later, a signature is forged now or never."""
    reasons = ((found.key_exchange, "key", found.groups), (found.authentication, "signature", found.keys))
    for verdict, label, seen in reasons:
        tone: Tone = "good" if verdict.is_yes else "quiet" if verdict.is_unknown else "note"
        yield from lines(tone, label, f"{verdict.standing}   {verdict.reason or ' '.join(seen)}")


def _chain(chain: JudgedChain, facts: ScanFacts) -> Iterator[str]:
    leaf = chain.leaf
    names = [str(name) for name in leaf.names]
    more = f" and {len(names) - MANY_NAMES} more" if len(names) > MANY_NAMES else ""
    covers = leaf.covers(facts.name)
    shown = ", ".join(names[:MANY_NAMES]) + more or "none"
    wrong = "" if covers else f" (not {facts.name})"
    yield from lines("good" if covers else "bad", "names", shown + wrong)
    if others := no_host_names(leaf):
        yield from lines("note", "", others)
    valid = leaf.is_valid_at(facts.now)
    dates = f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}   {_left(leaf.not_after, facts.now)}"
    yield line("good" if valid else "bad", "valid", dates)
    yield line(None, "key", f"{leaf.key}   signed with {leaf.signature.name}")
    yield from lines(None, "issuer", leaf.issuer)
    count = len(chain.verdict.sent)
    trusted = "trusted" if chain.verdict.is_trusted else "not trusted"
    sent = f"{trusted}, {count} {'certificate' if count == 1 else 'certificates'} sent"
    yield line("good" if chain.verdict.is_trusted else "bad", "chain", sent)
    yield from _revocation(chain)
    for note in chain.verdict.notes:
        yield from lines("note" if note.fault in HARMLESS else "bad", "", note.message)
    yield _proof(chain)


def _revocation(chain: JudgedChain) -> Iterator[str]:
    known = chain.revocation
    if known is not None:
        tone: Tone = "good" if known.state is Revocation.GOOD else "bad"
        yield from lines(tone, "revocation", f"{known.state}   {known.reason}")
    elif isinstance(chain.asked, str):
        yield from lines("quiet", "revocation", f"unknown   {chain.asked}")


def _proof(chain: JudgedChain) -> str:
    match chain.served.key_proved:
        case True:
            return line("good", "proof", f"the server signed with this key ({chain.served.version.label})")
        case False:
            return line("bad", "proof", "the server's signature is not of this key")
        case None:
            return line("quiet", "proof", "unknown   this key exchange has no signature to check")
        case other:
            assert_never(other)


def _left(end: datetime, now: datetime) -> str:
    left = abs(end - now)
    count, unit = (left.days, "day") if left.days else (left.seconds // 3600, "hour")
    span = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{span} left" if end >= now else f"ended {span} ago"


def _observatory(facts: ScanFacts) -> Iterator[str]:
    """Write the Observatory's letter, and what it takes points for."""
    found = observe(facts)
    if found.letter is not None:
        taken = [f"{one.test} {one.points}" for one in found.tests if one.points < 0]
        text = f"{found.letter}   {found.score} points by MDN's HTTP Observatory"
        yield from lines(None, "headers", f"{text}{': ' if taken else ''}{', '.join(taken)}")


def _http(facts: ScanFacts) -> Iterator[str]:
    web = facts.web
    if isinstance(facts.name, IPName):
        sent = f"   sent: {web.hsts_text}" if web.hsts_text is not None else ""
        yield from lines(None, "HSTS", f"{NOT_FOR_ADDRESSES}{sent}")
    elif web.hsts.is_unknown:
        yield from lines("quiet", "HSTS", f"unknown   {web.hsts.reason}")
    else:
        tone: Tone = "good" if web.policy is not None and web.policy.max_age_s else "note"
        text = web.hsts_text if web.hsts_text is not None else "not requested"
        yield from lines(tone, "HSTS", text if web.hsts_fault is None else f"ignored by browsers   {text}")
    yield from _observatory(facts)
    if web.downgrade is not None:
        yield from lines("bad", "https", f"redirects to {web.downgrade}")
    if web.http_closed:
        yield line("good", "plain HTTP", f"port {web.http_port} is closed")
    elif web.redirect.is_yes:
        yield from lines("good", "plain HTTP", f"port {web.http_port} redirects to {web.location}")
    else:
        tone = "quiet" if web.redirect.is_unknown else "note"
        text = f"unknown   {web.redirect.reason}" if web.redirect.is_unknown else web.redirect.reason
        yield from lines(tone, "plain HTTP", text)
