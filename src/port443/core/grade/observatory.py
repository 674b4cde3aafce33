"""The points of MDN's HTTP Observatory, test by test.

Read in the original: src/grader/charts.js and src/analyzer/tests of mdn/mdn-http-observatory, as of
2026-08-20. The hosted service also knows the list of preloaded sites, which is not at hand here: no points
are given for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

from port443.core.grade.baseline import Source
from port443.core.grade.cookies import Cookie, cookies_of
from port443.core.grade.facts import ScanFacts
from port443.core.grade.page import is_clear, script_host

SOURCE = Source("mdn/mdn-http-observatory", "https://github.com/mdn/mdn-http-observatory")
AS_OF = date(2026, 8, 20)
START, ENOUGH_FOR_EXTRA = 100, 90
LETTERS = (
    (100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+"), (50, "C"), (45, "C-"),
    (40, "D+"), (30, "D"), (25, "D-"), (0, "F"),
)  # fmt: skip
HALF_A_YEAR_S = 15552000
SECOND_LEVEL = 2
GOOD_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
BAD_REFERRERS = {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}
ISOLATING = {
    "cross-origin-resource-policy": ({"same-origin", "same-site"}, {"cross-origin"}),
    "cross-origin-opener-policy": (
        {"same-origin", "same-origin-allow-popups", "noopener-allow-popups"}, {"unsafe-none"},
    ),
    "cross-origin-embedder-policy": ({"require-corp", "credentialless"}, {"unsafe-none"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Points:
    """What one test gives or takes, and why."""

    test: str
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A site's score; `letter` is None when the page was not seen."""

    score: int
    letter: str | None
    tests: tuple[Points, ...]
    unseen: str = ""


def observe(facts: ScanFacts) -> Observed:
    """Score a page as the Observatory does; extra points count only from 90 on."""
    if facts.web.hsts.is_unknown:
        return Observed(0, None, (), facts.web.hsts.reason)
    tests = tuple(Points(name, *test(facts)) for name, test in TESTS.items())
    base = START + sum(one.points for one in tests if one.points < 0)
    extra = sum(one.points for one in tests if one.points > 0) if base >= ENOUGH_FOR_EXTRA else 0
    score = max(0, base + extra)
    return Observed(score, next(letter for least, letter in LETTERS if score >= least), tests)


Test = Callable[[ScanFacts], tuple[int, str]]


def _content_policy(facts: ScanFacts) -> tuple[int, str]:
    strength = facts.web.content_policy.strength
    return strength.points, strength.words


def _cookies(facts: ScanFacts) -> tuple[int, str]:
    cookies = cookies_of(facts.web.fields)
    if not cookies:
        return 0, "no cookies"
    policy = facts.web.policy
    has_hsts = policy is not None and policy.max_age_s >= HALF_A_YEAR_S
    worst = min(_cookie(cookie, has_hsts=has_hsts) for cookie in cookies)
    if worst[0] < 0:
        return worst
    bare = next((one.name for one in cookies if "samesite" not in one.attributes), None)
    return (5, "all have Secure and SameSite") if bare is None else (0, f"{bare} has no SameSite")


def _cookie(cookie: Cookie, *, has_hsts: bool) -> tuple[int, str]:
    """Return the worst that there is to say of a cookie."""
    is_secure = "secure" in cookie.attributes
    found = (
        (-40, "is of a session and has no Secure", cookie.is_session and not is_secure and not has_hsts),
        (
            -30,
            "is of a session and has no HttpOnly",
            cookie.is_session and "httponly" not in cookie.attributes,
        ),
        (
            -20,
            "guards against forged requests and has no SameSite",
            cookie.is_guard and cookie.same_site is None,
        ),
        (-20, "has a SameSite that means nothing", not cookie.is_same_site_valid),
        (-20, "has no Secure", not is_secure and not has_hsts),
        (-10, "is of a session and has no Secure, beside HSTS", cookie.is_session and not is_secure),
        (-5, "has no Secure, beside HSTS", not is_secure),
    )
    return next(
        ((points, f"{cookie.name} {words}") for points, words, is_so in found if is_so), (0, cookie.name)
    )


def _cors(facts: ScanFacts) -> tuple[int, str]:
    if facts.web.shares_with_all:
        return -50, "any origin may read the page with the user's credentials"
    return 0, "no origin may read the page with credentials"


