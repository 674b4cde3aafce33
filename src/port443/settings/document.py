"""YAML 1.2 to a tree of values with their positions. Only this file and `events` import ruamel."""

import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from port443.settings import error_kinds, events, syntax
from port443.settings.diagnostics import Diagnostic
from port443.settings.guesses import spaced, spaced_bracket
from port443.settings.source import Source
from port443.settings.variables import variable_at, variable_in

MAX_DEPTH: Final = 16
NUMBER_START: Final = frozenset("0123456789+-.")
WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""YAML 1.2.2 §10.3.2, the core schema."""
INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
BASED: Final = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


class Node:
    """A value, and the indices in the text where it starts and ends."""

    __slots__ = ("end", "entries", "excused", "items", "keys", "start", "value")

    def __init__(self, start: int, end: int, value: Any) -> None:
        self.start = start
        self.end = end
        self.value = value
        """Plain text, numbers, lists and dictionaries."""
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, tuple[int, int]] = {}
        """The start and end of each key of a mapping."""
        self.items: list[Node] = []
        self.excused = False
        """Whether this value has a diagnostic already; what follows from it is not reported again."""


class _Stopped(Exception):
    """The rest of the file cannot be read; the reason is among the diagnostics."""


def read(source: Source) -> tuple[Node | None, list[Diagnostic]]:
    """Read the one document of `source`; without a node the diagnostics hold the reason."""
    composer = _Composer(source)
    try:
        node = composer.document()
    except _Stopped:
        return None, composer.diagnostics
    except MarkedYAMLError as error:
        found = syntax.explain(error, source, composer.last_scalar, composer.open_flow)
        return None, [*composer.diagnostics_before(found), found]
    except YAMLError as error:  # the reader's: a character that no YAML may have
        return None, [*composer.diagnostics, syntax.explain_character(error, source)]
    except (ValueError, OverflowError, IndexError, AttributeError, TypeError) as error:
        # ruamel turns escapes such as "\UFFFFFFFF" into characters without a check.
        at = max(source.text.find("\\U", composer.last_scalar[1]), 0)
        text = f"this cannot be read: {error}"
        return None, [*composer.diagnostics, Diagnostic(error_kinds.YAML_SYNTAX, source.place(at), text)]
    return node, composer.diagnostics


class _Composer:
    """Events to nodes, with a diagnostic for what YAML allows and settings do not."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.last_scalar = (0, 0)
        """Start and end of the scalar read last: where an unclosed quote shows."""
        self.open_flow: list[int] = []
        """The positions of the brackets that are open."""
        self.depth = 0
        self.events: Iterator[Any] = events.parse(source.text)

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._stop(error_kinds.SEVERAL_DOCUMENTS, event, "a second document starts here")
                self._check_version(event)
            elif isinstance(event, NodeEvent):
                root = self._node(event)
        return root

    def diagnostics_before(self, found: Diagnostic) -> list[Diagnostic]:
        """Return the diagnostics without those that follow from the syntax error, or say the same."""
        last = self.source.place(self.last_scalar[0])
        return [
            one
            for one in self.diagnostics
            if (one.kind not in {error_kinds.QUOTE_UNCLOSED, error_kinds.SEVERAL_LINES} or one.place < last)
            and (one.place.line, one.hint) != (found.place.line, found.hint)
        ]

    def _check_version(self, event: DocumentStartEvent) -> None:
        if event.version and tuple(event.version) != (1, 2):
            asked = ".".join(map(str, event.version))
            self._stop(
                error_kinds.YAML_VERSION, event, f"the file asks for YAML {asked}; settings are YAML 1.2"
            )

    def _node(self, event: Any) -> Node:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event)
        return self._collection(event)

    def _scalar(self, event: Any) -> Node:
        first, last = event.start_mark, event.end_mark
        self.last_scalar = (first.index, last.index)
        node = Node(first.index, last.index, event.value)
        if event.anchor is not None or event.ctag is not None:
            self._refuse_decoration(event, node)
        if variable := variable_in(event.value):
            self._refuse_variable(variable, node)
        elif first.line != last.line:
            self._refuse_lines(event, node)
        elif event.style is None:
            self._resolve(node)
        return node

    def _resolve(self, node: Node) -> None:
        """Resolve a plain scalar to its type by the core schema."""
        text = node.value
        if text in WORDS:
            node.value = WORDS[text]
        elif text[0] in NUMBER_START:
            if INTEGER.fullmatch(text):
                self._check_zeros(text, node)
                node.value = int(text)
            elif BASED.fullmatch(text):
                node.value = int(text, 0)
                self._check_octal(text, node)
            elif FLOAT.fullmatch(text):
                node.value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def _check_zeros(self, text: str, node: Node) -> None:
        digits = text.lstrip("+-")
        if digits[0] == "0" and len(digits) > 1:
            hint = f"write {digits.lstrip('0') or '0'}"
            self._note(error_kinds.NUMBER_AMBIGUOUS, node, f"{text} starts with a zero", hint)

    def _check_octal(self, text: str, node: Node) -> None:
        if text.startswith("0o"):
            self._note(
                error_kinds.NUMBER_AMBIGUOUS, node, f"{text} is a string in YAML 1.1", f"write {int(text, 0)}"
            )

    def _collection(self, event: Any) -> Node:
        if self.depth == MAX_DEPTH:
            self._stop(error_kinds.TOO_DEEP, event, f"this is more than {MAX_DEPTH} levels deep")
        node = Node(event.start_mark.index, event.end_mark.index, None)
        if event.anchor is not None or event.ctag is not None:
            self._refuse_decoration(event, node)
        told = len(self.diagnostics)
        self.depth += 1
        if event.flow_style:
            self.open_flow.append(node.start)
        if type(event) is MappingStartEvent:
            self._fill_mapping(node)
        else:
            self._fill_sequence(node)
        if event.flow_style:
            self.open_flow.pop()
            if variable := variable_at(self.source.text, node.start):  # {{ name }} is a mapping for YAML
                del self.diagnostics[told:]
                self._refuse_variable(variable, node)
        self.depth -= 1
        return node

    def _fill_mapping(self, node: Node) -> None:
        refused = False
        while type(event := next(self.events)) is not MappingEndEvent:
            key = self._node(event)
            child = self._node(next(self.events))
            if child.value is None and not child.excused:
                child.start, child.end = key.start, key.end
                text = f"`{key.value}` has no value"
                hint = spaced(str(key.value))
                self._note(error_kinds.VALUE_MISSING, child, text, hint or "write one, or remove the key")
                if hint:
                    key.value = key.value.partition(":")[0]
            if self._may_enter(node, key, child):
                node.entries[key.value] = child
                node.keys[key.value] = (key.start, key.end)
            else:
                refused = True
        node.excused |= refused and not node.entries
        node.value = {name: child.value for name, child in node.entries.items()}

    def _fill_sequence(self, node: Node) -> None:
        while type(event := next(self.events)) is not SequenceEndEvent:
            item = self._node(event)
            if item.value is None and not item.excused:
                self._note(
                    error_kinds.VALUE_MISSING,
                    item,
                    "this entry of the list is empty",
                    "write it, or remove it",
                )
            node.items.append(item)
        node.value = [item.value for item in node.items]

    def _may_enter(self, node: Node, key: Node, child: Node) -> bool:
        """Whether the key is a string and not a duplicate; else note the reason."""
        name = key.value
        if not isinstance(name, str):
            if not key.excused:
                shown = self.source.text[key.start : key.end]
                hint = f'write "{shown}"' if shown and not isinstance(name, dict | list) else ""
                self._note(error_kinds.KEY_NOT_TEXT, key, "a key must be a string", hint)
            return False
        if hint := spaced_bracket(name) and spaced(self.source.line_at(key.start).strip(" -")):
            self._note(error_kinds.YAML_SYNTAX, key, "no colon with a space behind it", hint)
            child.excused = True
            name = key.value = name.partition(":")[0]
            return name not in node.keys
        if name == "<<":
            self._note(error_kinds.MERGE, key, "merge keys are not accepted", "write the values out")
            return False
        if name in node.keys:
            self._note(error_kinds.KEY_DUPLICATE, key, f"duplicate key `{name}`", earlier=node.keys[name])
            return False
        return not key.excused

    def _alias(self, event: Any) -> Node:
        name = event.anchor.removesuffix(":")
        node = Node(event.start_mark.index, event.start_mark.index + 1 + len(name), None)
        if name.startswith("."):
            self._note(error_kinds.ANCHOR, node, "a name that starts with * needs quotes", f'write "*{name}"')
            raise _Stopped
        self._note(error_kinds.ANCHOR, node, f"the alias *{name} is not accepted", "write the value out")
        return node

    def _refuse_decoration(self, event: Any, node: Node) -> None:
        if event.anchor is not None:
            self._note(error_kinds.ANCHOR, node, f"the anchor &{event.anchor} is not accepted", "remove it")
        if event.ctag is not None:
            shown = self.source.text[node.start : node.end].partition(" ")[0]
            self._note(error_kinds.TAG, node, f"the tag {shown} is not accepted", "remove it")

    def _refuse_variable(self, name: str, node: Node) -> None:
        at = self.source.text.find(name, node.start, node.end)
        start, end = (at, at + len(name)) if at >= 0 else (node.start, node.end)
        place = self.source.place(start, end)
        node.excused = True
        self.diagnostics.append(
            Diagnostic(error_kinds.VARIABLE, place, f"{name} is not replaced", "write its value")
        )

    def _refuse_lines(self, event: Any, node: Node) -> None:
        if event.style in {"'", '"'}:
            text = "this quote is not closed on its line"
            self._note(error_kinds.QUOTE_UNCLOSED, node, text, f"close it with {event.style}")
        else:
            text = "this value continues on the next line"
            first = self.source.line_at(node.start).strip()
            self._note(
                error_kinds.SEVERAL_LINES,
                node,
                text,
                spaced(first) or "look at how the next line is indented",
            )

    def _note(
        self,
        kind: error_kinds.ErrorKind,
        node: Node,
        message: str,
        hint: str = "",
        *,
        earlier: tuple[int, int] | None = None,
    ) -> None:
        """Note a diagnostic, and excuse the node from what would follow from it."""
        node.excused = True
        first = self.source.place(*earlier) if earlier else None
        self.diagnostics.append(
            Diagnostic(kind, self.source.place(node.start, node.end), message, hint, first)
        )

    def _stop(self, kind: error_kinds.ErrorKind, event: Event, message: str) -> NoReturn:
        place = self.source.place(event.start_mark.index, event.end_mark.index)
        self.diagnostics.append(Diagnostic(kind, place, message))
        raise _Stopped
