"""What differs between the addresses of one name, and which hosts share a ticket key."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from port443.core.grade.report import Report
from port443.core.wire.groups import group_name

NONE = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which addresses are not alike."""

    what: str
    seen: tuple[tuple[str, str], ...]
    """Each address with what was seen there."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The addresses of one name beside each other."""

    target: str
    addresses: tuple[str, ...]
    differences: tuple[Difference, ...]


def compare_addresses(reports: Iterable[Report]) -> tuple[Comparison, ...]:
    """Compare the addresses of each name that has several; what is unknown differs from nothing."""
    by_name: dict[str, list[Report]] = {}
    for report in reports:
        by_name.setdefault(str(report.target), []).append(report)
    return tuple(_compared(name, found) for name, found in by_name.items() if len(found) > 1)


def shared_ticket_keys(reports: Iterable[Report]) -> tuple[tuple[str, ...], ...]:
    """Return the targets of different names whose tickets name the same key: who has it opens all of them."""
    by_key: dict[str, dict[str, None]] = {}
    for report in reports:
        trait = report.facts.trait("ticket_key")
        if trait is not None and trait.verdict.is_yes:
            by_key.setdefault(trait.verdict.reason, {})[str(report.target)] = None
    return tuple(tuple(names) for names in by_key.values() if len(names) > 1)


def seen_facts(report: Report) -> dict[str, str]:
    """Return what was certainly seen of a server, by what it is."""
    return {what: text for what, read in READ.items() if (text := read(report)) is not None}


def _compared(name: str, reports: Sequence[Report]) -> Comparison:
    differences = []
    for what, read in READ.items():
        seen = [(report.endpoint.address, read(report)) for report in reports]
        known = {text for _, text in seen if text is not None}
        if len(known) > 1:
            pairs = tuple((address, text) for address, text in seen if text is not None)
            differences.append(Difference(what, pairs))
    addresses = tuple(report.endpoint.address for report in reports)
    return Comparison(name, addresses, tuple(differences))


def _versions(report: Report) -> str | None:
    server = report.facts.server
    if server.unknown_versions:
        return None
    return " ".join(version.label for version in server.offered) or NONE


def _suites(report: Report) -> str | None:
    if report.facts.server.incomplete_versions:
        return None
    return " ".join(sorted({suite.name for _, suite in report.facts.suites})) or NONE


def _groups(report: Report) -> str | None:
    server = report.facts.server
    if any(one.groups and one.complete.is_unknown for one in (server.groups_13, server.groups_12)):
        return None
    return " ".join(sorted(group_name(code) for code in server.groups)) or NONE


def _certificates(report: Report) -> str | None:
    chains = report.facts.chains
    return " ".join(sorted({chain.leaf.fingerprint.text for chain in chains})) or None


def _protocols(report: Report) -> str | None:
    found = report.facts.server.application_protocols
    if any(one.taken.is_unknown for one in found):
        return None
    return " ".join(one.name for one in found if one.taken.is_yes) or NONE


def _hsts(report: Report) -> str | None:
    web = report.facts.web
    return None if web.hsts.is_unknown else web.hsts_text or NONE


def _letter(report: Report) -> str | None:
    return None if report.grade.letter is None else report.grade.letter.value


READ: dict[str, Callable[[Report], str | None]] = {
    "grade": _letter,
    "protocols": _versions,
    "cipher suites": _suites,
    "groups": _groups,
    "ALPN": _protocols,
    "certificates": _certificates,
    "HSTS": _hsts,
}
