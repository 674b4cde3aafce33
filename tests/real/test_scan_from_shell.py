"""`port443 scan` as a person or a pipeline runs it, against a real server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler

import jsonschema
import pytest

from odd_tls import answering, handshake
from port443.app.probe_runner import MAX_CONNECTIONS
from port443.core.names import Endpoint
from tls_certs import Wish, ec_key, intermediate, issue, root, write
from tls_servers import openssl_server, raw_server
from tls_twin import Twin
from waiting import wait_until

pytestmark = pytest.mark.slow
SCHEMA = json.loads((Path(__file__).parents[2] / "contract" / "scan.schema.json").read_text())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Endpoint]:
    (tmp_path / "root.pem").write_bytes(root().pem)
    files = write(tmp_path, issue(Wish(), ec_key(), intermediate()), (intermediate(),))
    with openssl_server(files, "-tls1_2") as endpoint:
        yield endpoint


def scan(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "port443", "scan", *map(str, args)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_text_and_exit_codes(server: Endpoint, tmp_path: Path) -> None:
    """The same server is good enough for A-, and not for A; words and numbers agree."""
    args = (f"localhost:{server.port}", "--connect", server.address, "--cacert", tmp_path / "root.pem")
    met, missed = scan(*args, "--min-grade", "A-"), scan(*args, "--min-grade", "a")
    assert (met.returncode, missed.returncode) == (0, 1), met.stdout + met.stderr
    assert "✓ A-" in met.stdout
    assert "P443-TLS-006" in met.stdout
    assert met.stderr == ""
    assert "\x1b" not in met.stdout
    assert "  wanted     A or better\n" in missed.stdout
    assert "? unknown" in missed.stdout.splitlines()[-1]


def test_json_is_one_document_of_the_schema(server: Endpoint, tmp_path: Path) -> None:
    """Standard output holds the document and nothing else; a target that fails stands in it too."""
    where = ("--connect", server.address, "--cacert", tmp_path / "root.pem")
    done = scan(f"localhost:{server.port}", "localhost:1", *where, "--format", "json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert [target["exit_code"] for target in document["targets"]] == [0, 3]
    assert document["targets"][0]["report"]["grade"]["letter"] == "A-"
    assert "nothing listens" in document["targets"][1]["error"]["message"]
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("2/2 ")


def test_a_name_that_the_certificate_does_not_have_is_an_m(server: Endpoint, tmp_path: Path) -> None:
    """--servername asks for another name than the host's."""
    args = (f"localhost:{server.port}", "--servername", "other.test", "--connect", server.address)
    done = scan(*args, "--cacert", tmp_path / "root.pem", "--fail-on", "critical")
    assert done.returncode == 1
    assert "P443-CERT-007" in done.stdout
    assert "✗ M" in done.stdout


def test_the_systems_roots_do_not_know_ours(server: Endpoint) -> None:
    """Without --cacert the chain leads nowhere that this machine believes."""
    done = scan(f"localhost:{server.port}", "--connect", server.address)
    if "P443-E170" in done.stderr:
        pytest.skip("this machine has no bundle of roots")
    assert "P443-CERT-004" in done.stdout
    assert done.returncode == 1  # a CA that is not known is grave


def test_every_address_of_a_name_is_looked_at_when_asked_for(server: Endpoint, tmp_path: Path) -> None:
    """One report for each address; an address given by hand is the only one."""
    where = ("--cacert", tmp_path / "root.pem", "--all-addresses", "--json", "--fail-on", "never")
    done = scan(f"localhost:{server.port}", f"127.0.0.1:{server.port}", *where)
    targets = json.loads(done.stdout)["targets"]
    addresses = [target["report"]["address"] for target in targets if target["report"]]
    assert addresses.count("127.0.0.1") == 2
    assert len(targets) >= 2


class Silent(BaseRequestHandler):
    """Take the connection and say nothing until the client leaves."""

    count = 0

    def handle(self) -> None:
        Silent.count += 1
        while self.request.recv(65536):
            pass


@pytest.mark.machine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("has_result", [True, False])
def test_an_interrupted_scan_prints_what_it_has(
    server: Endpoint, number: signal.Signals, *, has_result: bool
) -> None:
    """The document is whole and valid, also when no target is done yet."""
    Silent.count = 0
    with raw_server(Silent) as silent:
        targets = (server, silent) if has_result else (silent, silent)
        command = [sys.executable, "-m", "port443", "scan", *map(str, targets), "--json", "--http-port", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one:
            assert one.stderr is not None
            if has_result:
                assert "1/2" in one.stderr.readline()
            else:
                wait_until(lambda: Silent.count > 0, 30)
            one.send_signal(number)
            said, _ = one.communicate(timeout=30)
    document = json.loads(said)
    jsonschema.validate(document, SCHEMA)
    assert [target["port"] for target in document["targets"]] == ([server.port] if has_result else [])
    assert one.returncode == 130


def test_a_hostile_target_does_not_end_the_run(server: Endpoint) -> None:
    """A server that answers all with a retry is undetermined, and the next one is looked at as ever."""
    twin = Twin(group=30)
    with answering(lambda _, message: handshake(twin.retry(message))) as (hostile, heard):
        done = scan(hostile, server, "--http-port", hostile.port)
    assert done.returncode == 3
    assert f"{hostile}   {hostile}" in done.stdout
    assert f"{server}   {server}" in done.stdout
    assert "defect" not in done.stdout + done.stderr
    assert len(heard) < MAX_CONNECTIONS
