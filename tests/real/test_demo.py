"""The demo: the README's first command."""

import contextlib
import functools
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pebble import program
from port443.cli.demo import HTTP_PORT, HTTPS_PORT
from port443.settings.load import parse
from serving import run_port443
from waiting import wait_until

pytestmark = [pytest.mark.machine, pytest.mark.slow]
LOSE_A_PORT = """
import socket
from port443.cli import demo
from port443.__main__ import main

find, held = demo.free_port, []

def lose_the_first(preferred, addresses):
    port = find(preferred, addresses)
    if not held:
        held.append(socket.create_server((addresses[0], port)))
    return port

demo.free_port = lose_the_first
main()
"""
TOP = Path(__file__).parents[2]
STEPS = ["edge", "backends", "cert", "serving", "redirect", "proof", "grade"]


def test_demo_once_holds_every_step() -> None:
    """Each step holds, and the grade is the best."""
    done = run_port443("demo", "--once")
    assert done.returncode == 0, done.stderr
    steps = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")]
    assert steps == STEPS
    assert "A+   (ssl-labs-2009r)" in done.stdout
    assert "TLS 1.3 1.2   h2 http/1.1" in done.stdout


def test_demo_with_a_real_ca_holds_every_step() -> None:
    """`make demo-acme`: the certificate is ordered from a pebble, by tls-alpn-01 through the edge."""
    program("pebble")
    done = subprocess.run(
        [sys.executable, str(TOP / "packaging" / "pebble" / "demo.py"), "--once"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")]
    assert steps == STEPS
    assert "CN=Pebble Intermediate CA" in done.stdout
    assert "A+   (ssl-labs-2009r)" in done.stdout


def test_demo_takes_other_ports_when_its_own_are_taken() -> None:
    """A taken port is said, and another one is used."""
    with contextlib.ExitStack() as held:
        for port in (HTTPS_PORT, HTTP_PORT):
            # Another demo lets go of it soon; a program that keeps it longer is as good as our own listener.
            with contextlib.suppress(AssertionError):
                held.enter_context(wait_until(functools.partial(_listener, port), within_s=20))
        done = run_port443("demo", "--once")
    assert done.returncode == 0, done.stderr
    for port in (HTTPS_PORT, HTTP_PORT):
        assert f"{port} is taken" in done.stdout


def _listener(port: int) -> socket.socket | None:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


def test_demo_takes_another_port_when_one_is_lost_after_the_check() -> None:
    """A port that another program takes between the check and the bind does not end the demo."""
    done = subprocess.run(
        [sys.executable, "-c", LOSE_A_PORT, "demo", "--once"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")] == STEPS


def test_demo_tells_which_step_failed(tmp_path: Path) -> None:
    """A step that fails shows its cause and the next step, and the exit code says so."""
    program = tmp_path / "port443-edge"
    done = run_port443("demo", "--once", environment={"PORT443_EDGE": str(program)})
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if line.startswith("✗ edge")]
    assert str(program) in done.stdout
    assert "hint:" in done.stdout


def test_demo_prints_its_settings() -> None:
    """What it prints is a settings file that `serve` takes."""
    done = run_port443("demo", "--show-config")
    assert done.returncode == 0
    desired = parse(done.stdout)
    assert [site.id for site in desired.sites] == ["demo.localhost"]
