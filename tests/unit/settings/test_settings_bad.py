"""Wrong settings files: each says in its first lines where it is wrong, and how."""

import re
from pathlib import Path

import pytest

from port443.settings import error_kinds
from port443.settings.diagnostics import SettingsInvalid
from port443.settings.load import load

FILES = sorted((Path(__file__).parents[2] / "settings_bad").iterdir())
EXPECTED = re.compile(rb"# expect ([0-9]+):([0-9]+) (P443-E[0-9]+) ([a-z0-9-]+)")


def expected(path: Path) -> list[tuple[int, int, str, str]]:
    found = EXPECTED.findall(path.read_bytes())
    return sorted(
        (int(line), int(column), code.decode(), word.decode()) for line, column, code, word in found
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_mistake_is_told_at_its_place(path: Path) -> None:
    """All mistakes of a file come in one run, in order, each with its line, column, code and word."""
    with pytest.raises(SettingsInvalid) as caught:
        load(path)
    told = [
        (one.place.line, one.place.column, one.kind.code, one.kind.name) for one in caught.value.diagnostics
    ]
    assert expected(path) == told


def test_every_kind_of_mistake_has_a_wrong_file() -> None:
    """No kind of mistake is without an example, but those that no small text file can show."""
    shown = {code for path in FILES for _, _, code, _ in expected(path)}
    elsewhere = {error_kinds.FILE_TOO_LARGE.code, error_kinds.TOO_MANY.code}
    assert set(error_kinds.ERROR_KINDS) - elsewhere == shown
