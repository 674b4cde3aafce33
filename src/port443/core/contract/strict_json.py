"""Parse JSON as the edge does (RFC 8259), without the freedoms that Python's reader takes."""

import json
import math
from typing import Any, ClassVar

from port443.core.errors import EdgeError

MAX_DEPTH = 127


class BadJson(EdgeError):
    """The bytes are not one JSON object in UTF-8, or a key of it is a duplicate.

    Two programs of different versions, or a file changed by hand: start the edge of the same version.
    """

    code = "P443-E350"
    name: ClassVar[str] = "bad_json"
    path = ""


def read_json(raw: bytes) -> Any:
    """Return the value of one JSON text in UTF-8; integers and other numbers stay apart."""
    try:
        value = json.loads(
            raw.decode(),  # strictly: no UTF-16, no byte order mark, no half characters
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_integer,
            parse_constant=_constant,
        )
        _refuse_lone_surrogates(value)
    except (ValueError, RecursionError) as error:
        raise BadJson(f"not JSON: {error}") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("duplicate key in an object")
    return fields


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError("a number is out of range")
    return number


def _integer(text: str) -> int | float:
    # "-0" is an integer to Python and a float to the edge; neither is one of the contract's numbers.
    return float(text) if text == "-0" or len(text) > 20 else int(text)


def _constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _refuse_lone_surrogates(value: Any) -> None:
    """Refuse text that is not Unicode and nesting deeper than the edge accepts."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        for text in level:
            if isinstance(text, str):
                text.encode()
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []
