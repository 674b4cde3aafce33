"""Make the edge's half of the contract: documents and how they are read, closed sets, bounds, error codes."""

import dataclasses
import json
import textwrap
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from docstrings import docstrings
from port443.core.contract import bounds, reasons, tls_names
from port443.core.contract.read import PARTS
from port443.core.contract.rules import (
    AcmeToken,
    Base64,
    KeyAuthorisation,
    Label,
    Named,
    OneOf,
    Pattern,
    Range,
    Rule,
    Size,
    SocketAddress,
    Sorted,
    TcpPort,
    Unique,
)
from port443.core.contract.snapshot import Root
from port443.edge.errors import REFUSALS

WIDTH = 95
HEAD = """\
//! {about}
//!
//! Written by `make contract` from {sources}.
#![allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::match_same_arms,
    reason = "the words are those of the Python side, which documents what a name does not say"
)]
"""
VALUES_HEAD = HEAD.format(
    about="The contract's closed sets, bounds and error codes.",
    sources="`src/port443/core/contract` and `src/port443/edge/errors.py`",
)
VALUES_USES = """\
use crate::closed_set::{closed_set, error_codes};
"""
DOCUMENTS_HEAD = HEAD.format(
    about="The contract's documents and how they are read.", sources="`src/port443/core/contract`"
)
DOCUMENTS_USES = """\
use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::error::Fault;
use crate::generated_values::{Alpn, CipherSuite, Group, Role, TlsVersion};
use crate::hash::Hash;
use crate::names::{
    check_site_name, check_token, id, key_authorisation, site_name, socket_address, upstream_host,
};
use crate::read::{
    Fields, all_base64, all_base64_or_null, as_base64, base64, base64_array, boolean, distinct, hash,
    integer, list, map, nullable, object, one_of, port, sorted, text,
};
"""
WIDTHS = {"CONTRACT": "u64", "MAX_INTEGER": "u64", "DAY_MS": "u64", "LISTENER_BACKLOG": "i32"}
"""What is an integer in documents or a number of the system's; the others are lengths in memory."""
INSIDE_READERS = frozenset(
    {"MAX_LISTENERS", "MAX_NAMES", "MAX_SITES", "MAX_SERVERS", "MAX_TICKET_KEYS", "MAX_CHALLENGES"}
)
"""Bounds that the edge knows only by what the readers of documents refuse."""


def rust_values() -> str:
    """Return the file of what needs no reader: bounds, error codes, closed sets."""
    sets = [_closed_set(kind) for module in (tls_names, reasons) for kind in _enums(module)]
    return "\n".join([VALUES_HEAD, VALUES_USES, _bounds(bounds), _error_codes(), *sets])


def rust_documents() -> str:
    """Return the file of documents and their readers."""
    return "\n".join([DOCUMENTS_HEAD, DOCUMENTS_USES, *map(_document, _shapes())])


