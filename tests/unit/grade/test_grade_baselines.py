"""Baselines: every requirement has what judges it, and each judge a server for each answer."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest

from pki import NOW
from port443.cli.baseline_lines import assessment_lines, baseline_page
from port443.cli.explain import all_pages
from port443.core.grade.baselines import BASELINES, find_baseline
from port443.core.grade.catalogue import RULES
from port443.core.grade.document import scan_document
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.hsts import HSTSPolicy
from port443.core.grade.report import Report, ScanTarget
from port443.core.grade.requirement import (
    Assessment,
    Baseline,
    GroupsOnly,
    HasTrait,
    HSTSAtLeast,
    Judge,
    KeysOnly,
    Level,
    LivesAtMost,
    NoFinding,
    SignaturesOnly,
    Standing,
    Stapled,
    SuiteOrder,
    SuitesOnly,
    Unseen,
    VersionsOnly,
    assess,
)
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, IPName
from port443.core.probe.facts import GroupFacts, Trait, VersionFacts
from port443.core.probe.verdict import YES, Verdict, no
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.settings.scan_request import PolicyUnknown, read_policies
from scan_facts import (
    GOOD_SERVER,
    GOOD_WEB,
    HIDDEN,
    NAME,
    chain_of,
    good,
    leaf,
    only,
    version,
    with_fault,
    with_leaf,
    with_version,
    with_web,
)

SCHEMA = json.loads((Path(__file__).parents[3] / "contract" / "scan.schema.json").read_text())
RULE_IDS = {rule.id for rule in RULES}
MODERN, BOTH = frozenset({Version.TLS_1_3}), frozenset({Version.TLS_1_2, Version.TLS_1_3})
GROUPS = frozenset({"x25519", "X25519MLKEM768"})
SUITE = frozenset({"TLS_AES_128_GCM_SHA256"})


def groups(*codes: int, complete: bool = True) -> ScanFacts:
    found = GroupFacts(codes, YES if complete else HIDDEN)
    return replace(good(), server=replace(GOOD_SERVER, groups_13=found))


def with_ocsp(staple: bytes | None) -> ScanFacts:
    asked = replace(leaf().facts, extensions=replace(leaf().facts.extensions, ocsp_urls=("http://o.test",)))
    chain = chain_of(asked)
    return replace(good(), chains=(replace(chain, served=replace(chain.served, staple=staple)),))


def living(days: int, as_of: date | None = None) -> ScanFacts:
    begin = NOW.replace(year=2026, month=4, day=1, hour=0)
    first = replace(leaf().facts, not_before=begin, not_after=begin + timedelta(days, seconds=-1))
    return replace(with_leaf(first), rules_as_of=as_of)


def policy(seconds: int, *, below: bool = True, preload: bool = False) -> ScanFacts:
    return with_web(replace(GOOD_WEB, policy=HSTSPolicy(seconds, include_subdomains=below, preload=preload)))


def ordered(verdict: Verdict) -> ScanFacts:
    return with_version(replace(version(Version.TLS_1_2, 0xC02B, 0xC02C), own_order=verdict))


def with_trait(verdict: Verdict) -> ScanFacts:
    trait = Trait("extended_master_secret", "extended master secret", verdict)
    return replace(good(), server=replace(GOOD_SERVER, traits=(trait,)))


UNSEEN_HSTS = with_web(replace(GOOD_WEB, hsts=HIDDEN, policy=None))
UNSEEN_CHAIN = replace(good(), chains=())
MET, BROKEN, UNKNOWN, EXEMPT = Standing.MET, Standing.BROKEN, Standing.UNKNOWN, Standing.EXEMPT
CASES: dict[str, tuple[Judge, ScanFacts, Standing]] = {
    "no finding": (NoFinding(("P443-TLS-003",)), good(), MET),
    "a finding": (NoFinding(("P443-TLS-003",)), with_version(version(Version.TLS_1_0, 0xC013)), BROKEN),
    "a doubt": (NoFinding(("P443-TLS-003",)), with_version(VersionFacts(Version.TLS_1_0, HIDDEN)), UNKNOWN),
    "versions": (VersionsOnly(BOTH, BOTH), good(), MET),
    "a version too many": (VersionsOnly(MODERN), good(), BROKEN),
    "a version too few": (VersionsOnly(BOTH, BOTH), only(version(Version.TLS_1_2, 0xC02B)), BROKEN),
    "a version unknown": (VersionsOnly(BOTH), with_version(VersionFacts(Version.SSL_3, HIDDEN)), UNKNOWN),
    "suites": (SuitesOnly(SUITE), only(version(Version.TLS_1_3, 0x1301)), MET),
    "a suite too many": (SuitesOnly(SUITE), good(), BROKEN),
    "suites unknown": (SuitesOnly(SUITE), only(version(Version.TLS_1_3, 0x1301, complete=HIDDEN)), UNKNOWN),
    "groups": (GroupsOnly(GROUPS, GROUPS), good(), MET),
    "a group too many": (GroupsOnly(GROUPS), groups(29, 24), BROKEN),
    "a group too few": (GroupsOnly(GROUPS, GROUPS), groups(29), BROKEN),
    "groups unknown": (GroupsOnly(GROUPS, GROUPS), groups(29, complete=False), UNKNOWN),
    "a key": (KeysOnly(("P-256",)), good(), MET),
    "another key": (KeysOnly(("rsa 2048",)), good(), BROKEN),
    "no key": (KeysOnly(("P-256",)), UNSEEN_CHAIN, UNKNOWN),
    "a signature": (SignaturesOnly(frozenset({"ecdsa-with-SHA256"})), good(), MET),
    "another signature": (SignaturesOnly(frozenset({"sha256WithRSAEncryption"})), good(), BROKEN),
    "no signature": (SignaturesOnly(frozenset()), UNSEEN_CHAIN, UNKNOWN),
    "a lifetime": (LivesAtMost(90), living(90), MET),
    "a long lifetime": (LivesAtMost(90), living(91), BROKEN),
    "no lifetime": (LivesAtMost(90), UNSEEN_CHAIN, UNKNOWN),
    "a lifetime of other days": (LivesAtMost(1, date(2029, 3, 15)), living(90), EXEMPT),
    "a lifetime of days gone by": (LivesAtMost(1, None, date(2020, 1, 1)), living(90), EXEMPT),
    "a lifetime by later rules": (LivesAtMost(47, date(2029, 3, 15)), living(90, date(2029, 3, 15)), BROKEN),
    "hsts": (HSTSAtLeast(100, subdomains=True, preload=True), policy(100, preload=True), MET),
    "short hsts": (HSTSAtLeast(100), policy(99), BROKEN),
    "hsts without subdomains": (HSTSAtLeast(1, subdomains=True), policy(1, below=False), BROKEN),
    "hsts without preload": (HSTSAtLeast(1, preload=True), policy(1), BROKEN),
    "no hsts": (HSTSAtLeast(1), with_web(replace(GOOD_WEB, hsts=no("none"), policy=None)), BROKEN),
    "hsts unknown": (HSTSAtLeast(1), UNSEEN_HSTS, UNKNOWN),
    "an address": (HSTSAtLeast(1), replace(good(), name=IPName("192.0.2.1")), EXEMPT),
    "a staple": (Stapled(), with_ocsp(b"1"), MET),
    "no staple": (Stapled(), with_ocsp(None), BROKEN),
    "no responder": (Stapled(), good(), EXEMPT),
    "staple unknown": (Stapled(), UNSEEN_CHAIN, UNKNOWN),
    "unseen": (Unseen(), good(), Standing.UNSEEN),
    "the client's order": (SuiteOrder(is_own=False), ordered(no("the client's")), MET),
    "the server's order": (SuiteOrder(is_own=False), ordered(YES), BROKEN),
    "not the server's order": (SuiteOrder(is_own=True), ordered(no("the client's")), BROKEN),
    "order unknown": (SuiteOrder(is_own=True), ordered(HIDDEN), UNKNOWN),
    "no order": (SuiteOrder(is_own=True), good(), Standing.UNSEEN),
    "a trait": (HasTrait("extended_master_secret"), with_trait(YES), MET),
    "no trait": (HasTrait("extended_master_secret"), with_trait(no("not answered")), BROKEN),
    "trait unknown": (HasTrait("extended_master_secret"), with_trait(HIDDEN), UNKNOWN),
    "another trait": (HasTrait("sni"), with_trait(YES), Standing.UNSEEN),
}


@pytest.mark.parametrize("what", CASES)
def test_a_requirement_is_met_or_broken_or_unknown(what: str) -> None:
    """Each kind of judge has a server for each answer, and all but "met" have a reason."""
    test, facts, standing = CASES[what]
    demand = replace(BASELINES[0].requirements[0], test=test)
    (result,) = assess(replace(BASELINES[0], requirements=(demand,)), facts, judge(RULES, facts)).results
    assert result.standing is standing
    assert bool(result.reason) == (standing is not MET)


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda one: one.id)
def test_every_requirement_has_what_judges_it(baseline: Baseline) -> None:
    """A rule that exists, something that is looked at, or why nobody can tell; each key once."""
    keys = [one.key for one in baseline.requirements]
    assert len(set(keys)) == len(keys)
    assert baseline.source.address
    for one in baseline.requirements:
        assert one.where
        assert one.test.judged_by
        if isinstance(one.test, NoFinding):
            assert set(one.test.rules) <= RULE_IDS
    page = all_pages()[baseline.id]
    assert page == baseline_page(baseline)
    assert all(f"{key}: " in page for key in keys)


def test_editions_are_found_by_day() -> None:
    """A family means the edition in force; an edition is found whatever the day."""
    newest, before = find_baseline("mozilla:intermediate", date(2026, 5, 1)), date(2026, 4, 5)
    assert newest is not None
    assert newest.version == "6.0"
    older = find_baseline("mozilla-intermediate-5.7", date(2026, 5, 1))
    assert older is not None
    assert find_baseline("Mozilla-Intermediate", before) is older
    assert find_baseline("mozilla-old", date(2026, 5, 1)) is None
    assert find_baseline("bcp195", date(2020, 1, 1)) is None
    assert find_baseline("nothing", before) is None


def assessment(name: str, facts: ScanFacts) -> Assessment:
    baseline = find_baseline(name, date(2026, 5, 1))
    assert baseline is not None
    return assess(baseline, facts, judge(RULES, facts))


def broken(found: Assessment) -> set[str]:
    return {one.requirement.key for one in found.having(Standing.BROKEN)}


def test_a_server_with_nothing_wrong_meets_what_it_was_made_for() -> None:
    """BCP 195 as it is; Mozilla's with HSTS of two years; the preload list with its word in the field."""
    assert assessment("bcp195", good()).standing is MET
    assert broken(assessment("mozilla-intermediate", good())) == {"hsts", "short-lifetime"}
    assert assessment("mozilla-intermediate", policy(63072000)).standing is MET
    assert broken(assessment("mozilla-modern", policy(63072000))) == {
        "versions", "suites", "lifetime", "short-lifetime",
    }  # fmt: skip
    assert broken(assessment("hstspreload", good())) == {"preload"}
    assert assessment("hstspreload", policy(31536000, preload=True)).standing is MET


