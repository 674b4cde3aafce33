"""The log's two forms: JSON for machines, short lines for a terminal."""

import io
import json
import logging
import sys
from datetime import datetime

import pytest

from port443.cli.logs import JsonLines, ShortLines, start_log


def record(level: int, event: str, **fields: object) -> logging.LogRecord:
    made = logging.getLogger("port443").makeRecord(
        "port443", level, "serve.py", 1, event, (), None, extra=fields
    )
    made.created = 1_772_366_400.25
    return made


def test_a_machine_gets_one_json_object_a_line() -> None:
    """Time, level, event and the fields as they are; a line never breaks."""
    line = JsonLines().format(record(logging.ERROR, "served_is_not_issued", site="a.test", cause="a\nb"))
    assert json.loads(line) == {
        "@timestamp": "2026-03-01T12:00:00.250+00:00",
        "log.level": "error",
        "event": "served_is_not_issued",
        "site": "a.test",
        "cause": "a\nb",
    }
    assert "\n" not in line


def test_what_json_has_no_word_for_is_told_as_text() -> None:
    moment = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    assert json.loads(JsonLines().format(record(logging.INFO, "x", at=moment)))["at"] == str(moment)


@pytest.mark.parametrize(
    ("level", "mark"), [(logging.INFO, ""), (logging.WARNING, "! "), (logging.ERROR, "✗ ")]
)
def test_a_person_gets_a_short_line(level: int, mark: str) -> None:
    line = ShortLines().format(record(level, "edge_started", edge_pid=4711))
    zone = datetime.fromtimestamp(1_772_366_400).astimezone().strftime("%Z")
    assert line[8:] == f" {zone} {mark}edge started edge_pid=4711"


def test_visitors_do_not_steer_the_terminal() -> None:
    """Control characters in what they send are shown, not obeyed."""
    line = ShortLines().format(record(logging.INFO, "x", server_name="\x1b[2Ja\nb\r\u202e", other="ä✓"))
    assert line.endswith(r"server_name=\x1b[2Ja\nb\r\u202e other=ä✓")


@pytest.mark.parametrize(("quiet", "events"), [(False, ["one", "two"]), (True, ["two"])])
def test_the_log_goes_to_stderr(
    quiet: bool,  # noqa: FBT001 - pytest's parameter
    events: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, however often it is started; a quiet one has errors alone."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log = logging.getLogger("port443")
    before = log.handlers, log.level, log.propagate
    try:
        start_log(quiet=quiet)
        start_log(quiet=quiet)
        log.info("one")
        log.error("two")
    finally:
        log.handlers, log.propagate = before[0], before[2]
        log.setLevel(before[1])
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == events
