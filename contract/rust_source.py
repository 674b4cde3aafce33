"""Make the edge's half of the contract: documents, requests, answers, events, closed sets and bounds."""

import dataclasses
import json
import textwrap
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from docstrings import docstrings
from port443.core.contract import bounds, reasons, tls_names, verbs
from port443.core.contract.bounds import MAX_INTEGER
from port443.core.contract.events import EVENTS, LIMITED
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.read import PARTS
from port443.core.contract.rules import (
    AcmeToken,
    Base64,
    KeyAuthorisation,
    Label,
    Named,
    OneOf,
    Pattern,
    PeerAddress,
    Range,
    Rule,
    Size,
    SocketAddress,
    Sorted,
    TcpPort,
    Unique,
    WorkerIndex,
)
from port443.core.contract.snapshot import Root
from port443.core.contract.stats import EdgeStats
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
MESSAGES_HEAD = HEAD.format(
    about="What crosses beside documents: requests and how they are read, answers, counters, events.",
    sources="`src/port443/core/contract`",
)
MESSAGES_USES = """\
use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::error::Fault;
use crate::event::EventKind;
use crate::generated_values::{
    Alpn, ChallengeKind, CipherSuite, Group, HandshakeFailure, Http2Cutoff, QuarantineCode,
    RequestRefusal, TlsFailure, TlsVersion, UpstreamFailure,
};
use crate::hash::Hash;
use crate::names::{id, socket_address};
use crate::read::{Fields, integer, list, object, worker_index};
"""
REQUESTS = (verbs.Sockets, verbs.TakeSockets, verbs.Expect, verbs.Events, verbs.Drain)
ANSWERS = (EdgeIdentity, verbs.SocketsSent, verbs.EventsBegin, verbs.Draining, EdgeStats)
WIDTHS = {"CONTRACT": "u64", "MAX_INTEGER": "u64", "DAY_MS": "u64", "LISTENER_BACKLOG": "i32"}
"""What is an integer in documents or a number of the system's; the others are lengths in memory."""
INSIDE_READERS = frozenset(
    {"MAX_LISTENERS", "MAX_NAMES", "MAX_SITES", "MAX_SERVERS", "MAX_TICKET_KEYS", "MAX_CHALLENGES"}
)
"""Bounds that the edge knows only by what the readers of documents refuse."""


def rust_values() -> str:
    """Return the file of what needs no reader: bounds, error codes, closed sets."""
    sets = [_closed_set(kind) for module in (tls_names, verbs, reasons) for kind in _enums(module)]
    return "\n".join([VALUES_HEAD, VALUES_USES, _bounds(bounds), _error_codes(), *sets])


def rust_documents() -> str:
    """Return the file of documents and their readers."""
    return "\n".join(
        [DOCUMENTS_HEAD, DOCUMENTS_USES, *map(_read, _shapes(Root, *PARTS.values())), _part_kinds()]
    )


def rust_messages() -> str:
    """Return the file of what crosses beside documents."""
    asked = _shapes(*REQUESTS)
    answered = [shape for shape in _shapes(*ANSWERS) if shape not in asked]
    return "\n".join([MESSAGES_HEAD, MESSAGES_USES, *map(_read, asked), *map(_written, answered), _events()])


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
        if isinstance(value, type) and issubclass(value, StrEnum) and len(value):
            yield value


def _closed_set(kind: type[StrEnum]) -> str:
    words = docstrings(kind)
    members = "".join(
        _doc(words.get(one.name, f"`{one.value}`"), 8) + f'        {_camel(one.name)} = "{one.value}",\n'
        for one in kind
    )
    listed = f"closed_set! {{\n{_doc(kind.__doc__, 4)}    {kind.__name__} {{\n{members}    }}\n}}\n"
    return listed + _answers(kind) if issubclass(kind, reasons.AnsweredReason) else listed


def _answers(kind: type[StrEnum]) -> str:
    """Return what a request that meets one of these reasons is answered."""
    functions = (_answer(kind, "status", "u16"), _answer(kind, "sentence", "&'static str"))
    return f"\nimpl {kind.__name__} {{\n" + "\n".join(functions) + "}\n"


def _answer(reason: type[StrEnum], attribute: str, kind: str) -> str:
    arms = (
        f"            Self::{_camel(one.name)} => {json.dumps(getattr(one, attribute))},\n" for one in reason
    )
    return (
        f"    /// The {attribute} of the page.\n"
        "    #[must_use]\n"
        f"    pub const fn {attribute}(self) -> {kind} {{\n"
        f"        match self {{\n{''.join(arms)}        }}\n    }}\n"
    )


def _shapes(*holders: type) -> list[type]:
    """Return every dataclass of these, what is inside before what holds it."""
    found: dict[type, None] = {}

    def visit(hint: Any) -> None:
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            for inner in get_type_hints(hint, include_extras=True).values():
                visit(inner)
            found.setdefault(hint)
        for argument in get_args(hint):
            visit(argument)

    for shape in holders:
        visit(shape)
    return list(found)


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    kind: str
    """The type in Rust."""
    reader: str
    is_copy: bool = False
    attribute: str = ""