def test_only_what_must_be_breaks_a_baseline() -> None:
    """CBC in TLS 1.2 should not be; TLS 1.0 must not."""
    cbc = assessment("bcp195", with_version(version(Version.TLS_1_2, 0xC02B, 0xC009)))
    assert (broken(cbc), cbc.standing) == ({"cbc"}, MET)
    facts = with_version(version(Version.TLS_1_2, 0xC02B, 0xC009))
    trait = Trait("encrypt_then_mac", "it is", YES)
    secured = replace(facts, server=replace(facts.server, traits=(*facts.server.traits, trait)))
    assert "cbc" not in broken(assessment("bcp195", secured))
    assert all(one.requirement.level is Level.SHOULD for one in cbc.having(Standing.BROKEN))
    assert assessment("bcp195", with_version(version(Version.TLS_1_0, 0xC013))).standing is BROKEN
    hidden = assessment("bcp195", with_version(VersionFacts(Version.TLS_1_0, HIDDEN)))
    assert hidden.standing is UNKNOWN


def test_lifetimes_are_judged_by_the_rules_of_the_day() -> None:
    """Two hundred days are right in 2026; by the rules of 2029 they are four times too many."""
    today = assessment("ca-browser-forum", living(200))
    later = assessment("ca-browser-forum", living(200, date(2029, 3, 15)))
    assert (today.standing, later.standing) == (MET, BROKEN)
    assert broken(later) == {"lifetime-47"}
    assert len(later.having(Standing.EXEMPT)) == 3
    found = {one.id: one for one in judge(RULES, living(200, date(2029, 3, 15))).findings}
    assert "47 are allowed for one that begins 2029-03-15" in found["P443-CERT-012"].evidence


