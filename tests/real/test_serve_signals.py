"""Signals to `port443 serve` at every moment of its life: no process is left, no traceback printed."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from port443 import __version__
from serving import PORT443, Serving
from waiting import HANG_S, wait_until

pytestmark = [pytest.mark.machine, pytest.mark.slow]
ENDS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]
IGNORED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO]


@pytest.fixture
def silent_edge(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have an edge program of our version that starts and never answers: serve waits for it."""
    program = short_directory / "port443-edge"
    version = f'if [ "$1" = --version ]; then echo port443-edge {__version__}; exit; fi'
    program.write_text(f"#!/bin/sh\n{version}\necho $$ > {short_directory}/edge.pid\nexec sleep 600\n")
    program.chmod(0o700)
    monkeypatch.setenv("PORT443_EDGE", str(program))
    return short_directory / "edge.pid"


def pid_in(path: Path) -> int:
    def read() -> str:
        with contextlib.suppress(FileNotFoundError):
            return path.read_text().strip()
        return ""

    return int(wait_until(read))


def edges_of(runtime: Path) -> Iterator[int]:
    """Yield the processes that were started for this runtime directory, whatever their program."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"--runtime" in words and b"serve" not in words and os.fsencode(runtime) in words:
                yield int(entry.parent.name)


def ended(serving: Serving) -> int:
    """Wait for the end of serve, and hold it to what every end promises."""
    assert serving.process
    code = serving.process.wait(HANG_S)
    assert "Traceback" not in serving.log()
    return code


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_between_spawning_and_adopting_leaves_no_orphan(
    serving: Serving, silent_edge: Path, number: signal.Signals
) -> None:
    serving.start()
    edge = pid_in(silent_edge)
    assert serving.process
    serving.process.send_signal(number)
    assert ended(serving) == 130
    assert not Path(f"/proc/{edge}").exists()


@pytest.mark.parametrize("event", ["edge_spawned", "edge_started", "certificate_issued", "serving"])
@pytest.mark.parametrize("times", [1, 3])
def test_signals_at_each_step_of_the_start_leave_nothing(serving: Serving, event: str, times: int) -> None:
    """One is polite or at once, further ones are at once; nothing is left, and nothing raised."""
    serving.start()
    wait_until(lambda: f'"event": "{event}"' in serving.log())
    assert serving.process
    for _ in range(times):
        serving.process.terminate()
    assert ended(serving) in {0, 130}
    assert list(edges_of(serving.runtime)) == []


def test_signals_without_end_raise_nothing(serving: Serving) -> None:
    """Whoever goes on pressing Ctrl-C until the process has gone sees no traceback."""
    serving.started()
    assert serving.process
    while serving.process.poll() is None:
        serving.process.send_signal(signal.SIGINT)
        time.sleep(0)  # lets the other process run; nothing is waited for
    assert ended(serving) in {0, 130}
    assert list(edges_of(serving.runtime)) == []


def test_signals_that_mean_nothing_end_nobody(serving: Serving) -> None:
    """Neither serve nor its edge; the log says that they were ignored."""
    serving.started()
    assert serving.process
    edge = serving.edge_pid()
    assert edge
    for number in IGNORED:
        os.kill(edge, number)
        serving.process.send_signal(number)
    wait_until(lambda: all(f'"signal": "{number.name}"' in serving.log() for number in IGNORED))
    assert serving.wait_ready()["edge"]["pid"] == edge


def test_a_hangup_during_the_start_is_not_lost(serving: Serving) -> None:
    """The settings are read again as soon as serve is up."""
    serving.start()
    wait_until(lambda: '"event": "edge_spawned"' in serving.log())
    assert serving.process
    serving.process.send_signal(signal.SIGHUP)
    wait_until(lambda: '"event": "reloaded"' in serving.log())


def test_ctrl_c_while_modules_are_loaded_prints_no_traceback(tmp_path: Path) -> None:
    """Whoever thinks better of it in the first moments gets the shell's usual answer."""
    slow = tmp_path / "click.py"
    slow.write_text(f"open({str(tmp_path / 'loading')!r}, 'w').close()\nimport time\ntime.sleep(60)\n")
    started = subprocess.Popen(
        [*PORT443, "status"], stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    wait_until((tmp_path / "loading").exists)
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=20)[1] == b""
    assert started.returncode == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGHUP, *IGNORED])
def test_serve_survives_signals_while_modules_are_loaded(tmp_path: Path, number: signal.Signals) -> None:
    """They mean nothing then: the settings are not read yet."""
    slow = tmp_path / "click.py"
    loading, going_on = tmp_path / "loading", tmp_path / "going_on"
    wait = f"import time, os\nwhile not os.path.exists({str(going_on)!r}): time.sleep(0.01)\n"
    slow.write_text(f"open({str(loading)!r}, 'w').close()\n{wait}raise SystemExit(7)\n")
    with subprocess.Popen([*PORT443, "serve"], env={**os.environ, "PYTHONPATH": str(tmp_path)}) as started:
        wait_until(loading.exists)
        started.send_signal(number)
        going_on.touch()
        assert started.wait(HANG_S) == 7


def test_sigquit_ends_serve_and_its_edge(serving: Serving) -> None:
    """As a terminal sends it: politely, and nothing is left."""
    serving.started()
    assert serving.process
    serving.process.send_signal(signal.SIGQUIT)
    assert ended(serving) == 0
    assert list(edges_of(serving.runtime)) == []
