"""Set the log up: JSON lines for machines, short lines for a terminal; always on stderr."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

PLAIN_FIELDS = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime"}


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
    """The time, the event and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S %Z")
        # What comes from visitors must not steer the terminal, nor look like another line.
        fields = " ".join(f"{key}={_visible(str(value))}" for key, value in _fields(record).items())
        mark = {"WARNING": "! ", "ERROR": "✗ "}.get(record.levelname, "")
        return f"{at} {mark}{record.getMessage().replace('_', ' ')} {fields}".rstrip()


def start_log(*, quiet: bool = False) -> None:
    """Send the log to stderr in the form that its reader wants."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ShortLines() if sys.stderr.isatty() else JsonLines())
    log = logging.getLogger("port443")
    log.handlers = [handler]
    log.setLevel(logging.ERROR if quiet else logging.INFO)
    log.propagate = False


def _visible(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in PLAIN_FIELDS}
