"""The types of a scan's options, and nothing that a scan itself needs."""

import re
from typing import Final, Literal

import click

from port443.core.grade.baseline import Letter

Form = Literal["text", "json", "jsonl", "sarif", "junit"]
SCALE: Final = {letter.value: letter for letter in Letter if letter.rank <= Letter.F.rank}
DURATION: Final = re.compile(r"(\d{1,6})(s|m|)")


class Duration(click.ParamType[float]):
    """`30s`, `2m`, or a bare number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = DURATION.fullmatch(str(value))
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is no duration, such as 30s or 2m", param, ctx)
        return float(int(match[1]) * (60 if match[2] == "m" else 1))


class LetterGrade(click.ParamType[Letter]):
    """A letter of the scale, in capitals or not."""

    name = "grade"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Letter:
        letter = SCALE.get(str(value).strip().upper())
        if letter is None:
            self.fail(f"{value!r} is no grade; the scale is {' '.join(SCALE)}", param, ctx)
        return letter
