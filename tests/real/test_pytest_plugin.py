"""The pytest plug-in, in a run of pytest of its own: fixtures, the marker, and what a failure says."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TESTS = """
import ssl
import urllib.request

import pytest

from port443 import read_policy
from port443.core.grade.baseline import Letter


def test_a_server_and_a_client(tls_server, local_ca):
    server = tls_server("localhost")
    trusting = ssl.create_default_context(cafile=local_ca.root)
    with urllib.request.urlopen(server.url, context=trusting) as answer:
        assert answer.status == 200


def test_a_scan(tls_server, tls_scan):
    result = tls_scan(tls_server("app.test"), timeout_s=30.0)
    assert result.letter in {Letter.A_PLUS, Letter.A}
    assert "P443-CERT-004" not in {one.id for one in result.findings}


@pytest.mark.tls(fail_on="high")
def test_marked_and_met(tls_server, tls_scan):
    tls_scan(tls_server())


@pytest.mark.tls(min_grade="A", policy=["mozilla-modern"])
def test_marked_and_not_met(tls_server, tls_scan):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    tls_scan(tls_server(context=old), light=True)


def test_objections(tls_server, tls_scan):
    assert tls_scan(tls_server(), light=True).objections(read_policy("hstspreload")) == ()
"""


def run(place: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with nothing but the plug-in."""
    (place / "test_it.py").write_text(TESTS)
    command = (sys.executable, "-m", "pytest", "-p", "port443.pytest_plugin", "-q", "-p", "no:cacheprovider")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        (*command, "--strict-markers", *args, str(place)), capture_output=True, text=True, check=False,
        env=environment, cwd=place,
    )  # fmt: skip


def test_tests_scan_servers_of_their_own(tmp_path: Path) -> None:
    """What meets its policy passes; what does not says why, one reason a line."""
    done = run(tmp_path)
    assert "2 failed, 3 passed" in done.stdout, done.stdout
    assert "does not meet @pytest.mark.tls:" in done.stdout
    assert "- mozilla-modern-6.0: These versions and no others: TLS 1.3: TLS 1.2 offered; no TLS 1.3" in (
        done.stdout
    )
    assert "objections to the server" in done.stdout
    assert "- hstspreload" in done.stdout


def test_the_plug_in_loads_nothing_of_a_scan(tmp_path: Path) -> None:
    """A run of tests without a scan does not pay for one."""
    program = "import sys, port443.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert not {"cryptography", "port443.api", "port443.app.scan", "asyncio"} & names
    assert "tls_scan" in run(tmp_path, "--fixtures").stdout


def test_the_wheel_brings_the_plug_in() -> None:
    """By the entry point that pytest looks for."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module = import_module(project["entry-points"]["pytest11"]["port443"])
    assert {"tls_scan", "tls_server", "local_ca"} <= set(module.__all__)
