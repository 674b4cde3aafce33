"""What a scan of one's own listener showed, and how it stands to what was meant and to the scan before."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from port443.core.contract.snapshot import TlsPolicy

LETTERS = ("A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T")
"""The best first."""
VERSION_LABELS = {"1.3": "TLS 1.3", "1.2": "TLS 1.2"}
NOTHING = "none"
"""What stands for an empty row."""
VERSIONS, SUITES, GROUPS, PROTOCOLS = "protocols", "cipher suites", "groups", "ALPN"


@dataclass(frozen=True, slots=True)
class OwnScan:
    """One scan; what was not certain is in none of its facts."""

    place: str
    """The site, and the address that was asked: `app.example.com@192.0.2.1:443`."""
    at: datetime
    spec: str
    """A hash of what the site was meant to be."""
    letter: str | None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What was seen, by what it is: words in a row."""


def unlike_meant(scan: OwnScan, policy: TlsPolicy, keys: Collection[str]) -> tuple[str, ...]:
    """Say in what the observed differs from the intended; `keys` are the kinds of key of the certificate.

    The suites of TLS 1.2 for another kind of key cannot be offered.
    """
    wanted = {
        VERSIONS: {VERSION_LABELS[version] for version in policy.versions},
        SUITES: {str(suite) for suite in policy.suites if _fits(str(suite), policy.versions, keys)},
        GROUPS: {str(group) for group in policy.groups},
        PROTOCOLS: {str(protocol) for protocol in policy.alpn},
    }
    return tuple(_unlike(scan.facts, wanted))


def _fits(suite: str, versions: Collection[str], keys: Collection[str]) -> bool:
    if "_WITH_" not in suite:
        return "1.3" in versions
    return "1.2" in versions and any(f"_{key}_WITH_" in suite for key in keys)


def _unlike(facts: Mapping[str, str], wanted: Mapping[str, set[str]]) -> Iterator[str]:
    for what, meant in wanted.items():
        if what not in facts:
            continue
        seen = set(_words(facts[what], meant))
        if seen != meant:
            more, less = sorted(seen - meant), sorted(meant - seen)
            parts = (f"offered and not meant: {', '.join(more)}" if more else "",
                     f"meant and not offered: {', '.join(less)}" if less else "")  # fmt: skip
            yield f"{what}: {'; '.join(filter(None, parts))}"


def _words(text: str, meant: set[str]) -> Iterator[str]:
    """Take a row of names apart, of which those of versions have a space in them."""
    if all(word.startswith(("TLS ", "SSL ")) for word in meant):
        parts = text.split()
        yield from (f"{parts[at]} {parts[at + 1]}" for at in range(0, len(parts) - 1, 2))
    else:
        yield from (word for word in text.split() if word != NOTHING)


def drift(scan: OwnScan, before: OwnScan) -> tuple[str, ...]:
    """Say what differs from the scan before although nothing else was meant."""
    if scan.spec != before.spec:
        return ()
    both = [what for what in scan.facts if what in before.facts]
    return tuple(
        f"{what}: {before.facts[what]} before, {scan.facts[what]} now"
        for what in both
        if scan.facts[what] != before.facts[what]
    )


def is_worse(scan: OwnScan, before: OwnScan) -> bool:
    """Whether the letter fell."""
    known = scan.letter in LETTERS and before.letter in LETTERS
    return known and LETTERS.index(str(scan.letter)) > LETTERS.index(str(before.letter))