def _redirection(facts: ScanFacts) -> tuple[int, str]:
    web = facts.web
    if web.http_closed:
        return 0, "plain HTTP is closed"
    if web.redirect.is_yes:
        return 0, "plain HTTP leads to https on the same host"
    if web.redirect.is_unknown:
        return 0, f"unknown: {web.redirect.reason}"
    if web.location is None:
        return -20, "plain HTTP does not redirect"
    if web.location.lower().startswith("https:"):
        return -5, "plain HTTP leads to another host first"
    return -10, "plain HTTP leads to plain HTTP first"


def _hsts(facts: ScanFacts) -> tuple[int, str]:
    web = facts.web
    if any(not chain.verdict.is_trusted for chain in facts.chains):
        return -20, "browsers heed no HSTS over a certificate that they do not believe"
    if web.policy is None:
        return -20, web.hsts_fault or "no Strict-Transport-Security"
    if web.policy.max_age_s < HALF_A_YEAR_S:
        return -10, f"max-age={web.policy.max_age_s} is below six months"
    return 0, f"max-age={web.policy.max_age_s}"


def _referrer(facts: ScanFacts) -> tuple[int, str]:
    said = [*facts.web.values("referrer-policy"), *facts.web.meta("referrer-policy")]
    words = [word.strip().lower() for text in said for word in text.split(",")]
    known = [word for word in words if word in GOOD_REFERRERS | BAD_REFERRERS]
    if not said:
        return 0, "no Referrer-Policy"
    if not known:
        return -5, "no known word in Referrer-Policy"
    return (5 if known[-1] in GOOD_REFERRERS else -5), known[-1]


def _scripts(facts: ScanFacts) -> tuple[int, str]:
    page = facts.web.page
    if page is None or not page.scripts:
        return 0, "no HTML" if page is None else "no scripts are loaded"
    own = facts.name.text
    foreign = [one for one in page.scripts if not _is_same_site(script_host(one.source) or own, own)]
    clear = [one for one in page.scripts if is_clear(one.source)]
    bare = [one for one in foreign if not one.has_integrity]
    if clear:
        return (-20 if clear[0].has_integrity else -50), f"{clear[0].source[:80]} comes over http"
    if bare:
        return -5, f"{bare[0].source[:80]} has no integrity"
    return (5, "all foreign scripts have integrity") if foreign else (0, "all scripts are the site's own")


def _is_same_site(host: str, own: str) -> bool:
    """Whether two hosts have their last two labels in common, which stands for a registered domain here."""
    return host.split(".")[-SECOND_LEVEL:] == own.split(".")[-SECOND_LEVEL:]


def _sniffing(facts: ScanFacts) -> tuple[int, str]:
    said = next(iter(facts.web.values("x-content-type-options")), None)
    if said is not None and said.strip().lower() == "nosniff":
        return 0, "nosniff"
    return -5, "no X-Content-Type-Options" if said is None else f"X-Content-Type-Options: {said[:40]}"


def _frames(facts: ScanFacts) -> tuple[int, str]:
    if facts.web.content_policy.limits_frames:
        return 5, "frame-ancestors"
    said = next(iter(facts.web.values("x-frame-options")), "").strip().lower()
    if said in {"deny", "sameorigin"}:
        return 5, said
    if said.startswith("allow-from"):
        return 0, said[:40]
    return -20, "no X-Frame-Options" if not said else f"X-Frame-Options: {said[:40]}"


def _isolation(name: str, facts: ScanFacts) -> tuple[int, str]:
    good, harmless = ISOLATING[name]
    said = facts.web.values(name)
    word = ", ".join(said).partition(";")[0].strip().lower()
    if not said or word in harmless:
        return 0, word or "not sent"
    return (10, word) if word in good else (-5, f"{word[:40]} means nothing")


TESTS: dict[str, Test] = {
    "content-security-policy": _content_policy,
    "cookies": _cookies,
    "cross-origin-resource-sharing": _cors,
    "redirection": _redirection,
    "strict-transport-security": _hsts,
    "referrer-policy": _referrer,
    "subresource-integrity": _scripts,
    "x-content-type-options": _sniffing,
    "x-frame-options": _frames,
    **{name: partial(_isolation, name) for name in ISOLATING},
}
