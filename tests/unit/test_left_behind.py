"""Tests that fail or leave something open: whose fault that is said to be, and who runs undisturbed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SCENES = """
import gc
import os
import socket
import subprocess
import sys
import threading
import time

KEPT = []


def leave_a_process():
    # Of a session of its own, and no child of ours: nobody else would find it.
    script = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    subprocess.run([sys.executable, "-c", script], check=True)


def leave_a_cycle():
    cycle = [socket.socket()]
    cycle.append(cycle)


def test_fails_with_an_open_socket():
    opened = socket.socket()
    assert opened.fileno() < 0, "as it should fail"


def test_fails_with_a_process():
    leave_a_process()
    raise ValueError("as it should fail")


def test_passes_with_a_socket_in_a_cycle():
    leave_a_cycle()


def test_passes_with_a_process():
    leave_a_process()


def test_passes_with_a_child_that_nobody_waits_for():
    os.posix_spawn("/bin/true", ["true"], {})


def test_passes_with_an_open_descriptor():
    KEPT.append(os.open("/dev/null", os.O_RDONLY))


def test_passes_with_a_thread():
    threading.Thread(target=time.sleep, args=(600,), daemon=True, name="a sleeper").start()


def test_is_clean():
    with socket.socket() as opened:
        assert opened.fileno() > 0
    subprocess.run(["true"], check=True)
    gc.collect()
"""
BLAMED = {
    "test_fails_with_an_open_socket": r"ResourceWarning: unclosed <socket\.socket",
    "test_fails_with_a_process": r"process \d+: sleep 600",
    "test_passes_with_a_socket_in_a_cycle": r"ResourceWarning: unclosed <socket\.socket",
    "test_passes_with_a_process": r"process \d+: sleep 600",
    "test_passes_with_a_child_that_nobody_waits_for": r"process \d+: has ended, and nobody waited for it",
    "test_passes_with_an_open_descriptor": r"descriptor \d+: /dev/null",
    "test_passes_with_a_thread": "thread a sleeper",
}


@pytest.mark.slow
@pytest.mark.machine
def test_each_test_is_blamed_for_what_it_leaves_and_for_nothing_else(tmp_path: Path) -> None:
    """Every remainder stands with the test that left it, has gone, and made no other test fail."""
    (tmp_path / "test_scenes.py").write_text(SCENES)
    (tmp_path / "conftest.py").write_text("import left_behind\nleft_behind.DEADLINE_S = 0.2\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", TOP / "pyproject.toml", "--rootdir", TOP, "-p", "left_behind",
         "-p", "no:cacheprovider", "-p", "no:randomly", "-v", "--confcutdir", tmp_path, tmp_path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(TOP / "tests")},
    )  # fmt: skip
    # The summary repeats what stands in the reports, more or less of it by width and place.
    reports = done.stdout.partition("short test summary info")[0]
    told = re.split(r"^_+ (?:ERROR at teardown of )?(test_\w+) _+$", reports, flags=re.MULTILINE)
    blocks = dict(zip(told[1::2], told[2::2], strict=True))
    assert set(blocks) == set(BLAMED), done.stdout
    for name, remainder in BLAMED.items():
        assert re.search(remainder, blocks[name]), (name, blocks[name])
        assert ("the test leaves behind" in blocks[name]) == name.startswith("test_passes")
    assert re.search(r"2 failed, 6 passed, 5 errors", done.stdout), done.stdout[-300:]
    for pid in re.findall(r"process (\d+): sleep", done.stdout):
        cmdline = Path(f"/proc/{pid}/cmdline")
        # Its new parent may not have reaped it.
        assert not cmdline.exists() or "sleep" not in cmdline.read_text()
