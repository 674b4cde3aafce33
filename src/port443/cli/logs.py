"""Set the log up: JSON lines for machines, short lines for a terminal; on stderr, or in a file."""

import contextlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import PurePath
from typing import Any, TextIO

from port443.core.errors import ServeError
from port443.core.plan.desired import STANDARD_LOG, LogFormat, LogWish

PLAIN_FIELDS = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime"}
FILE_MODE = 0o640
"""Lines hold addresses of clients: only our user and group may read them."""


class LogUnusable(ServeError):
    """The file of the log cannot be opened or written; a running `port443 serve` is not affected.

    While a file that was in use fails, its lines go to the standard error output, and `port443 status` shows
    it; other settings with a file that fails are refused.
    Its directory must exist, and the user that runs `port443 serve` must be allowed to create files in it.
    The file is reopened after it was renamed, so that rotation needs no signal.
    """

    code = "P443-E420"
    fault = "operator"


class JsonLines(logging.Formatter):
    """One JSON object a line, with ECS names for time and level."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "log.level": record.levelname.lower(),
            "event": record.getMessage(),
            **_fields(record),
        }
        return json.dumps(line, default=str)


class ShortLines(logging.Formatter):
    """The time, the event and its fields; with the date where lines are kept."""

    def __init__(self, *, dated: bool = False) -> None:
        super().__init__()
        self._time = "%Y-%m-%dT%H:%M:%S%z" if dated else "%H:%M:%S %Z"

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime(self._time)
        # Text from clients must not control the terminal, nor look like another line.
        fields = " ".join(f"{key}={_visible(str(value))}" for key, value in _fields(record).items())
        mark = {"WARNING": "! ", "ERROR": "✗ "}.get(record.levelname, "")
        return f"{at} {mark}{record.getMessage().replace('_', ' ')} {fields}".rstrip()


class LogFile(WatchedFileHandler):
    """A file that is reopened after it was renamed; what cannot be written to it goes to stderr."""

    cause: str | None = None
    """Why the last line could not be written."""

    def _open(self) -> TextIO:  # type: ignore[override]  # the base returns TextIOWrapper, uses only this
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            opened = os.open(self.baseFilename, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
            os.fchmod(opened, FILE_MODE)  # independent of the umask
        except FileExistsError:
            opened = os.open(self.baseFilename, flags)
        return os.fdopen(opened, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        before, self.cause = self.cause, None
        try:
            super().emit(record)
        except OSError:  # it was moved away, and no other can be made
            self.handleError(record)
        self._log_change(before)
        if self.cause:  # write to stderr; the next line is tried in the file again
            self._log_to_stderr(record)

    def look(self) -> str | None:
        """Return why no line can be written, as far as can be seen without writing one."""
        with self.lock or contextlib.nullcontext():
            before, was_open = self.cause, self.stream is not None
            try:
                self.reopenIfNeeded()
                if self.stream is None:
                    self.stream = self._open()  # type: ignore[assignment]  # as the base does
            except OSError as error:
                self.cause = _reason_of(error)
            else:
                self.cause = before if was_open else None
            self._log_change(before)
            return self.cause

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what it still buffers was written to stderr
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the base's name
        """Keep the cause."""
        self.cause = _reason_of(sys.exception())

    def _log_change(self, before: str | None) -> None:
        """Report on stderr when the file begins to fail, and when it works again."""
        if self.cause and not before:
            self._log_to_stderr(
                _line(logging.WARNING, "log_unusable", file=self.baseFilename, cause=self.cause)
            )
        elif before and not self.cause:
            self._log_to_stderr(_line(logging.WARNING, "log_usable_again", file=self.baseFilename))

    def _log_to_stderr(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{self.format(record)}\n")


def start_log(wish: LogWish = STANDARD_LOG) -> None:
    """Configure the log as `wish` describes; raises LogUnusable and leaves it unchanged."""
    log = logging.getLogger("port443")
    handler = _handler(wish)
    for before in log.handlers:
        before.close()
    log.handlers = [handler]
    log.setLevel(wish.level.upper())
    log.propagate = False


def log_fault() -> LogUnusable | None:
    """Return why lines cannot be written to the file; empty when they can."""
    for handler in logging.getLogger("port443").handlers:
        if isinstance(handler, LogFile) and (cause := handler.look()):
            return _unusable(handler.baseFilename, f"{cause}; its lines go to stderr")
    return None


def _handler(wish: LogWish) -> logging.Handler:
    if wish.file is None:
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(_formatter(wish.format, is_terminal=sys.stderr.isatty()))
        return stream
    try:
        file = LogFile(wish.file)
    except OSError as error:
        raise _unusable(wish.file, _reason_of(error)) from error
    file.setFormatter(_formatter(wish.format, is_terminal=False))
    return file


def _unusable(file: PurePath | str, cause: str) -> LogUnusable:
    hint = "name another file in `log.file`, or make its directory and room on its disk"
    return LogUnusable(f"the log cannot be written to {file}: {cause}", hint)


def _reason_of(error: BaseException | None) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _line(level: int, event: str, **fields: str) -> logging.LogRecord:
    made = {"name": "port443", "levelno": level, "levelname": logging.getLevelName(level), "msg": event}
    return logging.makeLogRecord(made | fields)


def _formatter(wanted: LogFormat, *, is_terminal: bool) -> logging.Formatter:
    if wanted == "json" or (wanted == "auto" and not is_terminal):
        return JsonLines()
    return ShortLines(dated=not is_terminal)


def _visible(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in PLAIN_FIELDS}
