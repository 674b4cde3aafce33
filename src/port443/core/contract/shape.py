"""Decoded JSON to frozen dataclasses, by their field types and the rules on them."""

import dataclasses
import types
from enum import StrEnum
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from port443.core.contract.bounds import MAX_INTEGER
from port443.core.contract.rules import Rule
from port443.core.errors import EdgeError

T = TypeVar("T")


class DocumentInvalid(EdgeError):
    """A document breaks a rule of the contract; the path names the place.

    The running snapshot is untouched. It is a fault of port443: please report it with the message.
    """

    code = "P443-E355"
    name: ClassVar[str] = "document_invalid"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why


def read_shape(shape: type[T], value: Any, path: str = "", *, loose: bool = False) -> T:
    """Make a dataclass of decoded JSON; `loose` ignores unknown fields."""
    if not isinstance(value, dict):
        raise DocumentInvalid(path, "must be an object")
    hints = _hints(cast("Any", shape))
    filled = {}
    for field, hint in hints.items():
        if field not in value:
            raise DocumentInvalid(_below(path, field), "is missing")
        filled[field] = _read(hint, value[field], _below(path, field), loose=loose)
    if not loose and (unknown := value.keys() - hints.keys()):
        raise DocumentInvalid(_below(path, min(unknown)), "is not a field of the contract")
    return shape(**filled)


@cache
def _hints(shape: type) -> dict[str, Any]:
    every = get_type_hints(shape, include_extras=True)
    return {field.name: every[field.name] for field in dataclasses.fields(shape)}


def _below(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _read(hint: Any, value: Any, path: str, *, loose: bool) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _read_ruled(arguments, value, path, loose=loose)
    if origin is Literal:
        if value not in arguments or not isinstance(value, str):
            raise DocumentInvalid(path, f"must be one of {', '.join(arguments)}")
        return value
    if origin is tuple:
        return _read_array(arguments[0], value, path, loose=loose)
    if origin is dict:
        return _read_table(arguments, value, path, loose=loose)
    if origin in {types.UnionType, Union}:
        return _read_union(arguments, value, path, loose=loose)
    if dataclasses.is_dataclass(hint):
        return read_shape(cast("type[Any]", hint), value, path, loose=loose)
    return _read_scalar(hint, value, path)


def _read_ruled(arguments: tuple[Any, ...], value: Any, path: str, *, loose: bool) -> Any:
    hint, *rules = arguments
    read = _read(hint, value, path, loose=loose)
    for rule in cast("list[Rule]", rules):
        if fault := rule.fault(read):
            raise DocumentInvalid(path + fault.below, fault.why)
    return read


def _read_union(hints: tuple[Any, ...], value: Any, path: str, *, loose: bool) -> Any:
    if value is None and type(None) in hints:
        return None
    *others, last = (hint for hint in hints if hint is not type(None))
    for hint in others:
        try:
            return _read(hint, value, path, loose=loose)
        except DocumentInvalid:
            continue
    return _read(last, value, path, loose=loose)


def _read_array(hint: Any, value: Any, path: str, *, loose: bool) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise DocumentInvalid(path, "must be an array")
    return tuple(_read(hint, entry, f"{path}[{index}]", loose=loose) for index, entry in enumerate(value))


def _read_table(hints: tuple[Any, Any], value: Any, path: str, *, loose: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DocumentInvalid(path, "must be an object")
    table = {}
    for key, entry in value.items():
        place = _below(path, key)
        name = _read(hints[0], key, place, loose=loose)
        table[name] = _read(hints[1], entry, place, loose=loose)
    return table


def _read_scalar(hint: Any, value: Any, path: str) -> Any:
    if hint is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise DocumentInvalid(path, "must be an integer")
        if not 0 <= value <= MAX_INTEGER:
            raise DocumentInvalid(path, f"must be from 0 to {MAX_INTEGER}")
        return value
    if issubclass(hint, StrEnum):
        if value not in [member.value for member in hint]:
            raise DocumentInvalid(path, f"must be one of {', '.join(hint)}")
        return hint(value)
    if not isinstance(value, hint):
        raise DocumentInvalid(path, "must be a string" if hint is str else "must be true or false")
    return value
