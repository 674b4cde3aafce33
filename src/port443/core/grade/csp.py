"""Content-Security-Policy (CSP Level 3 §2.2): its directives, and how much they let through."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

BROAD = frozenset({"ftp:", "http:", "https:", "*", "http://*", "http://*.*", "https://*", "https://*.*"})
INLINE = frozenset({"'unsafe-inline'", "data:"})
NONCES = ("'sha256-", "'sha384-", "'sha512-", "'nonce-")
PASSIVE = ("img-src", "media-src")
ANYWHERE = frozenset({"*"})
Directives = dict[str, frozenset[str]]


class Strength(Enum):
    """How much a policy keeps out, with the points that MDN's Observatory gives; the best first."""

    NOTHING_BY_DEFAULT = "default-src 'none' and nothing unsafe", 10
    NOTHING_UNSAFE = "nothing unsafe", 5
    UNSAFE_STYLES = "unsafe sources of styles only", 0
    INSECURE_IMAGES = "images or media over http", -10
    EVAL = "'unsafe-eval'", -10
    INLINE_SCRIPTS = "scripts or objects from nearly anywhere, or inline", -20
    INSECURE = "sources over http", -20
    INVALID = "it cannot be read", -25
    REPORTS_ONLY = "Content-Security-Policy-Report-Only alone, which keeps nothing out", -25
    ABSENT = "no Content-Security-Policy", -25

    @property
    def words(self) -> str:
        return str(self.value[0])

    @property
    def points(self) -> int:
        return int(self.value[1])


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """All policies of a page together."""

    strength: Strength
    limits_frames: bool = False
    """Whether frame-ancestors says who may frame the page."""


def parse_policies(texts: Iterable[str]) -> Directives:
    """Join the policies of several fields: a source counts where all that name its directive have it."""
    joined: Directives = {}
    for policy in (one for text in texts for one in text.split(",") if one.strip()):
        for name, sources in _directives(policy).items():
            joined[name] = joined[name] & sources if name in joined else sources
    return joined


def _directives(policy: str) -> Directives:
    found: Directives = {}
    for part in policy.split(";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), frozenset(word.lower() for word in words[1:]))
    return found


def judge_policy(texts: Iterable[str], *, reports: bool) -> ContentPolicy:
    """Say how much the policies of a page keep out; `reports` says that one is there that only reports."""
    policy = parse_policies(texts)
    if not policy:
        return ContentPolicy(Strength.REPORTS_ONLY if reports else Strength.ABSENT)
    return ContentPolicy(_strength(policy), "frame-ancestors" in policy)


def _strength(policy: Directives) -> Strength:
    default = policy.get("default-src", ANYWHERE)
    scripts = _scripts(policy.get("script-src", default))
    styles = _without_inline(policy.get("style-src", default))
    objects = policy.get("object-src", default)
    if scripts is None:
        return Strength.INVALID
    active = set(scripts).union(*(v for k, v in policy.items() if k not in {*PASSIVE, "script-src"}))
    passive: set[str] = set().union(*(policy.get(name, policy.get("default-src", ())) for name in PASSIVE))
    found = (
        (Strength.INLINE_SCRIPTS, bool(scripts & (BROAD | INLINE) or objects & BROAD)),
        (Strength.INSECURE, _has_insecure(active)),
        (Strength.EVAL, "'unsafe-eval'" in scripts | styles),
        (Strength.INSECURE_IMAGES, _has_insecure(passive)),
        (Strength.UNSAFE_STYLES, bool(styles & (BROAD | INLINE))),
        (Strength.NOTHING_BY_DEFAULT, policy.get("default-src") == frozenset({"'none'"})),
    )
    return next((strength for strength, is_so in found if is_so), Strength.NOTHING_UNSAFE)


def _has_nonce(sources: frozenset[str]) -> bool:
    return any(source.startswith(NONCES) for source in sources)


def _without_inline(sources: frozenset[str]) -> frozenset[str]:
    """Leave out what browsers pass over beside a nonce or a hash."""
    return sources - {"'unsafe-inline'"} if _has_nonce(sources) else sources


def _scripts(sources: frozenset[str]) -> frozenset[str] | None:
    """Return the sources of scripts that count; None for 'strict-dynamic' without a nonce or hash."""
    if "'strict-dynamic'" not in sources:
        return _without_inline(sources)
    if not _has_nonce(sources):
        return None
    schemes = tuple(BROAD)
    return frozenset(
        one for one in sources if one not in {"'self'", "'unsafe-inline'"} and not one.startswith(schemes)
    )


def _has_insecure(sources: Iterable[str]) -> bool:
    return any(source.startswith(("http:", "ftp:")) for source in sources)
