"""The errors of the YAML reader, as diagnostics at the position of their cause."""

from collections.abc import Sequence
from typing import Any, Final

from port443.settings import error_kinds
from port443.settings.diagnostics import Diagnostic
from port443.settings.guesses import spaced, spaced_bracket
from port443.settings.source import Source
from port443.settings.variables import variable_in

QUOTED_START: Final = "@`%"
"""Characters that no plain text may start with (YAML 1.2.2 §5.3)."""


def explain(error: Any, source: Source, last_scalar: tuple[int, int], open_flow: Sequence[int]) -> Diagnostic:
    """Turn an error with a mark into a diagnostic, given the last scalar and the open brackets."""
    problem = str(error.problem or "")
    at = error.problem_mark.index if error.problem_mark else 0
    context_at = error.context_mark.index if error.context_mark else at
    if variable := variable_in(source.line_at(at)):
        start = source.text.find(variable, source.text.rfind("\n", 0, at) + 1)
        place = source.place(start, start + len(variable))
        return Diagnostic(error_kinds.VARIABLE, place, f"{variable} is not replaced", "write its value")
    if hint := spaced_bracket(source.line_at(at).strip()):
        return _line(source, at, "no colon with a space behind it", hint)
    quoted = _quote_gone_wrong(source, last_scalar)
    if "quoted scalar" in str(error.context) and "end of stream" in problem:
        return _quote(source, context_at)
    if quoted is not None:
        return _quote(source, quoted)
    if "'\\t'" in problem:
        return _at(source, at, error_kinds.TAB, "a tab in the indentation", "use spaces")
    if open_flow and not problem.startswith("found character"):
        return _bracket(source, open_flow[-1], at)
    return _block(source, problem, at, context_at, last_scalar)


def explain_character(error: Any, source: Source) -> Diagnostic:
    """Turn the reader's error about a character into a diagnostic."""
    position = getattr(error, "position", 0)
    at = position if isinstance(position, int) else 0
    letter = source.text[at : at + 1]
    name = f"U+{ord(letter):04X}" if letter else "a character"
    return _at(source, at, error_kinds.CHARACTER, f"{name} is not allowed in YAML", "delete it")


def _block(
    source: Source, problem: str, at: int, context_at: int, last_scalar: tuple[int, int]
) -> Diagnostic:
    """Explain an error outside quotes and brackets."""
    letter = source.text[at : at + 1]
    if "mapping values are not allowed" in problem:
        return _colon(source, at, last_scalar[0])
    if "could not find expected ':'" in problem:
        hint = _with_colon(source.line_at(context_at))
        return _at(
            source, context_at, error_kinds.YAML_SYNTAX, "this line has no colon with a space behind it", hint
        )
    if "cannot start any token" in problem and letter in QUOTED_START:
        return _at(
            source, at, error_kinds.YAML_SYNTAX, f"text cannot start with {letter}", "put it between quotes"
        )
    if "unknown escape character" in problem:
        text = f"\\{letter} is not an escape in YAML"
        return _at(
            source, at, error_kinds.YAML_SYNTAX, text, "use single quotes, or write \\\\ for a backslash"
        )
    if "but found '<scalar>'" in problem or "but found ('<scalar>'" in problem:
        hint = spaced(source.line_at(at).strip()) or "quote the whole value"
        return _at(source, at, error_kinds.YAML_SYNTAX, "this text follows a value that has ended", hint)
    if "<block end>" in problem:
        hint = "start it in the same column as the lines it belongs to"
        return _at(
            source, at, error_kinds.INDENTATION, "this line is indented differently from its neighbours", hint
        )
    if "incompatible YAML" in problem:
        return _at(source, at, error_kinds.YAML_VERSION, "settings are YAML 1.2", "remove the %YAML line")
    if letter and letter in "]}":
        return _at(source, at, error_kinds.YAML_SYNTAX, f"this {letter} closes nothing", "remove it")
    return _at(
        source, at, error_kinds.YAML_SYNTAX, f"this cannot be read as YAML: {problem or 'no reason given'}"
    )


def _colon(source: Source, at: int, scalar_start: int) -> Diagnostic:
    """Explain a second colon in a line, a key under a value, or a key whose colon was not seen."""
    line_start = source.text.rfind("\n", 0, at) + 1
    before = source.text[line_start:at]
    if ": " in before:
        return _at(source, at, error_kinds.YAML_SYNTAX, "a second colon in one line", "quote the value")
    scalar_line = source.text[source.text.rfind("\n", 0, scalar_start) + 1 : scalar_start]
    if scalar_start < line_start and not scalar_line.strip(" -"):
        hint = _with_colon(source.line_at(scalar_start))
        return _at(source, scalar_start, error_kinds.YAML_SYNTAX, "no colon with a space behind it", hint)
    hint = "a key that has a value on its line can have nothing below it; check the line above"
    return _at(
        source,
        line_start + len(before) - len(before.lstrip()),
        error_kinds.INDENTATION,
        "this line is too deep",
        hint,
    )


def _with_colon(line: str) -> str:
    """Return a hint with the line as it should be written, where that is clear."""
    text = line.strip()
    if spaceless := spaced(text):
        return spaceless
    name, equals, value = (part.strip() for part in text.partition("="))
    return f"write `{name}: {value}`" if equals and name.isidentifier() and value else "write `name: value`"


def _quote_gone_wrong(source: Source, last_scalar: tuple[int, int]) -> int | None:
    """Return where the last scalar starts when it is quoted and runs over several lines."""
    start, end = last_scalar
    text = source.text[start:end]
    return start if text[:1] in {"'", '"'} and "\n" in text else None


def _quote(source: Source, at: int) -> Diagnostic:
    sign = source.text[at : at + 1]
    return _at(
        source,
        at,
        error_kinds.QUOTE_UNCLOSED,
        "this quote is not closed on its line",
        f"close it with {sign}",
    )


def _bracket(source: Source, opened: int, at: int) -> Diagnostic:
    sign = source.text[opened : opened + 1]
    closing = {"[": "]", "{": "}"}.get(sign, "]")
    if "\n" in source.text[opened:at] or not source.text[at:].strip():
        return _at(
            source,
            opened,
            error_kinds.BRACKET_UNCLOSED,
            f"this {sign} is not closed",
            f"close it with {closing}",
        )
    text = f"a comma or {closing} is missing before this"
    return _at(
        source, at, error_kinds.BRACKET_UNCLOSED, text, "quote text that has brackets, commas or colons in it"
    )


def _line(source: Source, at: int, message: str, hint: str) -> Diagnostic:
    """Return a mistake of the line that a character stands in, at its first letter."""
    start = source.text.rfind("\n", 0, at) + 1
    return _at(
        source,
        start + len(source.text[start:]) - len(source.text[start:].lstrip()),
        error_kinds.YAML_SYNTAX,
        message,
        hint,
    )


def _at(source: Source, index: int, kind: error_kinds.ErrorKind, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(kind, source.place(index), message, hint)
