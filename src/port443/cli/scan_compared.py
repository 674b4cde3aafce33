"""How the addresses of a name differ, for people."""

from collections.abc import Iterator, Sequence

from port443.cli import output
from port443.cli.scan_lines import line, lines
from port443.core.grade.compare import Comparison, compare_addresses, shared_ticket_keys
from port443.core.grade.report import Report

MANY = 60
"""Letters of a value; longer ones are shown by what is not in all of them."""


def compared_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Write a section for each name with several addresses, and the keys that hosts share."""
    for one in compare_addresses(reports):
        yield ""
        yield output.paint(f"{one.target} at {len(one.addresses)} addresses", "strong")
        if not one.differences:
            yield line("good", "", "no differences were seen")
        for difference in one.differences:
            yield line("bad", "", difference.what)
            yield from _values(one, dict(difference.seen))
    for names in shared_ticket_keys(reports):
        yield ""
        yield from lines("note", "tickets", f"one key for the tickets of {', '.join(names)}")


def _values(one: Comparison, seen: dict[str, str]) -> Iterator[str]:
    common = set.intersection(*(set(text.split()) for text in seen.values()))
    for address in one.addresses:
        if address in seen:
            text = seen[address]
            words = [word for word in text.split() if word not in common]
            yield from lines(
                None, address, text if len(text) <= MANY else " ".join(words) or "nothing beside"
            )
