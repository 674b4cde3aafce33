"""The demo: the README's first command."""

import contextlib
import socket
from pathlib import Path

import pytest

from port443.cli.demo import HTTP_PORT, HTTPS_PORT
from port443.settings.load import parse
from serving import run_port443

pytestmark = [pytest.mark.machine, pytest.mark.slow]
STEPS = ["edge", "backends", "cert", "serving", "redirect", "proof", "grade"]


def test_demo_once_holds_every_step() -> None:
    """Each step holds, and the grade is the best."""
    done = run_port443("demo", "--once")
    assert done.returncode == 0, done.stderr
    steps = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✓")]
    assert steps == STEPS
    assert "A+   (ssl-labs-2009r)" in done.stdout
    assert "TLS 1.3 1.2   h2 http/1.1" in done.stdout


def test_demo_takes_other_ports_when_its_own_are_taken() -> None:
    """A taken port is said, and another one is used."""
    with contextlib.ExitStack() as held:
        for port in (HTTPS_PORT, HTTP_PORT):
            # Somebody else on this machine may hold it already, which is as good.
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
        done = run_port443("demo", "--once")
    assert done.returncode == 0, done.stderr
    for port in (HTTPS_PORT, HTTP_PORT):
        assert f"{port} is taken" in done.stdout


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
