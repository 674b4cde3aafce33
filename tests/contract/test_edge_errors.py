"""Python's names for the edge's refusals are those of contract/errors.json."""

import json
from pathlib import Path

import pytest

from port443.core.contract.shape import DocumentInvalid
from port443.edge.errors import REFUSALS, EdgeRefused, refusal_of

ERRORS = json.loads((Path(__file__).parents[2] / "contract" / "errors.json").read_text())


def test_every_refusal_has_its_error() -> None:
    """Codes and names are one list in both languages."""
    assert {code: entry["name"] for code, entry in ERRORS.items()} == {
        code: vars(kind)["name"] for code, kind in REFUSALS.items()
    }
    assert all(len(kind.__doc__ or "") > 40 for kind in REFUSALS.values())


@pytest.mark.parametrize("code", ERRORS)
def test_a_refusal_becomes_the_error_of_its_code(code: str) -> None:
    """The code is kept, and so are the words."""
    error = refusal_of(code, "parts[0]", "parts[0]: is wrong")
    assert (error.code, type(error)) == (code, REFUSALS[code])
    assert "is wrong" in error.message


def test_a_place_is_named_once() -> None:
    """The edge's message begins with the path already."""
    error = refusal_of("P443-E355", "parts[0].id", "parts[0].id: is wrong")
    assert isinstance(error, DocumentInvalid)
    assert (error.message, error.path, error.why) == ("parts[0].id: is wrong", "parts[0].id", "is wrong")


def test_an_unknown_code_is_told_as_it_is() -> None:
    error = refusal_of("P443-E399", "", "moon in the way")
    assert isinstance(error, EdgeRefused)
    assert error.message == "the edge refused: P443-E399: moon in the way"