def test_baselines_stand_in_the_document_and_in_the_text() -> None:
    """What is broken, the sentence, where it stands, and what was seen."""
    facts = with_fault(ChainFault.EXPIRED)
    judgement = judge(RULES, facts)
    report = Report(
        ScanTarget(NAME), Endpoint("192.0.2.1", 443), (), (), NOW, 0.5, 40, facts, judgement,
        grade(judgement, facts, SSL_LABS_2009R),
    )  # fmt: skip
    document = scan_document([(report, 1)], "0.1.0", NOW, BASELINES)
    jsonschema.validate(document, SCHEMA)
    text = "\n".join(assessment_lines([assessment("mozilla-intermediate", facts)]))
    assert "not met" in text
    assert "mozilla-intermediate-6.0" in text
    assert "The chain is trusted and names the host" in text
    assert "P443-CERT-001" in text


@pytest.mark.parametrize(("name", "hint"), [("mozila-modern", "mozilla-modern-"), ("mozilla-old", "old-5.7")])
def test_an_unknown_baseline_is_a_usage_error(name: str, hint: str) -> None:
    """With what was probably meant, or the edition that there is."""
    with pytest.raises(PolicyUnknown) as caught:
        read_policies([name], date(2026, 5, 1))
    assert hint in caught.value.hint