def _read(shape: type) -> str:
    """Return a type that the edge reads, with its reader."""
    standard = _standard([field for field in dataclasses.fields(shape) if field.name != "kind"])
    base = _with_base(shape)
    return f"{_written(shape)}\nimpl {shape.__name__} {{\n{standard}{base}{_reader(_known(shape))}}}\n"


def _written(shape: type) -> str:
    """Return a type that the edge only writes."""
    known = _known(shape)
    derived = ["Clone", "PartialEq", "Eq", "Serialize"]
    if all(one.is_copy for one in known.values()):
        derived.insert(1, "Copy")
    if not _is_secret(shape):  # what is secret has no Debug, so that no log can hold it
        derived += ["Debug", "Hash"]
    derive = f"#[derive({', '.join(derived)})]\n"
    return f"{_doc(shape.__doc__)}{derive}pub struct {shape.__name__} {{\n{_fields(shape, 4, 'pub ')}}}\n"


def _is_secret(shape: type) -> bool:
    return not all(field.repr for field in dataclasses.fields(shape))


def _known(shape: type) -> dict[str, "_Field"]:
    """Return the fields but for the kind of a part, which its reader has read."""
    hints = get_type_hints(shape, include_extras=True)
    return {name: _field(hint) for name, hint in hints.items() if get_origin(hint) is not Literal}


def _fields(shape: type, indent: int, visibility: str) -> str:
    words = docstrings(shape)
    return "".join(
        f"{_doc(words.get(name), indent)}{one.attribute}{' ' * indent}{visibility}{name}: {one.kind},\n"
        for name, one in _known(shape).items()
    )


def _part_kinds() -> str:
    """Return a macro that hands the kinds of parts to another: type, name, look-up, whether it is secret."""
    lines = (
        f"{_doc(shape.__doc__, 12)}"
        f'            {shape.__name__} = "{kind}" {kind} {json.dumps(_is_secret(shape))},\n'
        for kind, shape in PARTS.items()
    )
    return PART_KINDS.format(kinds="".join(lines))


PART_KINDS = """\
macro_rules! with_part_kinds {{
    ($then:ident) => {{
        $then! {{
{kinds}        }}
    }};
}}

pub(crate) use with_part_kinds;
"""


def _events() -> str:
    """Return the enum of events, and which of them are limited."""
    variants = (
        _doc(shape.__doc__, 4)
        + (
            f"    {_camel(name)} {{\n{_fields(shape, 8, '')}    }},\n"
            if _known(shape)
            else f"    {_camel(name)},\n"
        )
        for name, shape in EVENTS.items()
    )
    limited = (
        f'            Self::{_camel(name)} {{ {field}, .. }} => ("{name}", {field}.as_str()),\n'
        for name, shape in EVENTS.items()
        if (field := LIMITED.get(shape))
    )
    return EVENT.format(variants="".join(variants), limited="".join(limited))


EVENT = """\
/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Event {{
{variants}}}

impl Event {{
    /// The kind, where clients can cause as many of it as they like.
    #[must_use]
    pub fn limited_kind(&self) -> Option<EventKind> {{
        let (event, reason) = match self {{
{limited}            _ => return None,
        }};
        Some(EventKind {{ event, reason }})
    }}
}}
"""


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


def _with_base(shape: type) -> str:
    """Return how the fields of a type that this one extends are replaced."""
    base = shape.__base__
    if base is None or not dataclasses.is_dataclass(base):
        return ""
    lines = (f"            {field.name}: own.{field.name},\n" for field in dataclasses.fields(base))
    return (
        f"    /// These with other values for what [`{base.__name__}`] holds.\n"
        "    #[must_use]\n"
        f"    pub fn with(self, own: {base.__name__}) -> Self {{\n"
        f"        Self {{\n{''.join(lines)}            ..self\n        }}\n    }}\n\n"
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
    if hint is int:
        return _Field("u64", f"integer(0..={MAX_INTEGER:_})", is_copy=True)
    if origin is tuple or origin is dict:
        return _unbounded(origin, arguments)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _scalar(OneOf(hint))
    if hint is str:
        return _Field("String", "text")
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        inside = get_type_hints(hint, include_extras=True).values()
        return _Field(
            hint.__name__, f"object({hint.__name__}::read)", all(_field(one).is_copy for one in inside)
        )
    raise TypeError(f"the edge has no type for {hint}")


def _unbounded(origin: type, arguments: tuple[Any, ...]) -> _Field:
    """Return the type of a list or table that the edge only writes."""
    first, last = (
        _field(arguments[0]).kind,
        _field(next(one for one in reversed(arguments) if one is not ...)).kind,
    )
    kind = f"Vec<{first}>" if origin is tuple else f"BTreeMap<{first}, {last}>"
    return _Field(kind, reader="")


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
        case WorkerIndex():
            return _Field("usize", "worker_index", is_copy=True)
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
        case SocketAddress() | PeerAddress():
            return _Field("SocketAddr", "socket_address", is_copy=True)
        case Base64(least, most) if least == most:
            return _Field(f"[u8; {least}]", "base64_array", attribute=SERIALIZED)
        case Base64(least, most):
            return _Field("Vec<u8>", f"base64({least}..={most:_})", attribute=SERIALIZED)
    raise TypeError(f"the edge has no reader for {rule}")
