"""MDN's HTTP Observatory: points of each test, letters, and the policies that it reads."""

from dataclasses import replace

import pytest

from port443.core.grade.csp import ContentPolicy, Strength, judge_policy
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import judge
from port443.core.grade.hsts import HSTSPolicy, WebFacts
from port443.core.grade.mdn_observatory import MDN_OBSERVATORY
from port443.core.grade.observatory import LETTERS, TESTS, observe
from port443.core.grade.requirement import Standing, assess
from port443.core.probe.verdict import no
from scan_facts import GOOD_WEB, HIDDEN, good, with_web

CSP = "content-security-policy"
YEAR = HSTSPolicy(31536000, include_subdomains=True, preload=False)


def page(*fields: tuple[str, str], body: bytes = b"", **more: object) -> ScanFacts:
    web = replace(GOOD_WEB, fields=fields, body=body, **more)  # type: ignore[arg-type]
    return with_web(web)


def points(facts: ScanFacts) -> dict[str, int]:
    return {one.test: one.points for one in observe(facts).tests}


@pytest.mark.parametrize(
    ("policy", "strength"),
    [
        ("default-src 'none'; script-src 'self'", Strength.NOTHING_BY_DEFAULT),
        ("default-src 'self'", Strength.NOTHING_UNSAFE),
        ("default-src 'self'; style-src 'self' 'unsafe-inline'", Strength.UNSAFE_STYLES),
        ("default-src 'self'; img-src http:", Strength.INSECURE_IMAGES),
        ("default-src 'self'; script-src 'self' 'unsafe-eval'", Strength.EVAL),
        ("default-src 'self' 'unsafe-inline'", Strength.INLINE_SCRIPTS),
        ("default-src 'self'; script-src 'self' https:", Strength.INLINE_SCRIPTS),
        ("script-src 'self'", Strength.INLINE_SCRIPTS),  # objects come from anywhere
        ("default-src 'self'; connect-src http://a.example", Strength.INSECURE),
        ("default-src 'self'; script-src 'strict-dynamic'", Strength.INVALID),
        ("default-src 'self'; script-src 'nonce-1' 'unsafe-inline'", Strength.NOTHING_UNSAFE),
        ("default-src 'self'; script-src 'nonce-1' 'strict-dynamic' https: 'unsafe-inline'",
         Strength.NOTHING_UNSAFE),
        ("", Strength.ABSENT),
        (" ; ", Strength.ABSENT),
    ],
)  # fmt: skip
def test_a_content_policy_has_its_strength(policy: str, strength: Strength) -> None:
    """The worst that it lets through decides."""
    assert judge_policy([policy], reports=False).strength is strength


def test_several_policies_hold_together() -> None:
    """What one of them keeps out stays out; who may frame is said by any of them."""
    both = judge_policy(["default-src 'self' 'unsafe-inline', default-src 'self'", "frame-ancestors 'none'"],
                        reports=True)  # fmt: skip
    assert both == ContentPolicy(Strength.NOTHING_UNSAFE, limits_frames=True)
    assert judge_policy([], reports=True).strength is Strength.REPORTS_ONLY


