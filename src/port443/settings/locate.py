"""The path of a setting to its position in the file."""

from port443.settings import values
from port443.settings.diagnostics import Diagnostic
from port443.settings.document import Node
from port443.settings.problems import Path, Problem
from port443.settings.source import Source

Span = tuple[int, int]


def locate(problem: Problem, root: Node, source: Source) -> Diagnostic | None:
    """Return the problem with its position, or None where the position has a diagnostic already."""
    span = _span(problem.path, root, at_key=problem.at_key)
    if span is None:
        return None
    earlier = _span(problem.earlier, root, at_key=problem.earlier_at_key) if problem.earlier else None
    return Diagnostic(
        problem.kind,
        source.place(*span),
        problem.message,
        problem.hint,
        source.place(*earlier) if earlier else None,
        ".".join(map(str, problem.path)),
    )


def line_of(path: Path, root: Node, source: Source) -> int | None:
    """Return the line on which a setting is written, or None when it has its default."""
    node, at = root, root.start
    for step in path:
        if path[:1] == ("sites",) and not node.entries and step in {"to", *range(len(node.items))}:
            return source.place(at).line  # the site is in short form: its value is its `to`
        key = _written_key(str(step), node)
        if key is None:
            return None
        at, node = node.keys[key][0], node.entries[key]
    return source.place(at).line


def as_written(path: Path, root: Node) -> Path:
    """Return the path with the keys as they are written in the file."""
    node, found = root, []
    for step in path:
        key = _written_key(str(step), node)
        found.append(step if key is None else key)
        node = node.entries.get(str(found[-1]), node)
    return tuple(found)


def _written_key(key: str, node: Node) -> str | None:
    """Return the key as it is written, which for a site may be another spelling of its name."""
    if key in node.entries:
        return key
    return next((one for one in node.entries if _spells(one, key)), None)


def _spells(written: str, name: str) -> bool:
    try:
        return str(values.read_name(written)) == name
    except values.InvalidValue:
        return False


def _span(path: Path, root: Node, *, at_key: bool) -> Span | None:
    """Return the position of a setting: of its key, or of its value where that is a single one.

    A setting that is not written, such as the `to` of a site in short form, has that of its nearest group.
    """
    node, key = root, (root.start, root.start + 1)
    for step in path:
        if node.excused:
            return None
        if isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            key = node.start, node.end
        elif isinstance(step, str) and step in node.entries:
            key, node = node.keys[step], node.entries[step]
    if node.excused:
        return None
    return key if at_key or node.entries or node.items else (node.start, node.end)
