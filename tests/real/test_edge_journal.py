"""The edge's own few lines: their level, their file and their format."""

import json
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from port443.edge.locate import locate_program
from waiting import wait_until

pytestmark = pytest.mark.machine


def run_edge(directory: Path, *options: str) -> tuple[int, str]:
    """Run the program until it is up, end it, and return its exit code and what it said on stderr."""
    runtime = directory / "run"
    runtime.mkdir(mode=0o700)
    command = [str(locate_program()), "--runtime", str(runtime), "--workers", "1", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: (runtime / "edge.sock").exists() or process.poll() is not None)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    return process.returncode, said


def test_lines_are_json_on_stderr(tmp_path: Path) -> None:
    code, said = run_edge(tmp_path)
    lines = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert [(line["event"], line["level"]) for line in lines] == [
        ("edge_started", "info"),
        ("edge_ended", "info"),
    ]


def test_lines_go_to_a_file_as_text(tmp_path: Path) -> None:
    """Its mode does not depend on the umask, and what stands in it is kept."""
    log = tmp_path / "edge.log"
    code, said = run_edge(tmp_path, "--log-file", str(log), "--log-format", "text")
    assert (code, said) == (0, "")
    started, ended = log.read_text().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ info edge_started boot=\"\w+\" workers=1 .*", started
    )
    assert ended.endswith("info edge_ended")
    assert stat.S_IMODE(log.stat().st_mode) == 0o640


def test_a_level_leaves_out_what_matters_less(tmp_path: Path) -> None:
    assert run_edge(tmp_path, "--log-level", "warning") == (0, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--log-file", "/none/edge.log"), "--log-file /none/edge.log: No such file"),
        (("--log-level", "loud"), "--log-level takes error, warning, info or debug"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    code, told = run_edge(tmp_path, *options)
    assert code == 2
    assert said in told
