"""Scan the same servers with port443, sslscan and testssl.sh, and say where they disagree."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from port443.core.names import Endpoint
from prove.matrix import SERVERS, Missing
from prove.scanners import SCANNERS, Scanner, Seen, by_port443

TITLE = "Agreement with other scanners"
NOTHING = "all agree"
ASPECTS = ("protocols", "suites", "groups", "certificates")
ONE_BY_ONE = (
    "it offers one group at a time, and with an ECDSA certificate a server of TLS 1.2 takes none but the"
    " certificate's own that way (RFC 8422 §5.1)"
)
TOO_OLD = "it is older than the post-quantum groups (RFC 10024)"
EXPLAINED = {
    ("OpenSSL, TLS 1.2 with ECDSA", "groups"): ONE_BY_ONE,
    ("port443", "groups"): TOO_OLD,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that one scanner saw and the other did not."""

    server: str
    scanner: str
    aspect: str
    only_port443: frozenset[str]
    only_other: frozenset[str]

    @property
    def explanation(self) -> str | None:
        """Why it is so, when the other scanner misses what is there; more than we see is never excused."""
        return None if self.only_other else EXPLAINED.get((self.server, self.aspect))

    def __str__(self) -> str:
        missed, alone = (", ".join(sorted(one)) for one in (self.only_port443, self.only_other))
        parts = [f"{self.scanner} does not see {missed}"] if missed else []
        parts += [f"{self.scanner} alone sees {alone}"] if alone else []
        return f"{self.server}, {self.aspect}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One server, and how often each other scanner saw the same."""

    server: str
    seen: Seen
    verdicts: tuple[str, ...]


def check_agreement() -> tuple[str, bool]:
    """Compare all that is installed; return the report's text and whether every difference is explained.

    Without another scanner there is nothing to compare, and so no text.
    """
    tools = [scanner for scanner in SCANNERS if scanner.version]
    if not tools:
        sys.stderr.write("· no other scanner is installed: nothing is compared\n")
        return "", True
    rows, differences, notes = [], [], [f"{s.name} is not installed" for s in SCANNERS if not s.version]
    for name, server in SERVERS.items():
        sys.stderr.write(f"· comparing scans of {name}\n")
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                endpoint = stack.enter_context(server(place))
            except Missing as missing:
                notes.append(f"{name}: {missing}")
                continue
            row, found = _compare(name, endpoint, tools)
        rows.append(row)
        differences += found
    return _text(tools, rows, differences, notes), all(one.explanation for one in differences)


def _compare(name: str, endpoint: Endpoint, tools: list[Scanner]) -> tuple[Row, list[Difference]]:
    seen, verdicts, all_found = by_port443(endpoint), [], []
    for tool in tools:
        found = list(_differences(name, tool.name, seen, tool.look(endpoint)))
        verdicts.append("the same" if not found else ", ".join(one.aspect for one in found) + " differ")
        all_found += found
    return Row(name, seen, tuple(verdicts)), all_found


def _differences(server: str, scanner: str, ours: Seen, theirs: Seen) -> Iterator[Difference]:
    for aspect in ASPECTS:
        mine: frozenset[str] = getattr(ours, aspect)
        other: frozenset[str] = getattr(theirs, aspect)
        # A scanner that shows one certificate of two has not contradicted anybody.
        is_part = aspect == "certificates" and other and other <= mine
        if mine != other and not is_part:
            yield Difference(server, scanner, aspect, mine - other, other - mine)


def _text(tools: list[Scanner], rows: list[Row], differences: list[Difference], notes: list[str]) -> str:
    names = [f"{tool.name} {tool.version}" for tool in tools]
    lines = [
        "The same servers, each looked at by `port443 scan` and by other scanners: which protocols, which",
        "suites in each, which groups, and which certificates (key, names, end).",
        "",
        "| " + " | ".join(("server", "protocols", "suites", "groups", "certificates", *names)) + " |",
        "|---" * (5 + len(names)) + "|",
    ]
    for row in rows:
        counts = (str(len(getattr(row.seen, aspect))) for aspect in ASPECTS)
        lines.append("| " + " | ".join((row.server, *counts, *row.verdicts)) + " |")
    lines += ["", *(f"- Not compared: {note}." for note in notes)]
    lines += [f"- {one}. {_reason(one)}" for one in differences]
    return "\n".join(lines).rstrip() + "\n"


def _reason(difference: Difference) -> str:
    reason = difference.explanation
    return f"Explained: {reason}." if reason else "**Not explained.**"