@pytest.mark.parametrize(
    ("test", "facts", "wanted"),
    [
        ("cookies", page(), 0),
        ("cookies", page(("set-cookie", "a=1; Secure; SameSite=Lax")), 5),
        ("cookies", page(("set-cookie", "a=1; Secure")), 0),
        ("cookies", page(("set-cookie", "a=1")), -5),
        ("cookies", page(("set-cookie", "a=1"), policy=None), -20),
        ("cookies", page(("set-cookie", "sessid=1; HttpOnly")), -10),
        ("cookies", page(("set-cookie", "sessid=1; HttpOnly"), policy=None), -40),
        ("cookies", page(("set-cookie", "sessid=1; Secure")), -30),
        ("cookies", page(("set-cookie", "csrf=1; Secure")), -20),
        ("cookies", page(("set-cookie", "a=1; SameSite=None")), -20),
        ("cookies", page(("set-cookie", "a=1; Secure; SameSite=maybe")), -20),
        ("cross-origin-resource-sharing", page(shares_with_all=True), -50),
        ("redirection", page(http_closed=True, redirect=HIDDEN), 0),
        ("redirection", page(redirect=no("200"), location=None), -20),
        ("redirection", page(redirect=no("other"), location="https://other.test/"), -5),
        ("redirection", page(redirect=no("clear"), location="http://site.test/a"), -10),
        ("strict-transport-security", page(policy=replace(YEAR, max_age_s=86400)), -10),
        ("strict-transport-security", page(policy=None, hsts_fault="max-age is missing"), -20),
        ("referrer-policy", page(("referrer-policy", "no-referrer, strict-origin")), 5),
        ("referrer-policy", page(("referrer-policy", "unsafe-url")), -5),
        ("referrer-policy", page(("referrer-policy", "whatever")), -5),
        ("referrer-policy", page(body=b'<meta http-equiv="Referrer-Policy" content="same-origin">'), 5),
        ("subresource-integrity", page(body=b"<p>"), 0),
        ("subresource-integrity", page(body=b"<script src=/a.js></script>"), 0),
        ("subresource-integrity", page(body=b"<script src=//static.site.test/a.js></script>"), 0),
        ("subresource-integrity", page(body=b"<script src=https://cdn.example/a.js></script>"), -5),
        ("subresource-integrity",
         page(body=b"<script src=https://cdn.example/a.js integrity=sha384-a></script>"), 5),
        ("subresource-integrity", page(body=b"<script src=http://cdn.example/a.js></script>"), -50),
        ("x-content-type-options", page(("x-content-type-options", "nosniff")), 0),
        ("x-content-type-options", page(("x-content-type-options", "sniff")), -5),
        ("x-frame-options", page(("x-frame-options", "SAMEORIGIN")), 5),
        ("x-frame-options", page(("x-frame-options", "allow-from https://a")), 0),
        ("x-frame-options", page(("x-frame-options", "yes")), -20),
        ("x-frame-options", page((CSP, "frame-ancestors 'self'")), 5),
        ("cross-origin-resource-policy", page(("cross-origin-resource-policy", "same-site")), 10),
        ("cross-origin-opener-policy", page(("cross-origin-opener-policy", "same-origin; report-to=a")), 10),
        ("cross-origin-embedder-policy", page(("cross-origin-embedder-policy", "yes")), -5),
    ],
)  # fmt: skip
def test_each_test_gives_and_takes_its_points(test: str, facts: ScanFacts, wanted: int) -> None:
    """As the table of the original has them."""
    assert points(facts)[test] == wanted


def test_extra_points_need_a_good_page() -> None:
    """From 90 on they count, below they do not; the letter follows."""
    extra = (("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"))
    strong = (CSP, "default-src 'none'; frame-ancestors 'none'")
    best = observe(page(strong, *extra))
    assert (best.score, best.letter) == (120, "A+")
    poor = observe(page(*extra))
    assert (poor.score, poor.letter) == (55, "C")


def test_nothing_is_said_of_a_page_that_was_not_seen() -> None:
    """Neither a letter nor a broken requirement."""
    unseen = with_web(WebFacts(hsts=HIDDEN))
    assert (observe(unseen).letter, observe(unseen).unseen) == (None, "it fell silent")
    assert assess(MDN_OBSERVATORY, unseen, judge((), unseen)).standing is Standing.UNKNOWN


def test_the_baseline_is_met_by_who_loses_nothing() -> None:
    """And broken by one test."""
    assert assess(MDN_OBSERVATORY, good(), judge((), good())).standing is Standing.MET
    framed = page((CSP, "default-src 'self'"), ("x-content-type-options", "nosniff"))
    broken = assess(MDN_OBSERVATORY, framed, judge((), framed)).having(Standing.BROKEN)
    assert [one.requirement.key for one in broken] == ["x-frame-options"]
    assert {one.key for one in MDN_OBSERVATORY.requirements} == set(TESTS)
    assert [least for least, _ in LETTERS] == sorted((least for least, _ in LETTERS), reverse=True)
