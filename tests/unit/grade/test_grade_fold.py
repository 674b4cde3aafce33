"""From findings to a letter: caps, doubts, T and M, the next step, and the document."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.cli.scan_text import report_lines
from port443.core.grade.baseline import Letter
from port443.core.grade.catalogue import RULES
from port443.core.grade.document import http_document, report_document, scan_document
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Finding, Grade, Judgement, grade, judge
from port443.core.grade.hsts import HSTSFault, HSTSPolicy, parse_hsts, read_web
from port443.core.grade.post_quantum import post_quantum
from port443.core.grade.remedies import CHAIN_IN_ORDER, MODERN_VERSIONS, STRONG_KEY, STRONG_PRIMES
from port443.core.grade.report import Failure, Report, ScanTarget
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, HostName, IPName
from port443.core.probe.facts import Choice, GroupFacts, VersionFacts
from port443.core.probe.failures import ConnectRefused, ConnectTimedOut, HostSilent
from port443.core.probe.http import HTTPAnswer
from port443.core.probe.verdict import YES, Standing, Verdict, no
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.core.x509.extensions import AltNames, Extensions
from port443.core.x509.facts import KeyFacts
from scan_facts import (
    GOOD_SERVER,
    GOOD_WEB,
    HIDDEN,
    chain_of,
    good,
    leaf,
    only,
    version,
    with_fault,
    with_version,
    with_web,
)

SCHEMA = json.loads((Path(__file__).parents[3] / "contract" / "scan.schema.json").read_text())
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def graded(facts: ScanFacts) -> Grade:
    return grade(judge(RULES, facts), facts, SSL_LABS_2009R)


def test_nothing_wrong_and_hsts_is_an_a_plus() -> None:
    """Full points, no cap, no step left."""
    found = graded(good())
    assert (found.letter, found.at_best, found.caps, found.next_step) == (Letter.A_PLUS, False, (), None)
    assert found.scores is not None
    assert found.scores.total == 100 - 40 * 10 // 100  # AES-128 beside AES-256


def hsts_of(seconds: int) -> ScanFacts:
    return with_web(replace(GOOD_WEB, policy=HSTSPolicy(seconds, include_subdomains=True, preload=False)))


NO_TLS_1_3 = replace(only(version(Version.TLS_1_2, 0xC02B)).server, groups_13=GroupFacts())
PQ_LEAF = replace(leaf().facts, key=KeyFacts("other", 0, algorithm="ML-DSA-65"))
PQ_CHAIN = replace(chain_of(leaf().facts), verdict=replace(chain_of(leaf().facts).verdict, path=(PQ_LEAF,)))
LETTERS = {
    "no hsts": (with_web(replace(GOOD_WEB, hsts=no(), hsts_text=None, policy=None)), Letter.A),
    "short hsts": (hsts_of(86400), Letter.A),
    "hsts switched off": (hsts_of(0), Letter.A_MINUS),
    "rc4 only": (only(version(Version.TLS_1_2, 0xC011, 0x0005)), Letter.F),
    "rc4 with tls 1.0": (with_version(version(Version.TLS_1_0, 0xC011)), Letter.B),
    "insecure renegotiation": (
        replace(good(), server=replace(GOOD_SERVER, insecure_renegotiation=YES)),
        Letter.F,
    ),
    "forward secrecy last": (with_version(version(Version.TLS_1_2, 0x009C, 0xC02B)), Letter.B),
    "aead last": (with_version(version(Version.TLS_1_2, 0xC009, 0xC02B)), Letter.B),
    "no tls 1.3": (only(version(Version.TLS_1_2, 0xC02B)), Letter.A_MINUS),
    "tls 1.1": (with_version(version(Version.TLS_1_1, 0xC013)), Letter.B),
    "no forward secrecy": (only(version(Version.TLS_1_2, 0x009C)), Letter.B),
    "3des": (with_version(version(Version.TLS_1_2, 0x000A)), Letter.C),
    "compression": (replace(good(), server=replace(GOOD_SERVER, compression=YES)), Letter.C),
    "3des last": (with_version(version(Version.TLS_1_2, 0xC02B, 0x000A)), None),
    "cbc with tls 1.2": (with_version(version(Version.TLS_1_2, 0xC02B, 0xC009)), None),
    "dh 1024": (
        with_version(replace(version(Version.TLS_1_2), choices=(Choice(0x009E, prime_bits=1024),))),
        Letter.B,
    ),
    "dh 512": (
        with_version(replace(version(Version.TLS_1_2), choices=(Choice(0x009E, prime_bits=512),))),
        Letter.F,
    ),
    "ssl 3 only": (only(version(Version.SSL_3, 0x002F)), Letter.F),
    "tls 1.0 only": (only(version(Version.TLS_1_0, 0xC013)), Letter.C),
    "ssl 2": (with_version(VersionFacts(Version.SSL_2, YES)), Letter.F),
    "anonymous": (with_version(version(Version.TLS_1_2, 0x0034)), Letter.F),
    "null": (with_version(version(Version.TLS_1_2, 0x003B)), Letter.F),
    "expired": (with_fault(ChainFault.EXPIRED), Letter.T),
    "wrong name": (replace(good(), name=HostName("other.test")), Letter.M),
    "wrong name and expired": (replace(with_fault(ChainFault.EXPIRED), name=HostName("o.test")), Letter.T),
    "incomplete": (with_fault(ChainFault.INCOMPLETE), Letter.B),
}


@pytest.mark.parametrize("what", LETTERS)
def test_a_fault_costs_what_the_baseline_says(what: str) -> None:
    """Each fault brings its letter, and the reason stands among the caps."""
    facts, letter = LETTERS[what]
    found = graded(facts)
    assert found.letter is (letter or Letter.A_PLUS)
    assert letter is None or found.caps[0].letter is letter


def test_a_t_tells_what_would_be_without_it() -> None:
    """Trust aside, the same server is an A+, and mending the chain leads there."""
    found = graded(with_fault(ChainFault.UNTRUSTED_ROOT))
    assert found.if_trusted is Letter.A_PLUS
    assert found.next_step is not None
    assert (found.next_step.letter, found.next_step.rules) == (Letter.A_PLUS, ("P443-CERT-004",))


def test_to_ask_for_https_is_the_step_to_the_plus() -> None:
    """When HSTS is all that lacks, what it leads to is the best letter, as the guide has it."""
    step = graded(LETTERS["no hsts"][0]).next_step
    assert step is not None
    assert (step.letter, step.rules) == (Letter.A_PLUS, ("P443-HTTP-001",))


def test_an_address_never_gets_a_plus() -> None:
    """Browsers keep no HSTS for it, and no rule asks for any."""
    facts = replace(
        with_web(replace(GOOD_WEB, hsts=no(), hsts_text=None, policy=None)), name=IPName("192.0.2.1")
    )
    found = graded(facts)
    assert "P443-HTTP-001" not in {cap.rule for cap in found.caps}
    assert found.if_trusted is Letter.A
    assert [(cap.letter, cap.rule) for cap in found.caps][-1] == (Letter.A, "address")
    assert "RFC 6797 §8.1.1" in found.caps[-1].reason


def test_an_address_shows_no_good_hsts() -> None:
    """The report says that browsers keep none, the document that it does not hold; an A leads nowhere."""
    covered = replace(leaf().facts, extensions=Extensions(alt_names=AltNames((IPName("192.0.2.1"),))))
    facts = replace(good(), name=IPName("192.0.2.1"), chains=(chain_of(covered),))
    found = graded(facts)
    assert (found.letter, found.next_step) == (Letter.A, None)
    made = Report(
        ScanTarget(facts.name), Endpoint("192.0.2.1", 443), (), (), NOW, 0.5, 40, facts, judge(RULES, facts),
        found,
    )  # fmt: skip
    said = next(line for line in report_lines(made) if "HSTS" in line)
    assert said.startswith("  HSTS       browsers keep no HSTS for an address")
    hsts = report_document(made)["http"]["hsts"]  # type: ignore[index,call-overload]
    assert hsts["present"] == "no"  # type: ignore[index,call-overload]
    jsonschema.validate(scan_document([(made, 0)], "0.1.0", NOW), SCHEMA)


def test_the_next_step_names_all_that_holds_the_letter() -> None:
    """Two caps of the same letter must both be mended; a third, milder one comes later."""
    facts = with_version(version(Version.TLS_1_1, 0xC013))
    facts = replace(facts, web=replace(GOOD_WEB, hsts=no(), hsts_text=None, policy=None))
    versions = tuple(
        version(Version.TLS_1_0, 0xC013) if one.version is Version.TLS_1_0 else one
        for one in facts.server.versions
    )
    found = graded(replace(facts, server=replace(facts.server, versions=versions)))
    assert found.next_step is not None
    assert set(found.next_step.rules) == {"P443-TLS-003", "P443-TLS-004"}
    assert found.next_step.letter is Letter.A


def test_the_cheapest_remedy_comes_first() -> None:
    """A line of the settings before a certificate; the letter needs both, and points lead to their cause."""
    old = with_version(version(Version.TLS_1_0, 0xC013)).server
    facts = replace(with_fault(ChainFault.INCOMPLETE), server=old)
    weak = replace(leaf().facts, key=replace(leaf().facts.key, kind="rsa", bits=1024))
    step = graded(replace(facts, chains=(*facts.chains, chain_of(weak)))).next_step
    assert step is not None
    assert set(step.remedies[:-1]) == {MODERN_VERSIONS, CHAIN_IN_ORDER}
    assert step.remedies[-1] is STRONG_KEY
    short = graded(LETTERS["dh 512"][0]).next_step
    assert short is not None
    assert short.remedies == (STRONG_PRIMES,)


def with_groups(verdict: Verdict) -> ScanFacts:
    return replace(good(), server=replace(GOOD_SERVER, groups_13=GroupFacts((29,), verdict)))


SAFE, OPEN, HIDES = Standing.YES, Standing.NO, Standing.UNKNOWN
QUANTUM = {
    "hybrid": (good(), SAFE, OPEN),
    "classical": (with_groups(YES), OPEN, OPEN),
    "hidden": (with_groups(HIDDEN), HIDES, OPEN),
    "TLS 1.2": (replace(only(version(Version.TLS_1_2, 0xC02B)), server=NO_TLS_1_3), OPEN, OPEN),
    "no chain": (replace(good(), chains=()), SAFE, HIDES),
    "both": (replace(good(), chains=(PQ_CHAIN,)), SAFE, SAFE),
}


@pytest.mark.parametrize("what", QUANTUM)
def test_post_quantum_is_two_questions(what: str) -> None:
    """A hybrid group says nothing of the certificate, nor the other way round."""
    facts, key_exchange, authentication = QUANTUM[what]
    found = post_quantum(facts)
    assert (found.key_exchange.standing, found.authentication.standing) == (key_exchange, authentication)


def test_a_doubt_that_could_cost_more_makes_the_grade_an_upper_bound() -> None:
    """TLS 1.0 unknown: an A+ at best, and the rule that doubts is named."""
    found = graded(with_version(VersionFacts(Version.TLS_1_0, HIDDEN)))
    assert (found.letter, found.at_best) == (Letter.A_PLUS, True)
    assert "P443-TLS-003" in found.doubts


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (with_web(replace(GOOD_WEB, hsts=HIDDEN, policy=None)), "P443-HTTP-001"),
        (replace(good(), server=replace(GOOD_SERVER, groups_12=GroupFacts((), HIDDEN))), "P443-TLS-025"),
        (replace(good(), server=replace(GOOD_SERVER, groups_13=GroupFacts((29,), HIDDEN))), "P443-TLS-025"),
    ],
)
def test_the_best_letter_takes_every_doubt_at_its_best(facts: ScanFacts, rule: str) -> None:
    """HSTS unseen may be right, and so may curves: an A+ at best, neither an A nor a sure A+."""
    found = graded(facts)
    assert (found.letter, found.at_best) == (Letter.A_PLUS, True)
    assert rule in found.doubts


def chosen_with(which: Version, code: int, group: int) -> ScanFacts:
    """Let a suite be chosen with a group, and no look for groups succeed."""
    facts = with_version(VersionFacts(which, YES, (Choice(code, group=group),), YES))
    return replace(facts, server=replace(facts.server, groups_12=GroupFacts(), groups_13=GroupFacts()))


@pytest.mark.parametrize(
    ("which", "code", "group", "points", "is_weak"),
    [
        (Version.TLS_1_2, 0xC02B, 15, 80, True),  # secp160k1
        (Version.TLS_1_2, 0xC02B, 19, 90, True),  # secp192r1
        (Version.TLS_1_2, 0xC02B, 29, 100, False),
        (Version.TLS_1_3, 0x1302, 256, 90, False),  # ffdhe2048
        (Version.TLS_1_3, 0x1302, 258, 100, False),  # ffdhe4096
    ],
)
def test_groups_of_chosen_suites_count(
    *, which: Version, code: int, group: int, points: int, is_weak: bool
) -> None:
    """A group seen with a suite is scored and judged like one that was looked for."""
    facts = chosen_with(which, code, group)
    scores = graded(facts).scores
    assert scores is not None
    assert scores.key_exchange == points
    assert ("P443-TLS-025" in judge(RULES, facts).ids) == is_weak


def test_a_doubt_below_the_letter_changes_nothing() -> None:
    """An F stays an F, whatever else is unknown."""
    facts = with_version(version(Version.TLS_1_2, 0x0034))
    found = graded(replace(facts, web=replace(GOOD_WEB, hsts=HIDDEN, policy=None)))
    assert (found.letter, found.at_best) == (Letter.F, False)


@pytest.mark.parametrize(
    "facts",
    [
        replace(good(), chains=()),
        replace(good(), chains=(), unreadable_chain="this is no certificate"),
        only(VersionFacts(Version.TLS_1_3, HIDDEN)),
        only(version(Version.TLS_1_3)),
    ],
)
def test_a_grade_without_a_ground_is_withheld(facts: ScanFacts) -> None:
    """No certificate, no version or no suite: no letter, and the reason."""
    found = graded(facts)
    assert found.letter is None
    assert found.withheld


def test_every_clause_of_the_guide_has_a_rule_or_a_reason() -> None:
    """The table names no id that does not exist, and says for each sentence where it was read."""
    for clause in SSL_LABS_2009R.clauses:
        assert set(clause.rules) <= {rule.id for rule in RULES}, clause.text
        assert not (clause.rules and clause.unseen)
        assert clause.effect is None or clause.rules
        assert clause.source.title
    assert SSL_LABS_2009R.is_secondary
    assert SSL_LABS_2009R.effect("P443-TLS-017") is None  # BEAST, since 2009d


ids = st.sets(st.sampled_from(sorted(rule.id for rule in RULES)), max_size=6)


def with_findings(named: set[str]) -> Judgement:
    found = tuple(Finding(rule.id, rule.severity, rule.title, "seen") for rule in RULES if rule.id in named)
    return Judgement(found, (), len(RULES))


@given(ids, ids)
def test_one_more_finding_never_makes_a_better_letter(some: set[str], more: set[str]) -> None:
    """The letter only falls, and the next step always leads to a better one."""
    before = grade(with_findings(some), good(), SSL_LABS_2009R)
    after = grade(with_findings(some | more), good(), SSL_LABS_2009R)
    assert before.letter is not None
    assert after.letter is not None
    assert after.letter.rank >= before.letter.rank
    for found in (before, after):
        assert found.next_step is None or found.next_step.letter.rank < found.letter.rank  # type: ignore[union-attr]


HSTS = {
    "max-age=31536000": HSTSPolicy(31536000, include_subdomains=False, preload=False),
    'Max-Age="600" ; includeSubDomains; PRELOAD;': HSTSPolicy(600, include_subdomains=True, preload=True),
    "includeSubDomains; max-age=0": HSTSPolicy(0, include_subdomains=True, preload=False),
    ";; max-age = 7 ;;": HSTSPolicy(7, include_subdomains=False, preload=False),
    'max-age="\\1\\0"': HSTSPolicy(10, include_subdomains=False, preload=False),
    'x="a;max-age=1;\\"b"; y; z=1; max-age=5': HSTSPolicy(5, include_subdomains=False, preload=False),
    "max-age=8; preload=1": HSTSPolicy(8, include_subdomains=False, preload=False),
    "max-age=00000000000000000000000000000012": HSTSPolicy(12, include_subdomains=False, preload=False),
    "max-age=" + "9" * 5000: HSTSPolicy(10**18 - 1, include_subdomains=False, preload=False),
    "; ".join([f"x{n}" for n in range(100)] + ["max-age=3"]): HSTSPolicy(
        3, include_subdomains=False, preload=False
    ),
}
BROKEN_HSTS = {
    "max-age=1; max-age=2": "duplicate",
    "max-age=1; x; X": "duplicate",
    "max-age=1; includeSubDomains; includeSubDomains": "duplicate",
    "max-age=-1": "no number",
    "max-age=1.5": "no number",
    'max-age=" 1"': "no number",
    "max-age=\u0661": "no directive",
    "max-age=": "no directive",
    "max-age": "no number",
    "": "missing",
    ";": "missing",
    "preload": "missing",
    "max-age=1; includeSubDomains=true": "has a value",
    'max-age=1; includeSubDomains=""': "has a value",
    'max-age="1': "no directive",
    'max-age=1; x="a; includeSubDomains': "no directive",
    'max-age=1; x="a"b': "no directive",
    "max-age=1, includeSubDomains": "no directive",
    "max-age=1 includeSubDomains": "no directive",
    "max-age=1; =x": "no directive",
    "max-age=1; in(clude": "no directive",
    "max-age: 1": "no directive",
    '"max-age"=1': "no directive",
    "max-age=1\r; x": "no directive",
}


@pytest.mark.parametrize("text", HSTS, ids=range(len(HSTS)))
def test_hsts_is_read_as_browsers_do(text: str) -> None:
    """RFC 6797 §6.1: names without case, quoted values, what is not known passed over."""
    assert parse_hsts(text) == HSTS[text]


@pytest.mark.parametrize("text", BROKEN_HSTS)
def test_broken_hsts_costs_more_than_none(text: str) -> None:
    """A field that breaks the grammar is ignored whole, the reason is told; by the guide it costs more."""
    answer = HTTPAnswer(200, (("strict-transport-security", text),))
    web = replace(
        read_web(HostName("site.test"), answer, ConnectRefused("nobody")), redirect=GOOD_WEB.redirect
    )
    assert web.policy is None
    assert BROKEN_HSTS[text] in (web.hsts_fault or "")
    assert graded(with_web(web)).letter is Letter.A_MINUS
    assert graded(with_web(replace(web, hsts=no("none"), hsts_fault=None))).letter is Letter.A
    hsts = http_document(with_web(web))["hsts"]
    assert hsts["present"] == "no"  # type: ignore[index,call-overload]
    assert BROKEN_HSTS[text] in hsts["reason"]  # type: ignore[index,call-overload,operator]


def test_only_the_first_of_two_hsts_fields_counts() -> None:
    """A good field does not mend a broken one before it, nor a broken one spoil it (RFC 6797 §8.1)."""
    good_one, bad_one = (("strict-transport-security", text) for text in ("max-age=9", "max-age"))
    for fields, age in (((good_one, bad_one), 9), ((bad_one, good_one), None)):
        web = read_web(HostName("a.test"), HTTPAnswer(200, fields), ConnectRefused("nobody"))
        assert (None if web.policy is None else web.policy.max_age_s) == age
        assert web.hsts_others == (fields[1][1],)
        assert "P443-HTTP-007" in judge(RULES, with_web(web)).ids


def test_the_same_hsts_field_twice_contradicts_nothing() -> None:
    """Whichever counts, the policy is the same."""
    fields = (("strict-transport-security", "max-age=9"),) * 2
    web = read_web(HostName("a.test"), HTTPAnswer(200, fields), ConnectRefused("nobody"))
    assert (web.hsts_text, web.hsts_others) == ("max-age=9", ())


DOWNGRADES = {
    "http://site.test:8080/": (True, True),
    "HTTP://site.test:8080": (True, True),
    "http://site.test/": (True, False),
    "http://else.test:8080/": (True, False),
    "https://site.test/": (False, False),
    "/a": (False, False),
}


@pytest.mark.parametrize("location", DOWNGRADES)
def test_https_must_not_lead_back_to_http(location: str) -> None:
    """A page in clear costs the A; with the redirect of plain HTTP it is a loop, and is told as one."""
    is_found, is_loop = DOWNGRADES[location]
    fields = (("strict-transport-security", "max-age=31536000"), ("location", location))
    back = HTTPAnswer(301, (("location", "https://site.test/"),))
    facts = with_web(read_web(HostName("site.test"), HTTPAnswer(301, fields), back, (443, 8080)))
    assert ("P443-HTTP-006" in judge(RULES, facts).ids, facts.web.is_loop) == (is_found, is_loop)
    assert (graded(facts).letter is Letter.B) == is_found
    evidence = " ".join(one.evidence for one in judge(RULES, facts).findings)
    assert ("port 8080 leads back: an endless loop" in evidence) == is_loop


@given(st.text(max_size=200) | st.text('max-age=12;", \\ ', max_size=60))
def test_any_hsts_is_read_or_refused(text: str) -> None:
    """No value of the field raises."""
    found = parse_hsts(text)
    assert found.reason if isinstance(found, HSTSFault) else found.max_age_s >= 0


LOCATIONS = {
    "https://site.test": Standing.YES,
    "HTTPS://SITE.test:443/a?b#c": Standing.YES,
    "http://site.test/": Standing.NO,
    "https://www.site.test/": Standing.NO,
    "https://site.test@evil.test/": Standing.NO,
    "/relative": Standing.NO,
    "//site.test/": Standing.NO,
    "https://site.test./": Standing.YES,
    "https://user:word@site.test/": Standing.YES,
    "https://": Standing.NO,
    "https:///a": Standing.NO,
    "https:site.test": Standing.NO,
    "https://site.test\\@evil.test/": Standing.NO,
    "https://evil.test\\@site.test/": Standing.NO,
    "https://si te.test/": Standing.NO,
    "": Standing.NO,
    "https://site.test:99999/": Standing.NO,
    "https://site.test:0/": Standing.NO,
    "https://site.test:1/": Standing.UNKNOWN,
    "https://site.test:/": Standing.YES,
}
WHY_NOT = {
    "//site.test/": "no scheme, so that it stays http",
    "https:///a": "names no host",
    "https:site.test": "names no host",
    "/a": "a path on the same port",
    "http://site.test/": "not https",
    "https://site.test:99999/": "ports are 1 to 65535",
    "https://site.test:1/": "port 1 was not scanned",
}


@pytest.mark.parametrize("location", WHY_NOT)
def test_a_bad_redirect_is_told_by_port_and_cause(location: str) -> None:
    """The port that was asked, and what is wrong with where it leads."""
    moved = HTTPAnswer(301, (("location", location),))
    reason = read_web(HostName("site.test"), HTTPAnswer(200, ()), moved, (443, 8080)).redirect.reason
    assert reason.startswith("port 8080 redirects to")
    assert WHY_NOT[location] in reason


@pytest.mark.parametrize("status", [403, 404, 426, 500])
def test_an_error_is_no_site_in_clear(status: int) -> None:
    """What refuses shows nothing in clear."""
    web = read_web(HostName("site.test"), HTTPAnswer(200, ()), HTTPAnswer(status, ()), (443, 8080))
    assert web.redirect.reason.startswith(f"port 8080 answers {status}, an error: no site in clear")


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_leads_to_https_on_the_same_host(location: str) -> None:
    """Anything else is none, and a user name before an @ fools nobody."""
    moved = HTTPAnswer(301, (("location", location),))
    web = read_web(HostName("site.test"), HTTPAnswer(200, ()), moved)
    assert web.redirect.standing is LOCATIONS[location]


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("status", [*REDIRECTS, 200, 201, 300, 304, 305, 306, 309, 399, 404])
def test_only_five_statuses_redirect(status: int) -> None:
    """A Location beside any other one leads nobody anywhere (RFC 9110 §15.4)."""
    moved = HTTPAnswer(status, (("location", "https://site.test/"),))
    web = read_web(HostName("site.test"), HTTPAnswer(200, ()), moved)
    assert web.redirect.is_yes == (status in REDIRECTS)
    words = "an error" if status >= 400 else "in clear, which is no redirect"
    assert web.redirect.is_yes or words in web.redirect.reason


@pytest.mark.parametrize(
    ("locations", "words"), [((), "no Location"), (("https://a.test/", "https://b.test/"), "2 different")]
)
def test_a_redirect_has_one_location(locations: tuple[str, ...], words: str) -> None:
    """None, and several that differ, are an error in browsers; the same twice is not."""
    for fields, is_yes in ((locations, False), (("https://a.test/",) * 2, True)):
        moved = HTTPAnswer(302, tuple(("location", text) for text in fields))
        web = read_web(HostName("a.test"), HTTPAnswer(200, ()), moved)
        assert web.redirect.is_yes == is_yes
        assert is_yes or words in web.redirect.reason


def test_a_redirect_to_an_address_is_read_with_its_brackets() -> None:
    """IPv6 hosts stand in brackets in a URL."""
    moved = HTTPAnswer(301, (("location", "https://[::1]:8443/"),))
    assert read_web(IPName("::1"), HTTPAnswer(200, ()), moved, (8443, 80)).redirect.is_yes


def test_errors_in_place_of_answers_are_told_apart() -> None:
    """A refused port 80 is closed; a silent one is unknown; so is HSTS without an answer."""
    closed = read_web(HostName("a.test"), HTTPAnswer(200, ()), ConnectRefused("nobody"))
    quiet = read_web(HostName("a.test"), ConnectTimedOut("slow"), ConnectTimedOut("slow"))
    assert (closed.http_closed, quiet.http_closed) == (True, False)
    assert (quiet.redirect.is_unknown, quiet.hsts.is_unknown) == (True, True)


@pytest.mark.parametrize("what", [*LETTERS, "withheld"])
def test_every_document_keeps_the_schema(what: str) -> None:
    """Reports of all kinds and failures, side by side in one run."""
    facts = replace(good(), chains=()) if what == "withheld" else LETTERS[what][0]
    target, endpoint = ScanTarget(HostName("site.test")), Endpoint("192.0.2.1", 443)
    judgement = judge(RULES, facts)
    report = Report(
        target, endpoint, (Endpoint("192.0.2.2", 443),), (), NOW, 0.5, 40, facts, judgement,
        grade(judgement, facts, SSL_LABS_2009R),
    )  # fmt: skip
    failure = Failure(target, NOW, HostSilent("site.test answers no TLS", "try again"))
    document = scan_document([(report, 1), (failure, 3)], "0.1.0", NOW)
    jsonschema.validate(document, SCHEMA)
    assert json.loads(json.dumps(document)) == document


def test_letters_are_read_as_people_write_them() -> None:
    """Case and spaces do not matter; what is no letter is refused."""
    assert Letter.parse(" a+ ") is Letter.A_PLUS
    with pytest.raises(ValueError, match="Z"):
        Letter.parse("Z")
