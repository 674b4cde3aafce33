"""The kinds of mistakes."""

import re

from port443.core.errors import SettingsError
from port443.core.names import NameInvalid
from port443.settings import mistakes
from port443.settings.kinds import MISTAKES


def test_codes_and_words_are_unique() -> None:
    """A code means one thing, for ever."""
    kinds = list(MISTAKES.values())
    assert len({kind.code for kind in kinds}) == len({kind.word for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"P443-E1[0-9]{2}", kind.code) for kind in kinds)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.word) for kind in kinds)


def test_no_code_is_an_error_class_too() -> None:
    """What `explain` looks up has one answer; only a wrong name is both a mistake and an error."""
    classes = {mistakes.SettingsWrong, mistakes.SettingsUnreadable, mistakes.FlagsWrong, NameInvalid}
    assert classes <= set(_errors(SettingsError))
    assert {one.code for one in _errors(SettingsError)} & set(MISTAKES) == {NameInvalid.code}


def test_each_kind_explains_itself() -> None:
    """Cause and way out, in sentences."""
    assert all(kind.explanation.strip().endswith((".", "9000")) for kind in MISTAKES.values())


def _errors(of: type[SettingsError]) -> list[type[SettingsError]]:
    return [one for child in of.__subclasses__() for one in (child, *_errors(child))]
