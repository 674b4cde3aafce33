"""MDN's HTTP Observatory as a baseline: a page loses no points in any test."""

from dataclasses import dataclass

from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Judgement
from port443.core.grade.observatory import AS_OF, SOURCE, TESTS, observe
from port443.core.grade.requirement import Answer, Baseline, Level, Requirement
from port443.core.grade.rule import Found, Unsure

TITLES = {
    "content-security-policy": "Content-Security-Policy keeps out inline scripts and nearly any source",
    "cookies": "Cookies have Secure, those of sessions HttpOnly, and those against forged requests SameSite",
    "cross-origin-resource-sharing": "No origin may read pages in the user's name",
    "redirection": "Plain HTTP leads to https on the same host first",
    "strict-transport-security": "HSTS for six months at least",
    "referrer-policy": "Referrer-Policy, where it is sent, tells other sites no paths",
    "subresource-integrity": "Foreign scripts have integrity, and come over https",
    "x-content-type-options": "X-Content-Type-Options: nosniff",
    "x-frame-options": "frame-ancestors or X-Frame-Options",
    "cross-origin-resource-policy": "Cross-Origin-Resource-Policy, where it is sent, has a meaning",
    "cross-origin-opener-policy": "Cross-Origin-Opener-Policy, where it is sent, has a meaning",
    "cross-origin-embedder-policy": "Cross-Origin-Embedder-Policy, where it is sent, has a meaning",
}


@dataclass(frozen=True, slots=True)
class LosesNoPoints:
    """One test takes no points from the page."""

    test: str

    @property
    def judged_by(self) -> str:
        return f"the Observatory's test {self.test}"

    def judge(self, facts: ScanFacts, judgement: Judgement) -> Answer:
        del judgement
        seen = observe(facts)
        if seen.letter is None:
            return Unsure(seen.unseen)
        points = next(one for one in seen.tests if one.test == self.test)
        return Found(f"{points.points} points: {points.reason}") if points.points < 0 else None


MDN_OBSERVATORY = Baseline(
    "mdn-observatory",
    f"{AS_OF:%Y-%m}",
    "MDN HTTP Observatory",
    SOURCE,
    AS_OF,
    None,
    tuple(
        Requirement(test, TITLES[test], f"src/analyzer/tests ({test})", LosesNoPoints(test), Level.MUST)
        for test in TESTS
    ),
)
