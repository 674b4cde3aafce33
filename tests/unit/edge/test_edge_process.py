"""Starting, watching and ending a process by its id."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from port443.edge.crashes import AT_ONCE, LONGEST_DELAY_S, MOST, WINDOW_S, Crashes
from port443.edge.errors import EdgeDidNotStart
from port443.edge.process import LOG_BYTES, EdgeProcess, Spawn, last_words, trim_log
from waiting import wait_until

pytestmark = pytest.mark.machine


def spawn(tmp_path: Path, script: str) -> Spawn:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Spawn(program, tmp_path, 2, tmp_path / "edge.log")


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_program_gets_a_session_and_a_log_of_its_own(tmp_path: Path) -> None:
    """Its words are in the file, its arguments say where and how many, and it reads nothing of ours."""
    script = 'echo "$@" >&2; cat >&2; echo session $(ps -o sid= -p $$) pid $$ >&2'
    process = spawn(tmp_path, script).start()
    assert asyncio.run(process.wait_ended(10))
    words = (tmp_path / "edge.log").read_text().splitlines()
    assert words[0] == f"--runtime {tmp_path} --workers 2"
    assert words[1].split() == ["session", str(process.pid), "pid", str(process.pid)]
    assert (tmp_path / "edge.log").stat().st_mode & 0o777 == 0o600
    assert is_gone(process.pid)


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EdgeDidNotStart, match="cannot start"):
        Spawn(tmp_path / "absent", tmp_path, 1, tmp_path / "edge.log").start()


def test_a_polite_program_ends_at_once(tmp_path: Path) -> None:
    """SIGTERM is enough, and no zombie stays."""
    process = spawn(tmp_path, "exec sleep 600").start()
    asyncio.run(process.end(10))
    assert is_gone(process.pid)


def test_a_deaf_program_is_killed_after_its_deadline(tmp_path: Path) -> None:
    process = spawn(tmp_path, "trap '' TERM; echo ready >&2; while :; do sleep 600; done").start()
    wait_until(lambda: "ready" in last_words(tmp_path / "edge.log"))
    sleeper = wait_until(lambda: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    asyncio.run(process.end(0.05))
    assert is_gone(process.pid)
    for child in sleeper:
        os.kill(int(child), signal.SIGKILL)


def test_a_process_that_goes_on_is_said_to_go_on(tmp_path: Path) -> None:
    process = spawn(tmp_path, "exec sleep 600").start()
    try:
        assert not asyncio.run(process.wait_ended(0.01))
    finally:
        asyncio.run(process.end(10))


def test_a_process_that_has_ended_needs_no_waiting() -> None:
    """Neither waiting nor ending harms whoever has its number next."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    process = EdgeProcess(pid)
    assert asyncio.run(process.wait_ended(10))
    asyncio.run(process.end(10))
    process.release()


def test_the_last_words_are_the_last_line(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    assert last_words(log) == ""
    log.write_text("x" * 10_000 + "\nfirst\nthe end\n\n  \n")
    assert last_words(log) == "the end"


def test_a_log_is_bounded(tmp_path: Path) -> None:
    """A log that has grown too far is emptied while it is written to."""
    log = tmp_path / "edge.log"
    trim_log(log)
    log.write_bytes(b"x" * LOG_BYTES)
    trim_log(log)
    assert log.stat().st_size == LOG_BYTES
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    trim_log(log)
    assert log.stat().st_size == 0


def test_the_first_crashes_cost_no_wait_and_many_are_too_many() -> None:
    """Three are answered at once, then waits double up to a bound, then it is given up."""
    crashes, delays = Crashes(), []
    for number in range(MOST):
        assert not crashes.are_too_many(number)
        crashes.note(number)
        delays.append(crashes.delay_s(number))
    assert delays[:AT_ONCE] == [0.0] * AT_ONCE
    assert delays[AT_ONCE : AT_ONCE + 3] == [0.1, 0.2, 0.4]
    assert delays == sorted(delays)
    assert max(delays) <= LONGEST_DELAY_S
    assert crashes.are_too_many(MOST)


def test_crashes_of_long_ago_are_forgotten() -> None:
    crashes = Crashes()
    for _ in range(MOST):
        crashes.note(time.monotonic())
    later = time.monotonic() + WINDOW_S + 1
    assert not crashes.are_too_many(later)
    assert crashes.delay_s(later) == 0.0
