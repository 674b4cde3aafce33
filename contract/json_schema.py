"""Make the contract's JSON Schemas from the dataclasses: their types, their rules and their docstrings."""

import dataclasses
import types
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from docstrings import docstrings
from port443.core.contract.bounds import CONTRACT, MAX_INTEGER
from port443.core.contract.events import EVENTS
from port443.core.contract.read import PARTS
from port443.core.contract.rules import Rule
from port443.core.contract.snapshot import Root
from port443.core.control.certificates import (
    CertificateDocument,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    PreflightDocument,
)
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
        "status.schema.json": document_schema(StatusDocument, "port443.status/1"),
        "cert.list.schema.json": document_schema(CertificatesDocument, "port443.cert.list/1"),
        "cert.show.schema.json": document_schema(CertificateDocument, "port443.cert.show/1"),
        "cert.order.schema.json": document_schema(CertificateOrdered, "port443.cert.order/1"),
        "cert.preflight.schema.json": document_schema(PreflightDocument, "port443.cert.preflight/1"),
        "cert.revoke.schema.json": document_schema(CertificateRevoked, "port443.cert.revoke/1"),
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


def document_schema(shape: type, title: str) -> dict[str, Any]:
    """Describe what a command prints with `--json`."""
    definitions: dict[str, Any] = {}
    document = _object(shape, definitions)
    return {
        "$schema": DRAFT,
        "title": title,
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
    words = docstrings(shape)
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
    if origin in {types.UnionType, Union}:
        return {"anyOf": [_described(argument, definitions) for argument in arguments]}
    if hint is types.NoneType:
        return {"type": "null"}
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