def _doc(text: str | None, indent: int = 0) -> str:
    words = " ".join((text or "").split())
    lines = textwrap.wrap(words, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{' ' * indent}/// {line}\n" for line in lines)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _bounds(module: ModuleType) -> str:
    words = docstrings(module)
    constants = "".join(
        _doc(words.get(name), 4) + f"    pub const {name}: {WIDTHS.get(name, 'usize')} = {value:_};\n"
        for name, value in vars(module).items()
        if isinstance(value, int) and name not in INSIDE_READERS
    )
    return f"/// Bounds that no single field states.\npub mod bounds {{\n{constants}}}\n"


def _error_codes() -> str:
    lines = (
        _doc((refusal.__doc__ or "").partition("\n\n")[0], 4)
        + f'    {_camel(vars(refusal)["name"])} = "{code}" "{vars(refusal)["name"]}",\n'
        for code, refusal in REFUSALS.items()
    )
    return f"error_codes! {{\n{''.join(lines)}}}\n"


def _enums(module: ModuleType) -> Iterator[type[StrEnum]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum:
            yield value


def _closed_set(kind: type[StrEnum]) -> str:
    words = docstrings(kind)
    members = "".join(
        _doc(words.get(one.name, f"`{one.value}`"), 8) + f'        {_camel(one.name)} = "{one.value}",\n'
        for one in kind
    )
    listed = f"closed_set! {{\n{_doc(kind.__doc__, 4)}    {kind.__name__} {{\n{members}    }}\n}}\n"
    return listed + _answers() if kind is reasons.RequestRefusal else listed


def _answers() -> str:
    """Return what a refused request is answered."""
    functions = (_answer("status", "u16"), _answer("sentence", "&'static str"))
    return "\nimpl RequestRefusal {\n" + "\n".join(functions) + "}\n"


def _answer(attribute: str, kind: str) -> str:
    arms = (
        f"            Self::{_camel(one.name)} => {json.dumps(getattr(one, attribute))},\n"
        for one in reasons.RequestRefusal
    )
    return (
        f"    /// The {attribute} of the page.\n"
        "    #[must_use]\n"
        f"    pub const fn {attribute}(self) -> {kind} {{\n"
        f"        match self {{\n{''.join(arms)}        }}\n    }}\n"
    )


def _shapes() -> list[type]:
    """Return every dataclass of the documents, what is inside before what holds it."""
    found: dict[type, None] = {}

    def visit(hint: Any) -> None:
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            for inner in get_type_hints(hint, include_extras=True).values():
                visit(inner)
            found.setdefault(hint)
        for argument in get_args(hint):
            visit(argument)

    for shape in (Root, *PARTS.values()):
        visit(shape)
    return list(found)


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    kind: str
    """The type in Rust."""
    reader: str
    is_copy: bool = False
    attribute: str = ""


def _document(shape: type) -> str:
    fields = [field for field in dataclasses.fields(shape) if field.name != "kind"]
    hints, words = get_type_hints(shape, include_extras=True), docstrings(shape)
    known = {field.name: _field(hints[field.name]) for field in fields}
    derived = ["Clone", "PartialEq", "Eq", "Serialize"]
    if all(one.is_copy for one in known.values()):
        derived.insert(1, "Copy")
    if all(field.repr for field in fields):  # what is secret has no Debug, so that no log can hold it
        derived += ["Debug", "Hash"]
    lines = [_doc(shape.__doc__), f"#[derive({', '.join(derived)})]\npub struct {shape.__name__} {{\n"]
    for name, one in known.items():
        lines += [_doc(words.get(name), 4), one.attribute, f"    pub {name}: {one.kind},\n"]
    lines.append(f"}}\n\nimpl {shape.__name__} {{\n{_standard(fields)}{_reader(known)}}}\n")
    return "".join(lines)


def _standard(fields: list[dataclasses.Field[Any]]) -> str:
    if any(not isinstance(field.default, int | NoneType) for field in fields):
        return ""
    values = (
        f"        {field.name}: {'None' if field.default is None else f'{field.default:_}'},\n"
        for field in fields
    )
    return (
        "    /// What holds when nothing else is asked for.\n"
        f"    pub const STANDARD: Self = Self {{\n{''.join(values)}    }};\n\n"
    )


def _reader(known: dict[str, _Field]) -> str:
    lines = (f'            {name}: fields.take("{name}", {one.reader})?,\n' for name, one in known.items())
    return (
        "    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {\n"
        f"        Ok(Self {{\n{''.join(lines)}        }})\n    }}\n"
    )


def _field(hint: Any) -> _Field:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ruled(arguments[0], arguments[1:])
    if origin is Literal:
        raise TypeError(f"{hint} is no closed set with a name: make it a StrEnum")
    if origin is UnionType or NoneType in arguments:
        inner = _field(next(argument for argument in arguments if argument is not NoneType))
        attribute = inner.attribute.replace("all_base64", "all_base64_or_null")
        return _Field(f"Option<{inner.kind}>", f"nullable({inner.reader})", inner.is_copy, attribute)
    if hint is bool:
        return _Field("bool", "boolean", is_copy=True)
    if hint is str:
        return _Field("String", "text")
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        inside = get_type_hints(hint, include_extras=True).values()
        return _Field(
            hint.__name__, f"object({hint.__name__}::read)", all(_field(one).is_copy for one in inside)
        )
    raise TypeError(f"the edge has no type for {hint}")


def _ruled(hint: Any, rules: tuple[Rule, ...]) -> _Field:
    if hint is int or hint is str:
        return _scalar(rules[0])
    size = next(rule for rule in rules if isinstance(rule, Size))
    if get_origin(hint) is dict:
        key, entry = get_args(hint)
        check = KEY_CHECKS[type(get_args(key)[1])]
        entry = _field(entry)
        return _Field(f"BTreeMap<String, {entry.kind}>", f"map({size.most:_}, {check}, {entry.reader})")
    entry = _field(get_args(hint)[0])
    how = next(
        (word for kind, word in ORDERS.items() if any(isinstance(rule, kind) for rule in rules)), "list"
    )
    return _Field(
        f"Vec<{entry.kind}>",
        f"{how}({size.least:_}..={size.most:_}, {entry.reader})",
        attribute=entry.attribute.replace("as_base64", "all_base64"),
    )


KEY_CHECKS: dict[type, str] = {Named: "check_site_name", AcmeToken: "check_token"}
ORDERS: dict[type, str] = {Sorted: "sorted", Unique: "distinct"}
SERIALIZED = '    #[serde(serialize_with = "as_base64")]\n'


def _scalar(rule: Rule) -> _Field:
    match rule:
        case TcpPort():
            return _Field("u16", "port", is_copy=True)
        case Range(least, most):
            return _Field("u64", f"integer({least:_}..={most:_})", is_copy=True)
        case OneOf(choices):
            about = " ".join((choices.__doc__ or "").split()).removesuffix(".").partition(" (")[0]
            about = about[0].lower() + about[1:]
            return _Field(choices.__name__, f'one_of({choices.__name__}::parse, "{about}")', is_copy=True)
        case KeyAuthorisation():
            return _Field("String", "key_authorisation")
        case Pattern():
            return _Field("Hash", "hash", is_copy=True)
        case Named(wildcard):
            return _Field("String", "site_name" if wildcard else "upstream_host")
        case Label():
            return _Field("String", "id")
        case SocketAddress():
            return _Field("SocketAddr", "socket_address", is_copy=True)
        case Base64(least, most) if least == most:
            return _Field(f"[u8; {least}]", "base64_array", attribute=SERIALIZED)
        case Base64(least, most):
            return _Field("Vec<u8>", f"base64({least}..={most:_})", attribute=SERIALIZED)
    raise TypeError(f"the edge has no reader for {rule}")
