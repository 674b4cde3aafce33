"""The log's two forms: JSON for machines, short lines for a terminal."""

import json
import logging
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from port443.cli.logs import FILE_MODE, JsonLines, LogUnusable, ShortLines, log_fault, start_log
from port443.core.plan.desired import LogLevel, LogWish


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


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """Return the log, and leave it as it was."""
    logger = logging.getLogger("port443")
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers = []
    try:
        yield logger
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])


def lines(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("level", "events"),
    [("debug", ["0", "1", "2", "3"]), ("info", ["1", "2", "3"]), ("warning", ["2", "3"]), ("error", ["3"])],
)
def test_the_log_goes_to_stderr(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], level: LogLevel, events: list[str]
) -> None:
    """Once, however often it is started, and from its level on."""
    start_log(LogWish(level))
    start_log(LogWish(level))
    for number, rank in enumerate((logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)):
        log.getChild("edge").log(rank, str(number))
    assert lines(capsys.readouterr().err) == events


def test_the_log_goes_to_a_file_and_follows_its_rotation(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What was moved away stays as it is, and the next line makes a new file; nobody sends a signal."""
    path, moved = tmp_path / "serve.log", tmp_path / "serve.log.1"
    start_log(LogWish(file=path))
    log.info("one")
    path.rename(moved)
    log.info("two")
    start_log(LogWish(file=path))
    log.info("three")
    assert (lines(moved.read_text()), lines(path.read_text())) == (["one"], ["two", "three"])
    assert stat.S_IMODE(path.stat().st_mode) == FILE_MODE
    assert capsys.readouterr().err == ""


def test_a_file_that_fails_later_loses_no_line(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its directory goes away: lines go to stderr until it is there again, which is told once."""
    directory, gone = tmp_path / "logs", tmp_path / "gone"
    directory.mkdir()
    start_log(LogWish(file=directory / "serve.log"))
    directory.rename(gone)
    log.info("one")
    log.info("two")
    gone.rename(directory)
    log.info("three")
    log.info("four")
    assert lines(capsys.readouterr().err) == ["log_unusable", "one", "two", "log_usable_again"]
    assert lines((directory / "serve.log").read_text()) == ["three", "four"]


def test_a_full_disk_loses_no_line(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    start_log(LogWish(file=Path("/dev/full")))
    log.info("one")
    log.info("two")
    said = capsys.readouterr().err
    assert lines(said) == ["log_unusable", "one", "two"]
    assert "No space left on device" in said
    fault = log_fault()
    assert fault is not None
    assert "/dev/full: No space left on device" in fault.message


def test_status_sees_a_file_that_went_away_before_a_line_is_lost(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And sees as well that it is back."""
    directory, gone = tmp_path / "logs", tmp_path / "gone"
    directory.mkdir()
    path = directory / "serve.log"
    start_log(LogWish(file=path))
    log.info("one")
    assert log_fault() is None
    directory.rename(gone)
    fault = log_fault()
    assert fault is not None
    assert (fault.code, f"{path}: No such file" in fault.message) == ("P443-E420", True)
    gone.rename(directory)
    path.unlink()
    path.mkdir()
    fault = log_fault()
    assert fault is not None
    assert f"{path}: Is a directory" in fault.message
    path.rmdir()
    assert log_fault() is None
    log.info("two")
    assert lines(path.read_text()) == ["two"]
    assert lines(capsys.readouterr().err) == ["log_unusable", "log_usable_again"]


def test_a_file_that_cannot_be_opened_leaves_the_log_as_it_was(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    start_log()
    with pytest.raises(LogUnusable, match=r"none/serve\.log: No such file") as caught:
        start_log(LogWish(file=tmp_path / "none" / "serve.log"))
    assert "log.file" in caught.value.hint
    log.info("one")
    assert lines(capsys.readouterr().err) == ["one"]


def test_text_that_is_kept_has_its_date(
    log: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    start_log(LogWish(file=tmp_path / "serve.log", format="text"))
    log.warning("edge_not_back", extra={"reason": "gone"})
    line = (tmp_path / "serve.log").read_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ! edge not back reason=gone\n", line)
    assert capsys.readouterr().err == ""
