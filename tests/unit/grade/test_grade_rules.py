"""Every rule: what it finds, where it doubts, that it is silent otherwise, and its page."""

import ast
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import port443.core.grade.rules
from pki import NOW, Order, make
from port443.cli.rules import rule_page
from port443.cli.scan_text import report_lines
from port443.core.grade import remedies
from port443.core.grade.catalogue import RULES
from port443.core.grade.document import scan_document
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.hsts import Hop, HSTSPolicy
from port443.core.grade.remedies import Remedy
from port443.core.grade.report import Report, ScanTarget
from port443.core.grade.rule import Found, Rule, Unsure
from port443.core.grade.rules_document import rules_document
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, IPName
from port443.core.probe.facts import NOT_LOOKED, Choice, GroupFacts, Trait, VersionFacts
from port443.core.probe.failures import words_of
from port443.core.probe.verdict import YES, Standing, Verdict, no
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.core.x509.extensions import AltNames, Extensions
from port443.core.x509.facts import KeyFacts
from port443.core.x509.ocsp import Answer, Revocation
from port443.core.x509.signatures import SignatureFacts
from raw_x509 import rsa_spki
from scan_facts import (
    GOOD_SERVER,
    GOOD_WEB,
    HIDDEN,
    NAME,
    authority,
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

BY_ID = {rule.id: rule for rule in RULES}
Make = Callable[[], ScanFacts]
CBC, STATIC, RC4, TRIPLE_DES, DES, EXPORT, NULL, ANONYMOUS = (
    0xC009, 0x009C, 0xC011, 0x000A, 0x0009, 0x0008, 0x003B, 0x0034,
)  # fmt: skip
GONE = [VersionFacts(v, no("alert protocol_version")) for v in (Version.TLS_1_3, Version.TLS_1_2)]


def server(**spoilt: object) -> ScanFacts:
    return replace(good(), server=replace(GOOD_SERVER, **spoilt))  # type: ignore[arg-type]


def negotiating(name: str, verdict: Verdict) -> ScanFacts:
    return server(traits=(Trait(name, f"what {name} is", verdict),))


def weak_prime() -> ScanFacts:
    weak = replace(version(Version.TLS_1_2), choices=(Choice(0x009E, prime_bits=1024),))
    prime = Trait("dh_prime", "the prime", Verdict(Standing.YES, "Oakley group 2 (RFC 2409), 1024 bits"))
    spoilt = with_version(weak)
    return replace(spoilt, server=replace(spoilt.server, traits=(prime,)))


def stapled(state: Revocation) -> ScanFacts:
    answer = Answer(state, "the responder said so")
    return replace(good(), chains=(replace(chain_of(leaf().facts), staple=answer),))


def without_timestamps() -> ScanFacts:
    chain = chain_of(leaf().facts)
    bare = replace(chain.leaf, extensions=replace(chain.leaf.extensions, has_scts=False))
    return replace(good(), chains=(replace(chain, verdict=replace(chain.verdict, sent=(bare,))),))


def proved(verdict: bool | None) -> ScanFacts:  # noqa: FBT001
    chain = chain_of(leaf().facts)
    return replace(good(), chains=(replace(chain, served=replace(chain.served, key_proved=verdict)),))


def ordered(**spoilt: object) -> ScanFacts:
    order = replace(Order("leaf", by=authority(), names=(NAME.text,)), **spoilt)  # type: ignore[arg-type]
    return with_leaf(make(order).facts)


def signed(name: str, digest: str | None) -> ScanFacts:
    return with_leaf(replace(leaf().facts, signature=SignatureFacts(name, digest)))


def answering(*fields: tuple[str, str]) -> ScanFacts:
    return with_web(replace(GOOD_WEB, fields=fields))


FOUND: dict[str, Make] = {
    "P443-TLS-001": lambda: with_version(VersionFacts(Version.SSL_2, YES)),
    "P443-TLS-002": lambda: with_version(version(Version.SSL_3, STATIC)),
    "P443-TLS-003": lambda: with_version(version(Version.TLS_1_0, STATIC)),
    "P443-TLS-004": lambda: with_version(version(Version.TLS_1_1, STATIC)),
    "P443-TLS-005": lambda: only(version(Version.TLS_1_1, CBC)),
    "P443-TLS-006": lambda: only(version(Version.TLS_1_2, 0xC02B)),
    "P443-TLS-007": lambda: with_version(version(Version.TLS_1_2, NULL)),
    "P443-TLS-008": lambda: with_version(version(Version.TLS_1_2, ANONYMOUS)),
    "P443-TLS-009": lambda: with_version(version(Version.TLS_1_0, EXPORT)),
    "P443-TLS-010": lambda: with_version(version(Version.TLS_1_0, DES)),
    "P443-TLS-011": lambda: with_version(version(Version.TLS_1_0, RC4)),
    "P443-TLS-012": lambda: with_version(version(Version.TLS_1_2, RC4)),
    "P443-TLS-013": lambda: with_version(version(Version.TLS_1_2, TRIPLE_DES)),
    "P443-TLS-014": lambda: only(version(Version.TLS_1_2, CBC)),
    "P443-TLS-015": lambda: only(version(Version.TLS_1_2, STATIC)),
    "P443-TLS-016": lambda: with_version(version(Version.TLS_1_2, 0xC02B, STATIC)),
    "P443-TLS-017": lambda: with_version(version(Version.TLS_1_0, CBC)),
    "P443-TLS-018": lambda: server(compression=YES),
    "P443-TLS-019": lambda: server(secure_renegotiation=no("renegotiation_info is not answered")),
    "P443-TLS-020": lambda: with_version(
        replace(version(Version.TLS_1_2), choices=(Choice(0x009E, prime_bits=1024),))
    ),
    "P443-TLS-021": lambda: server(groups_13=GroupFacts((29,), YES)),
    "P443-TLS-022": lambda: with_version(version(Version.TLS_1_2, CBC)),
    "P443-TLS-023": lambda: with_version(version(Version.SSL_3, CBC)),
    "P443-TLS-024": lambda: proved(False),  # noqa: FBT003
    "P443-TLS-025": lambda: server(groups_12=GroupFacts((29, 19), YES)),
    "P443-TLS-026": lambda: only(version(Version.SSL_3, STATIC)),
    "P443-TLS-027": lambda: only(version(Version.TLS_1_3, 0x1305)),  # CCM_8
    "P443-TLS-028": lambda: only(version(Version.TLS_1_2, 0x009C)),
    "P443-TLS-029": lambda: with_version(
        replace(version(Version.TLS_1_2), choices=(Choice(0xC02F, scheme=0x0201),))
    ),
    "P443-TLS-030": lambda: only(version(Version.TLS_1_2, RC4, 0x0005)),
    "P443-TLS-031": lambda: with_version(version(Version.TLS_1_2, STATIC, 0xC02B)),
    "P443-TLS-032": lambda: with_version(version(Version.TLS_1_2, CBC, 0xC02B)),
    "P443-TLS-033": lambda: server(insecure_renegotiation=YES),
    "P443-TLS-034": lambda: with_version(version(Version.TLS_1_1, TRIPLE_DES, 0xC013)),
    "P443-TLS-035": lambda: with_version(version(Version.TLS_1_2, 0xC02B, 0x009E)),
    "P443-TLS-036": lambda: negotiating("client_renegotiation", YES),
    "P443-TLS-037": lambda: negotiating("early_data_post", YES),
    "P443-TLS-038": lambda: negotiating("psk_lifetime", Verdict(Standing.YES, "604801 s")),
    "P443-TLS-039": lambda: negotiating("http2", no("nothing came")),
    "P443-TLS-040": lambda: server(groups_13=GroupFacts((29, 256), YES)),
    "P443-TLS-041": weak_prime,
    "P443-HTTP-013": answering,
    "P443-HTTP-014": answering,
    "P443-HTTP-015": answering,
    "P443-HTTP-016": lambda: with_web(replace(GOOD_WEB, shares_with_all=True)),
    "P443-HTTP-017": lambda: with_web(
        replace(GOOD_WEB, body=b"<script src=https://cdn.example/a.js></script>")
    ),
    "P443-HTTP-018": lambda: answering(("set-cookie", "session=1; Secure")),
    "P443-HTTP-019": lambda: answering(("content-encoding", "gzip")),
    "P443-HTTP-020": lambda: with_web(replace(GOOD_WEB, hops=(Hop("http://a/", 301), Hop("http://a/", 0)))),
    "P443-CERT-022": lambda: stapled(Revocation.REVOKED),
    "P443-CERT-023": lambda: stapled(Revocation.INVALID),
    "P443-CERT-024": without_timestamps,
    "P443-CERT-001": lambda: with_fault(ChainFault.EXPIRED),
    "P443-CERT-002": lambda: with_fault(ChainFault.NOT_YET_VALID),
    "P443-CERT-003": lambda: with_fault(ChainFault.SELF_SIGNED),
    "P443-CERT-004": lambda: with_fault(ChainFault.UNTRUSTED_ROOT),
    "P443-CERT-005": lambda: with_fault(ChainFault.INCOMPLETE),
    "P443-CERT-006": lambda: with_fault(ChainFault.OUT_OF_ORDER),
    "P443-CERT-007": lambda: ordered(names=("other.test", "*.sub.site.test")),
    "P443-CERT-008": lambda: ordered(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - the fault under test
    "P443-CERT-009": lambda: signed("ecdsa-with-SHA1", "sha1"),
    "P443-CERT-010": lambda: signed("md5WithRSAEncryption", "md5"),
    "P443-CERT-011": lambda: ordered(not_before=NOW - timedelta(90), not_after=NOW + timedelta(10)),
    "P443-CERT-012": lambda: ordered(not_after=NOW + timedelta(400)),
    "P443-CERT-013": lambda: ordered(names=()),
    "P443-CERT-014": lambda: with_fault(ChainFault.ROOT_SENT),
    "P443-CERT-015": lambda: with_fault(ChainFault.USAGE_WRONG),
    "P443-CERT-016": lambda: with_leaf(replace(leaf().facts, flaws=("the subject cannot be read",))),
    "P443-CERT-018": lambda: with_fault(ChainFault.SOME_REFUSE),
    "P443-CERT-019": lambda: with_fault(ChainFault.KEY_MAY_NOT_SIGN),
    "P443-CERT-020": lambda: with_leaf(replace(leaf().facts, spki_der=rsa_spki(3 * 5, 65537))),
    "P443-CERT-021": lambda: with_leaf(
        replace(leaf().facts, extensions=replace(leaf().facts.extensions, must_staple=True))
    ),
    "P443-HTTP-001": lambda: with_web(replace(GOOD_WEB, hsts=no("none"), hsts_text=None, policy=None)),
    "P443-HTTP-002": lambda: with_web(
        replace(GOOD_WEB, policy=HSTSPolicy(86400, include_subdomains=True, preload=False))
    ),
    "P443-HTTP-003": lambda: with_web(replace(GOOD_WEB, hsts_fault="max-age is missing", policy=None)),
    "P443-HTTP-004": lambda: with_web(replace(GOOD_WEB, redirect=no("port 80 answers 200 in clear"))),
    "P443-HTTP-005": lambda: with_web(
        replace(GOOD_WEB, policy=HSTSPolicy(31536000, include_subdomains=False, preload=False))
    ),
    "P443-HTTP-006": lambda: with_web(replace(GOOD_WEB, downgrade="http://site.test/")),
    "P443-HTTP-007": lambda: with_web(replace(GOOD_WEB, hsts_others=("max-age=0",))),
    "P443-HTTP-008": lambda: with_web(
        replace(GOOD_WEB, policy=HSTSPolicy(0, include_subdomains=True, preload=False))
    ),
}
SILENT_12 = version(Version.TLS_1_2, 0xC02B, complete=HIDDEN)


FOUND |= {
    "P443-HTTP-009": lambda: answering(("set-cookie", "id=1; HttpOnly"), ("set-cookie", "b=2; Secure")),
    "P443-HTTP-010": lambda: with_web(replace(GOOD_WEB, clear_fields=(("set-cookie", "id=1; Secure"),))),
    "P443-HTTP-011": lambda: answering(("server", "httpd/2.4.58"), ("x-powered-by", "PHP/8.1")),
    "P443-HTTP-012": lambda: answering(("date", format_datetime(NOW + timedelta(hours=2), usegmt=True))),
}
HARMLESS = {
    "P443-HTTP-009": lambda: answering(("set-cookie", "id=1; secure ;Path=/"), ("set-cookie", "no name")),
    "P443-HTTP-010": lambda: with_web(replace(GOOD_WEB, clear_fields=(("location", "https://site.test/"),))),
    "P443-HTTP-011": lambda: answering(("server", "nginx"), ("x-request-id", "1.2")),
    "P443-HTTP-012": lambda: answering(("date", format_datetime(NOW - timedelta(minutes=9), usegmt=True))),
}


@pytest.mark.parametrize("rule", HARMLESS)
def test_an_ordinary_answer_has_no_finding(rule: str) -> None:
    """Secure cookies, a name without a version, a clock within minutes."""
    assert BY_ID[rule].check(HARMLESS[rule]()) is None


def test_no_value_of_a_cookie_is_ever_shown() -> None:
    """Evidence names cookies, and nothing that lets anybody in."""
    facts = answering(("set-cookie", "session=s3cret; Path=/"))
    outcome = BY_ID["P443-HTTP-009"].check(facts)
    assert isinstance(outcome, Found)
    assert ("session" in outcome.evidence, "s3cret" in outcome.evidence) == (True, False)


@pytest.mark.parametrize(("field", "is_found"), [(("date", "soon"), True), (("age", "60"), False)])
def test_a_date_is_one_or_is_of_a_cache(field: tuple[str, str], *, is_found: bool) -> None:
    """What a cache answers with was the time when it asked."""
    late = ("date", format_datetime(NOW + timedelta(hours=2), usegmt=True))
    facts = answering(field) if field[0] == "date" else answering(late, field)
    assert isinstance(BY_ID["P443-HTTP-012"].check(facts), Found) == is_found


def silent(which: Version) -> Make:
    return lambda: with_version(VersionFacts(which, HIDDEN))


UNSURE: dict[str, Make] = {
    "P443-TLS-001": silent(Version.SSL_2),
    "P443-TLS-002": silent(Version.SSL_3),
    "P443-TLS-003": silent(Version.TLS_1_0),
    "P443-TLS-004": silent(Version.TLS_1_1),
    "P443-TLS-005": lambda: only(VersionFacts(Version.TLS_1_2, HIDDEN)),
    "P443-TLS-006": silent(Version.TLS_1_3),
    **dict.fromkeys(
        ("P443-TLS-007", "P443-TLS-008", "P443-TLS-009", "P443-TLS-010", "P443-TLS-011", "P443-TLS-012",
         "P443-TLS-013", "P443-TLS-016", "P443-TLS-020", "P443-TLS-022", "P443-TLS-035"),
        lambda: with_version(SILENT_12),
    ),
    "P443-TLS-014": lambda: only(version(Version.TLS_1_2, CBC, complete=HIDDEN)),
    "P443-TLS-015": lambda: only(version(Version.TLS_1_2, STATIC, complete=HIDDEN)),
    "P443-TLS-017": silent(Version.TLS_1_0),
    "P443-TLS-018": lambda: server(compression=HIDDEN),
    "P443-TLS-019": lambda: server(secure_renegotiation=NOT_LOOKED),
    "P443-TLS-021": lambda: server(groups_13=GroupFacts((29,), HIDDEN)),
    "P443-TLS-023": silent(Version.SSL_3),
    "P443-TLS-024": lambda: proved(None),
    "P443-TLS-025": lambda: server(groups_12=GroupFacts((29,), HIDDEN)),
    "P443-TLS-027": lambda: replace(only(version(Version.TLS_1_3, 0x1305)), chains=()),
    "P443-TLS-028": lambda: server(
        versions=only(version(Version.TLS_1_3, 0x1301)).server.versions, groups_13=GroupFacts((30,), HIDDEN)
    ),
    "P443-TLS-029": lambda: with_version(SILENT_12),
    "P443-TLS-030": lambda: only(version(Version.TLS_1_2, RC4, complete=HIDDEN)),
    "P443-TLS-031": lambda: with_version(version(Version.TLS_1_2, STATIC, complete=HIDDEN)),
    "P443-TLS-032": lambda: with_version(version(Version.TLS_1_2, CBC, complete=HIDDEN)),
    "P443-TLS-033": lambda: server(secure_renegotiation=no("renegotiation_info is not answered")),
    "P443-TLS-034": silent(Version.TLS_1_1),
    "P443-TLS-036": lambda: negotiating("client_renegotiation", HIDDEN),
    "P443-TLS-037": lambda: negotiating("early_data_post", HIDDEN),
    "P443-TLS-039": lambda: negotiating("http2", HIDDEN),
    "P443-TLS-040": lambda: with_version(SILENT_12),
    "P443-HTTP-013": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-014": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-015": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-016": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-017": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-018": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-019": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-CERT-022": lambda: replace(good(), chains=()),
    "P443-CERT-023": lambda: replace(good(), chains=()),
    "P443-CERT-004": lambda: with_fault(ChainFault.INCOMPLETE),
    "P443-CERT-010": lambda: signed("1.2.3.4", None),
    "P443-CERT-017": lambda: with_fault(ChainFault.SIGNATURE_UNKNOWN),
    **dict.fromkeys(
        ("P443-CERT-001", "P443-CERT-007", "P443-CERT-008", "P443-CERT-009", "P443-CERT-020",
         "P443-CERT-021"),
        lambda: replace(good(), chains=()),
    ),
    "P443-CERT-003": lambda: replace(good(), chains=(), unreadable_chain="this is no certificate"),
    "P443-HTTP-001": lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    "P443-HTTP-004": lambda: with_web(replace(GOOD_WEB, redirect=HIDDEN)),
    **dict.fromkeys(
        ("P443-HTTP-006", "P443-HTTP-009", "P443-HTTP-011", "P443-HTTP-012"),
        lambda: with_web(replace(GOOD_WEB, hsts=HIDDEN)),
    ),
}  # fmt: skip


def test_a_staple_that_is_demanded_and_sent_is_no_finding() -> None:
    """Nor is the absence of one that nobody demands."""
    asked = FOUND["P443-CERT-021"]()
    served = replace(asked.chains[0].served, staple=b"1")
    assert (
        BY_ID["P443-CERT-021"].check(replace(asked, chains=(replace(asked.chains[0], served=served),)))
        is None
    )


def test_nothing_is_found_on_a_server_with_nothing_wrong() -> None:
    """All rules are silent, and none doubts."""
    assert {rule.id: rule.check(good()) for rule in RULES if rule.check(good()) is not None} == {}


@pytest.mark.parametrize("rule", FOUND)
def test_a_rule_finds_what_it_is_about(rule: str) -> None:
    """The one thing that was spoilt is found, with evidence."""
    outcome = BY_ID[rule].check(FOUND[rule]())
    assert isinstance(outcome, Found)
    assert outcome.evidence


@pytest.mark.parametrize("rule", UNSURE)
def test_a_rule_doubts_where_facts_are_missing(rule: str) -> None:
    """What could not be seen is neither found nor passed."""
    outcome = BY_ID[rule].check(UNSURE[rule]())
    assert isinstance(outcome, Unsure)
    assert outcome.reason


UNREAD = {
    "the prime of DHE": ("P443-TLS-020", Choice(0x009E, scheme=0x0804)),
    "the curve of ECDHE": ("P443-TLS-025", Choice(0xC02B, scheme=0x0403)),
    "the scheme of ECDHE": ("P443-TLS-029", Choice(0xC02B, group=29)),
    "the scheme of DHE": ("P443-TLS-029", Choice(0x009E, prime_bits=2048)),
}


@pytest.mark.parametrize("what", UNREAD)
def test_what_a_handshake_did_not_show_is_a_doubt(what: str) -> None:
    """A flight that broke off behind the ServerHello proves nothing good of its group or its signature."""
    rule, choice = UNREAD[what]
    outcome = BY_ID[rule].check(with_version(VersionFacts(Version.TLS_1_2, YES, (choice,), YES)))
    assert isinstance(outcome, Unsure)
    assert "could not be read" in outcome.reason


@pytest.mark.parametrize(("name", "is_known"), [("1.2.3.4", False), ("ML-DSA-65", True)])
def test_a_key_of_an_unknown_kind_is_a_doubt(*, name: str, is_known: bool) -> None:
    """How strong it is nobody can say; a post-quantum key is no such."""
    odd = replace(leaf().facts, key=KeyFacts("other", 0, algorithm=name))
    assert isinstance(BY_ID["P443-CERT-008"].check(with_leaf(odd)), Unsure) != is_known


def test_a_key_that_may_not_sign_is_a_doubt_while_suites_are_unknown() -> None:
    """RSA key exchange needs no signature, but what was not seen may."""
    hidden = only(version(Version.TLS_1_2, STATIC, complete=HIDDEN)).server
    facts = replace(with_fault(ChainFault.KEY_MAY_NOT_SIGN), server=hidden)
    assert isinstance(BY_ID["P443-CERT-019"].check(facts), Unsure)


def test_renegotiation_that_was_not_tried_is_a_doubt_only_where_it_is_not_secured() -> None:
    """A server that answers renegotiation_info binds what it renegotiates, and one that refuses is safe."""
    rule = BY_ID["P443-TLS-033"]
    assert rule.check(good()) is None
    unsecured = no("renegotiation_info is not answered")
    assert rule.check(server(secure_renegotiation=unsecured, insecure_renegotiation=no("refused"))) is None


@pytest.mark.parametrize(
    "facts",
    [
        lambda: server(groups_12=GroupFacts((), HIDDEN)),
        lambda: replace(
            with_version(SILENT_12), server=replace(with_version(SILENT_12).server, groups_12=GroupFacts())
        ),
    ],
    ids=["ECDHE without a group", "a version that was not seen"],
)
def test_weak_groups_are_in_doubt_where_none_was_found(facts: Make) -> None:
    """No group at all is no proof of good ones, where ECDHE is or may be taken."""
    assert isinstance(BY_ID["P443-TLS-025"].check(facts()), Unsure)


@pytest.mark.parametrize(
    ("is_public", "found", "absent", "words"),
    [
        (True, "P443-CERT-004", "P443-CERT-005", ("the system's store", "--cacert ROOT.pem")),
        (False, "P443-CERT-005", "P443-CERT-004", ("unknown_issuer",)),
    ],
)
def test_a_private_ca_is_unknown_to_the_system_and_incomplete_below_named_roots(
    *, is_public: bool, found: str, absent: str, words: tuple[str, ...]
) -> None:
    """Without --cacert only the trust is missing; with it the chain should lead to one of its roots."""
    facts = replace(with_fault(ChainFault.UNKNOWN_ISSUER), roots_are_public=is_public)
    outcome = BY_ID[found].check(facts)
    assert isinstance(outcome, Found)
    assert all(word in outcome.evidence for word in words)
    assert not isinstance(BY_ID[absent].check(facts), Found)


def nameless() -> ScanFacts:
    return with_leaf(replace(leaf().facts, common_name=None, subject="", extensions=Extensions()))


@pytest.mark.parametrize("what", [*FOUND, *(f"{rule} unsure" for rule in UNSURE), "nameless"])
def test_none_is_never_shown(what: str) -> None:
    """Whatever is missing is put in words, in the text and in every reason of the document."""
    rule, _, unsure = what.partition(" ")
    facts = nameless() if what == "nameless" else (UNSURE if unsure else FOUND)[rule]()
    judgement = judge(RULES, facts)
    made = Report(
        ScanTarget(facts.name), Endpoint("192.0.2.1", 443), (), (), NOW, 0.5, 40, facts, judgement,
        grade(judgement, facts, SSL_LABS_2009R),
    )  # fmt: skip
    document = json.dumps(scan_document([(made, 0)], "0.1.0", NOW))
    assert not re.search(r"\bNone\b", "\n".join(report_lines(made)) + document)


@pytest.mark.parametrize("error", [OSError(), ssl.SSLError(), ssl.SSLEOFError(8, "eof"), TimeoutError()])
def test_an_error_of_the_system_always_has_words(error: OSError) -> None:
    """Many have neither a number nor a reason; what is left is their kind."""
    assert words_of(error)
    assert "None" not in words_of(error)


def test_every_rule_is_tried() -> None:
    """No rule without a server that triggers it."""
    assert set(FOUND) | {"P443-CERT-017"} == set(BY_ID)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_whole_page(rule: object) -> None:
    """Title, why, a fix for five servers, and references, in the form that reports take them from."""
    page = BY_ID[rule.id]  # type: ignore[attr-defined]
    assert 10 < len(page.title) < 70
    assert "\n" not in page.title
    assert len(page.why) > 60
    assert list(page.remedy.fixes) == ["port443", "nginx", "Apache", "HAProxy", "Caddy"]
    assert all(len(fix) > 8 for fix in page.remedy.fixes.values())
    assert page.references
    assert all(page.references)
    assert max(len(line) for line in page.page.splitlines()) <= 110


def test_no_remedy_is_written_twice() -> None:
    """Two remedies differ in what is to be done, and every one of them belongs to a rule."""
    table = {name: one for name, one in vars(remedies).items() if isinstance(one, Remedy)}
    assert len({one.what for one in table.values()}) == len(table)
    assert {id(one) for one in table.values()} == {id(rule.remedy) for rule in RULES}
    written = [
        node.value
        for node in ast.walk(ast.parse(Path(remedies.__file__).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_page_has_the_remedy_for_every_server(rule: Rule) -> None:
    """Title, severity, why, what to do and references, in lines that fit a terminal."""
    page = rule_page(rule)
    assert page.startswith(f"{rule.id}  {rule.title}.\n\nSeverity: {rule.severity}")
    flat = " ".join(page.split())
    for server, text in rule.remedy.fixes.items():
        assert f"{server} {' '.join(text.split())}" in flat
    assert max(map(len, page.splitlines())) <= 110


def test_the_document_of_rules_keeps_its_schema() -> None:
    """`port443 rules --json` names every rule, its remedy and what a finding costs."""
    document = rules_document("0.1.0")
    schema = Path(__file__).parents[3] / "contract" / "rules.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text()))
    assert [one["id"] for one in document["rules"]] == [rule.id for rule in RULES]  # type: ignore[union-attr,call-overload,index]


def test_every_rule_has_its_file_and_its_number_once() -> None:
    """The catalogue holds each file of the folder, under the id that its name says."""
    folder = Path(port443.core.grade.rules.__file__).parent
    named = {
        f"P443-{area.upper()}-{number}"
        for path in folder.glob("*_[0-9][0-9][0-9]_*.py")
        for area, number, *_ in [path.stem.split("_")]
    }
    assert named == set(BY_ID)
    assert len(BY_ID) == len(RULES)


def test_an_address_needs_no_hsts() -> None:
    """Browsers keep no such note for an address (RFC 6797 §8.1.1)."""
    facts = replace(FOUND["P443-HTTP-001"](), name=IPName("192.0.2.1"))
    assert BY_ID["P443-HTTP-001"].check(facts) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(28800, "8 hours"), (864000, "10 days"), (90000, "25 hours"), (90, "90 seconds"), (1, "1 second")],
)
def test_a_short_time_is_told_in_a_unit_that_fits(seconds: int, words: str) -> None:
    """Eight hours are not 0 days."""
    policy = HSTSPolicy(seconds, include_subdomains=True, preload=False)
    outcome = BY_ID["P443-HTTP-002"].check(with_web(replace(GOOD_WEB, policy=policy)))
    assert isinstance(outcome, Found)
    assert outcome.evidence.endswith(words)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("site.test\0.evil.test", "site.test\\x00.evil.test"),
        ("SITE.TEST.", "SITE.TEST."),
        ("*", "*"),
        ("s*.test", "s*.test"),
        ("\x1b[2Jsite.test", "\\x1b[2Jsite.test"),
    ],
)
def test_entries_that_are_no_host_name_are_shown(entry: str, shown: str) -> None:
    """In the certificate's section and in both findings, escaped, and not as if there were none."""
    alt_names = AltNames(others=(entry,))
    facts = with_leaf(replace(leaf().facts, extensions=replace(leaf().facts.extensions, alt_names=alt_names)))
    judgement = judge(RULES, facts)
    evidence = {one.id: one.evidence for one in judgement.findings}
    assert evidence["P443-CERT-013"] == f'"{entry}" is no host name'
    assert evidence["P443-CERT-007"].endswith(f'names no host; "{entry}" is no host name')
    text = "\n".join(report_lines(Report(
        ScanTarget(facts.name), Endpoint("192.0.2.1", 443), (), (), NOW, 0.5, 40, facts, judgement,
        grade(judgement, facts, SSL_LABS_2009R),
    )))  # fmt: skip
    assert " ".join(text.split()).count(f'"{shown}" is no host name') == 3
    assert "\0" not in text


def test_a_private_root_sets_its_own_lifetimes() -> None:
    """The limits of public CAs are not held against a certificate of one's own."""
    facts = replace(FOUND["P443-CERT-012"](), roots_are_public=False)
    assert BY_ID["P443-CERT-012"].check(facts) is None


@pytest.mark.parametrize(
    ("begins", "days", "is_found"),
    [
        ("2026-03-14", 398, False), ("2026-03-14", 399, True), ("2026-03-15", 200, False),
        ("2026-03-15", 201, True), ("2027-03-15", 101, True), ("2029-03-14", 100, False),
        ("2029-03-15", 48, True),
    ],
)  # fmt: skip
def test_the_lifetime_is_judged_by_when_it_begins(*, begins: str, days: int, is_found: bool) -> None:
    """SC-081v3 counts from notBefore, whatever the day of the scan."""
    begin = NOW.fromisoformat(f"{begins}T00:00:00+00:00")
    end = begin + timedelta(days, seconds=-1)
    first = replace(leaf().facts, not_before=begin, not_after=end)
    assert (BY_ID["P443-CERT-012"].check(with_leaf(first)) is not None) == is_found


def test_a_closed_port_80_is_no_finding() -> None:
    """Nobody is led astray where nobody answers."""
    web = replace(GOOD_WEB, redirect=HIDDEN, http_closed=True)
    assert BY_ID["P443-HTTP-004"].check(with_web(web)) is None


def test_tls_1_3_alone_needs_no_secure_renegotiation() -> None:
    """There is no renegotiation in it."""
    facts = only(version(Version.TLS_1_3, 0x1301))
    facts = replace(facts, server=replace(facts.server, secure_renegotiation=NOT_LOOKED))
    assert BY_ID["P443-TLS-019"].check(facts) is None
