"""Places in a text, and excerpts under which the caret stands right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.settings import error_kinds
from port443.settings.diagnostics import SHOWN, Diagnostic, SettingsInvalid
from port443.settings.source import MAX_EXCERPT, Place, Source


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_lines_end_in_three_ways(end: str) -> None:
    """Line and column are those an editor shows, whoever wrote the file."""
    source = Source("x", f"ab{end}{end}cde")
    assert source.place(source.text.index("d")) == Place(3, 2)


@given(st.lists(st.text("ab\té日", max_size=5), min_size=1), st.data())
def test_a_place_leads_back(lines: list[str], data: st.DataObject) -> None:
    """The character at a place is the one that was asked about."""
    source = Source("x", "\n".join(lines))
    at = data.draw(st.integers(0, len(source.text)))
    place = source.place(at)
    before = lines[: place.line - 1]
    assert sum(len(line) + 1 for line in before) + place.column - 1 == at


def test_a_span_ends_with_its_line() -> None:
    """What runs over several lines is underlined on its first one."""
    assert Source("x", "abc\ndef").place(1, 6) == Place(1, 2, 2)


@pytest.mark.parametrize(
    ("line", "column", "under"),
    [
        ("abc", 2, " ^"),
        ("\tabc", 2, "\t^"),
        ("日本x", 3, "    ^"),
        ("日", 1, "^^"),
        ("e\N{COMBINING ACUTE ACCENT}x", 3, " ^"),
        ("abc", 4, "   ^"),
    ],
)
def test_the_caret_stands_under_its_character(line: str, column: int, under: str) -> None:
    """Tabs stay tabs, wide letters count two cells, combining marks none."""
    first, second = Source("x", line).excerpt(Place(1, column)).splitlines()
    assert first == f"    1 | {line}"
    assert second == f"      | {under}"


def test_a_long_line_is_cut_around_its_place() -> None:
    """One line of a megabyte shows what matters of it."""
    text = "a" * 500 + "X" + "b" * 500
    first, second = Source("x", text).excerpt(Place(1, 501)).splitlines()
    assert len(first) == len("    1 | ") + MAX_EXCERPT
    assert first[second.index("^")] == "X"


def test_a_file_cannot_drive_a_terminal() -> None:
    """Control characters are shown as replacements, in excerpts and in messages."""
    source = Source("x", "a: \x1b[2J")
    error = SettingsInvalid(
        source, [Diagnostic(error_kinds.CHARACTER, source.place(3), "found \x1b[2J", "not \x9b")]
    )
    assert not any(sign in error.report() for sign in "\x1b\x9b")


def test_a_thousand_mistakes_are_shown_and_the_rest_counted() -> None:
    """Whoever corrects a file wants all of one run."""
    source, count = Source("x.yaml", "a\n" * 1030), SHOWN + 30
    diagnostics = [Diagnostic(error_kinds.KEY_UNKNOWN, source.place(at * 2), "no") for at in range(count)]
    error = SettingsInvalid(source, diagnostics)
    assert error.report().count("P443-E130") == SHOWN
    assert error.report().endswith("and 30 more")
    assert error.facts()["count"] == count
    assert error.message == f"x.yaml has {count} mistakes"
