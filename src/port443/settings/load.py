"""Settings, from a file or from text, to a `Desired`."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from port443.core.plan.desired import Desired
from port443.settings import document, error_kinds, foreign
from port443.settings.diagnostics import Diagnostic, SettingsInvalid, SettingsUnreadable
from port443.settings.document import Node
from port443.settings.guesses import spaced
from port443.settings.locate import as_written, line_of, locate
from port443.settings.problems import Path as SettingPath
from port443.settings.problems import Problem
from port443.settings.source import Source
from port443.settings.validate import Context, validate

MAX_BYTES: Final = 4 * 1024 * 1024
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Reading:
    """A settings file that was read without an error, with the positions of its settings."""

    desired: Desired
    source: Source
    root: Node

    def line_of(self, path: SettingPath) -> int | None:
        """Return the line of a setting, or None when it has its default."""
        return line_of(path, self.root, self.source)

    def diagnostic(
        self, path: SettingPath, kind: error_kinds.ErrorKind, message: str, hint: str
    ) -> Diagnostic:
        """Return a diagnostic at a setting, for a problem found outside of the file itself."""
        problem = Problem(kind, as_written(path, self.root), message, hint)
        found = locate(problem, self.root, self.source)
        assert found, "what was read without a diagnostic has a position"  # noqa: S101 - why it is not None
        return found


def load(path: str | os.PathLike[str]) -> Desired:
    """Read a settings file; raise one SettingsError that holds all of its mistakes."""
    return read(path).desired


def read(path: str | os.PathLike[str]) -> Reading:
    """Read a settings file (`-`: standard input), and keep the position of every setting."""
    name = "<stdin>" if str(path) == STDIN else str(path)
    return _reading(content_of(path), name, Path(path).absolute().parent, None)


def parse(
    content: bytes | str,
    *,
    name: str = "settings",
    directory: PurePath | None = None,
    cores: int | None = None,
) -> Desired:
    """Read settings from bytes or text; relative paths start at `directory`, by default the current one."""
    return _reading(content, name, directory or Path.cwd(), cores).desired


def content_of(path: str | os.PathLike[str]) -> bytes:
    """Read a file, or standard input for `-`, up to one byte more than is allowed."""
    try:
        if str(path) == STDIN:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}"
        raise SettingsUnreadable(text, "check the path and its permissions") from error
    except ValueError as error:  # a NUL in the path
        raise SettingsUnreadable(f"{str(path)!r} is not a path") from error


def _reading(content: bytes | str, name: str, directory: PurePath, cores: int | None) -> Reading:
    with _uncollected():
        source = decoded(content, name)
        root, diagnostics = document.read(source)
        if other := foreign.recognised(source, root.value if root else None):
            raise SettingsInvalid(source, [other])
        if root is None or not isinstance(root.value, dict):
            raise SettingsInvalid(source, diagnostics or [_not_settings(root, source)])
        desired, problems = validate(root.value, Context(directory, cores or len(os.sched_getaffinity(0))))
        diagnostics += [one for one in (locate(one, root, source) for one in problems) if one]
        if desired is None or diagnostics:
            raise SettingsInvalid(source, diagnostics)
        return Reading(desired, source, root)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking a growing tree, which has no cycles, again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def decoded(content: bytes | str, name: str) -> Source:
    """Decode UTF-8; raises SettingsInvalid when it is not UTF-8, or too long."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > MAX_BYTES:
        source = Source(name, "")
        too_large = Diagnostic(error_kinds.FILE_TOO_LARGE, source.place(0), "the file has more than 4 MiB")
        raise SettingsInvalid(source, [too_large])
    try:
        return Source(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _not_utf8(raw, name) from error


def _not_utf8(raw: bytes, name: str) -> SettingsInvalid:
    text = raw.decode("utf-8-sig", "replace")
    source = Source(name, text)
    if other := foreign.recognised_binary(raw):
        found = Diagnostic(
            error_kinds.OTHER_FORMAT, source.place(0), f"this is {other}, not settings", foreign.SHORTEST
        )
        return SettingsInvalid(source, [found])
    at = text.find("\N{REPLACEMENT CHARACTER}")
    hint = "save it as UTF-8, not as UTF-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "save it as UTF-8"
    return SettingsInvalid(
        source, [Diagnostic(error_kinds.NOT_UTF8, source.place(at), "this is not UTF-8", hint)]
    )


def _not_settings(root: Node | None, source: Source) -> Diagnostic:
    if root is None or root.value is None:
        hint = "write `sites: {app.localhost: http://127.0.0.1:9000}`"
        return Diagnostic(error_kinds.FILE_EMPTY, source.place(0), "the file is empty", hint)
    text = "settings are written as `name: value`"
    hint = (isinstance(root.value, str) and spaced(root.value)) or "start with `sites:`"
    return Diagnostic(error_kinds.NOT_A_MAPPING, source.place(root.start), text, hint)
