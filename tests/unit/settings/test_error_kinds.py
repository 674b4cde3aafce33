"""The kinds of settings errors."""

import re

from port443.core.errors import SettingsError
from port443.core.names import NameInvalid
from port443.settings import diagnostics
from port443.settings.error_kinds import ERROR_KINDS


def test_codes_and_names_are_unique() -> None:
    """A code means one thing, for ever."""
    kinds = list(ERROR_KINDS.values())
    assert len({kind.code for kind in kinds}) == len({kind.name for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"P443-E1[0-9]{2}", kind.code) for kind in kinds)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.name) for kind in kinds)


def test_no_code_is_an_error_class_too() -> None:
    """What `explain` looks up has one answer; only an invalid name is both a kind and an error class."""
    classes = {
        diagnostics.SettingsInvalid,
        diagnostics.SettingsUnreadable,
        diagnostics.FlagsInvalid,
        NameInvalid,
    }
    assert classes <= set(_errors(SettingsError))
    assert {one.code for one in _errors(SettingsError)} & set(ERROR_KINDS) == {NameInvalid.code}


def test_each_kind_explains_itself() -> None:
    """Cause and way out, in sentences."""
    assert all(
        kind.explanation.strip().endswith((".", "9000", "[letsencrypt]", "}"))
        for kind in ERROR_KINDS.values()
    )


def _errors(of: type[SettingsError]) -> list[type[SettingsError]]:
    return [one for child in of.__subclasses__() for one in (child, *_errors(child))]
