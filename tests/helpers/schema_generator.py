"""Make the contract's JSON Schemas from the dataclasses: their types, their rules and their docstrings."""

import ast
import dataclasses
import inspect
import textwrap
import types
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from port443.core.contract.events import EVENTS
from port443.core.contract.read import PARTS
from port443.core.contract.rules import Rule
from port443.core.contract.snapshot import CONTRACT, MAX_INTEGER, Root
from port443.core.control.status import StatusDocument

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FRAME = {
    "number": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER,
               "description": "Counts up within a boot; 0 when a slow reader is told what it has lost."},
    "boot": {"type": "string", "description": "Which start of the edge this is."},
    "at_ms": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER,
              "description": "Milliseconds since 1970."},
}  # fmt: skip


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema of the contract by its file name."""
    return {
        "snapshot.schema.json": snapshot_schema(),
        "events.schema.json": events_schema(),
        "status.schema.json": status_schema(),
    }


def snapshot_schema() -> dict[str, Any]:
    """Describe the root and the parts of contract documents."""
    definitions: dict[str, Any] = {}
    documents = [_reference(kind, definitions) for kind in (Root, *PARTS.values())]
    return {
        "$schema": DRAFT,
        "title": f"port443 contract {CONTRACT}: the documents of a snapshot",
        "description": "An object with a kind is a part, one without is the root.",
        "oneOf": documents,
        "$defs": dict(sorted(definitions.items())),
    }


def events_schema() -> dict[str, Any]:
    """Describe one line of the edge's event stream."""
    definitions: dict[str, Any] = {}
    for name, shape in EVENTS.items():
        event = _object(shape, definitions)
        event["properties"] = {**FRAME, "name": {"const": name}, **event["properties"]}
        event["required"] = [*FRAME, "name", *event["required"]]
        definitions[name] = event
    return {
        "$schema": DRAFT,
        "title": f"port443 contract {CONTRACT}: the events of the edge",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in EVENTS],
        "$defs": dict(sorted(definitions.items())),
    }


def status_schema() -> dict[str, Any]:
    """Describe what `port443 status --json` prints."""
    definitions: dict[str, Any] = {}
    document = _object(StatusDocument, definitions)
    return {
        "$schema": DRAFT,
        "title": "port443.status/1",
        **document,
        "$defs": dict(sorted(definitions.items())),
    }


def _reference(shape: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if shape.__name__ not in definitions:
        definitions[shape.__name__] = {}  # holds the place while its own fields are described
        definitions[shape.__name__] = (
            _enumeration(shape) if issubclass(shape, StrEnum) else _object(shape, definitions)
        )
    return {"$ref": f"#/$defs/{shape.__name__}"}


def _enumeration(shape: type[StrEnum]) -> dict[str, Any]:
    return {"description": shape.__doc__, "enum": [member.value for member in shape]}


def _object(shape: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(shape, include_extras=True)
    words = _field_docstrings(shape)
    properties = {}
    for field in dataclasses.fields(shape):
        described = _described(hints[field.name], definitions)
        if field.name in words:
            described["description"] = words[field.name]
        properties[field.name] = described
    return {
        "description": shape.__doc__,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@cache
def _field_docstrings(shape: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(shape))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, words in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match words:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = text
    return found


def _described(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ruled(arguments[0], arguments[1:], definitions)
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _described(arguments[0], definitions)}
    if origin is dict:
        names, entries = (_described(argument, definitions) for argument in arguments)
        return {"type": "object", "propertyNames": names, "additionalProperties": entries}
    if origin is types.UnionType or type(None) in arguments:
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return {"anyOf": [_described(inner, definitions), {"type": "null"}]}
    if hint is int:
        return {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
    if hint in {str, bool}:
        return {"type": "string" if hint is str else "boolean"}
    return _reference(hint, definitions)


def _ruled(hint: Any, rules: tuple[Rule, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    described = _described(hint, definitions)
    for rule in rules:
        described |= rule.keywords()
    if described.get("type") == "object":  # entries of a table are properties
        described["maxProperties"] = described.pop("maxItems")
        described["minProperties"] = described.pop("minItems")
    return described
