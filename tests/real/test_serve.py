"""`port443 serve` as its users meet it: started, asked, reloaded, doubled, stopped."""

import contextlib
import http.client
import json
import os
import pty
import signal
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki import Made, Order, make
from port443.adapters.sample_backend import SampleBackend
from serving import PORT443, Serving, run_port443
from waiting import HANG_S, wait_until
from wrapping import wrapped

pytestmark = pytest.mark.slow
OK = 200


def get(serving: Serving, name: str = "app.localhost") -> http.client.HTTPResponse:
    context = serving.context()
    raw = socket.create_connection(("127.0.0.1", serving.https_port), timeout=HANG_S)
    connection = http.client.HTTPConnection(name)
    connection.sock = wrapped(context, raw, server_hostname=name)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_a_site_is_served_proved_and_told(serving: Serving) -> None:
    """One file and one command: the site answers on TLS, and status says that it is what was meant."""
    status = serving.started().wait_ready()
    assert status["problems"] == []
    (site,) = status["sites"]
    assert site["state"] == "running"
    assert [proof["verdict"] for proof in site["proofs"]] == ["same"]
    response = get(serving)
    assert response.status == OK
    # The first step of the ladder; the server behind sets no header of its own.
    assert response.getheader("Strict-Transport-Security") == "max-age=300"
    text = serving.ask("status").stdout
    assert "everything matches the settings" in text
    assert "served       equals issued in 1 of 1 handshake\n" in text


def test_the_log_goes_where_flags_say(serving: Serving) -> None:
    """Flags go before the settings; a reload keeps to them, and follows a file that was moved away."""
    log, moved = serving.directory / "flagged.log", serving.directory / "moved.log"
    settings = serving.config.read_text()
    serving.config.write_text(settings.replace("{", '{"log": {"file": "unused.log", "level": "error"},', 1))
    serving.started("--log-file", str(log), "--log-level", "info")
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert {"edge_started", "certificate_issued", "serving"} <= set(events)
    log.rename(moved)
    assert serving.ask("reload", "--wait").returncode == 0
    assert [json.loads(line)["event"] for line in log.read_text().splitlines()] == ["reloaded"]
    assert not (serving.directory / "unused.log").exists()
    assert (serving.directory / "serve.log").read_text() == ""


def test_flags_serve_a_site_without_a_file(serving: Serving, backend: SampleBackend) -> None:
    """Domain, upstream and ports are enough."""
    flags = ["--domain", "app.localhost", "--to", backend.url, "--bind", "127.0.0.1", "--issuer", "local"]
    ports = ["--https-port", str(serving.https_port), "--http-port", str(serving.http_port)]
    log = serving.directory / "serve.log"
    with log.open("ab") as file:
        command = [*PORT443, "serve", *flags, *ports, *serving.places]
        serving.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    serving.wait_ready()
    assert get(serving).status == OK


def test_plain_http_is_sent_to_https(shared: Serving) -> None:
    """Port 80 answers 308 with the same host and path, which nobody may store for a local name."""
    connection = http.client.HTTPConnection("127.0.0.1", shared.http_port, timeout=HANG_S)
    connection.request("GET", "/a?b=c", headers={"Host": f"app.localhost:{shared.http_port}"})
    response = connection.getresponse()
    assert response.status == http.HTTPStatus.PERMANENT_REDIRECT
    assert response.getheader("Location") == f"https://app.localhost:{shared.https_port}/a?b=c"
    assert response.getheader("Cache-Control") == "no-store"
    connection.close()


def test_a_second_serve_is_refused(shared: Serving) -> None:
    """Neither the state directory nor the runtime directory can be had by two."""
    other = Serving(shared.directory)
    same_state = run_port443(
        "serve", "--config", str(shared.config), "--state", str(shared.state),
        "--runtime", str(shared.directory / "r2"),
    )  # fmt: skip
    assert (same_state.returncode, "P443-E610" in same_state.stderr) == (5, True)
    same_runtime = run_port443(
        "serve", "--config", str(shared.config), "--state", str(shared.directory / "s2"),
        "--runtime", str(other.runtime),
    )  # fmt: skip
    assert (same_runtime.returncode, "P443-E401" in same_runtime.stderr) == (5, True)
    assert get(shared).status == OK


def test_a_port_in_use_is_told_with_who_holds_it(serving: Serving) -> None:
    """The error names the address and the process, and no edge is left behind."""
    with socket.create_server(("127.0.0.1", serving.https_port)):
        done = run_port443("serve", "--config", str(serving.config), *serving.places)
    assert done.returncode != 0
    assert f"127.0.0.1:{serving.https_port}" in done.stderr
    assert "hint:" in done.stderr
    assert serving.edge_pid() is None


def test_wrong_settings_start_nothing(serving: Serving) -> None:
    """All mistakes are printed with their places, and the exit code is 2."""
    serving.config.write_text("sites:\n  app.localhost: ftp://x\n  b.localhost: {tu: http://127.0.0.1:1}\n")
    done = run_port443("serve", "--config", str(serving.config), *serving.places)
    assert done.returncode == 2
    assert "port443.yaml:2:18" in done.stderr
    assert "port443.yaml:3:17" in done.stderr
    assert not serving.runtime.exists()


def test_reload_takes_a_site_up_and_wrong_settings_change_nothing(
    serving: Serving, backend: SampleBackend
) -> None:
    """A good file is served at once; a bad one is told, and what ran goes on."""
    serving.started()
    serving.write({"app.localhost": backend.url, "two.localhost": backend.url})
    done = serving.ask("reload", "--wait")
    assert (done.returncode, "two.localhost" in done.stderr) == (0, True)
    assert get(serving, "two.localhost").status == OK
    serving.config.write_text("sites: {app.localhost: 1}")
    refused = serving.ask("reload", "--wait")
    assert refused.returncode != 0
    assert "P443-E1" in refused.stderr
    assert get(serving, "two.localhost").status == OK
    assert [problem["about"] for problem in serving.wait_ready()["problems"]] == ["reload"]


def test_own_certificates_are_taken_up_when_their_files_change(
    serving: Serving, backend: SampleBackend
) -> None:
    """A site's own chain and key are served, and so are the ones that replace them."""
    first, second = own_leaf(), own_leaf()
    chain, key = serving.directory / "shop.pem", serving.directory / "shop.key"
    chain.write_bytes(first.pem)
    key.write_bytes(first.key_pem)
    key.chmod(0o600)
    files = {"chain": str(chain), "key": str(key)}
    serving.write({"shop.example.com": {"to": backend.url, "certificate": files}})
    serving.started()
    assert fingerprint(serving) == first.facts.fingerprint.text
    key.write_bytes(second.key_pem)
    chain.write_bytes(second.pem)
    wait_until(lambda: fingerprint(serving) == second.facts.fingerprint.text)
    chain.write_text("no certificate")
    wait_until(lambda: serving.wait_ready()["problems"])
    assert fingerprint(serving) == second.facts.fingerprint.text
    assert {proof["verdict"] for proof in serving.wait_ready()["sites"][0]["proofs"]} == {"same"}


def own_leaf() -> Made:
    """Make a leaf that is good today, under a root of its own."""
    now = datetime.now(UTC)  # noqa: TID251 - serve goes by the machine's clock
    begin, end = now - timedelta(hours=1), now + timedelta(days=30)
    root = make(Order("a test's root", is_ca=True, not_before=begin, not_after=end))
    return make(Order("shop", root, ("shop.example.com",), not_before=begin, not_after=end))


def fingerprint(serving: Serving) -> str:
    fingerprint: str = serving.wait_ready()["sites"][0]["certificate"]["fingerprint"]
    return fingerprint


@pytest.mark.parametrize("way", ["stop", "SIGTERM"])
def test_the_end_takes_both_processes_down(serving: Serving, way: str) -> None:
    """`port443 stop` and SIGTERM end serve and its edge, and leave no socket behind."""
    serving.started()
    edge = serving.edge_pid()
    assert edge
    assert serving.process
    if way == "stop":
        assert serving.ask("stop").returncode == 0
    else:
        serving.process.terminate()
    assert serving.process.wait(HANG_S) == 0
    assert not Path(f"/proc/{edge}").exists()
    done = serving.ask("status", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["code"] == "P443-E410"
    socket.create_server(("127.0.0.1", serving.https_port)).close()


CLEARED = "\x1b[K"
"""Before a line that takes the place of the progress."""


@pytest.mark.machine
def test_a_person_at_a_terminal_is_greeted(serving: Serving) -> None:
    """With addresses, proof, grade, whom to trust and how to end it; each as the demo says it."""
    ours, theirs = pty.openpty()
    serving.process = subprocess.Popen(
        [*PORT443, "serve", str(serving.config), *serving.places],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"Ctrl-C ends it" not in said:
        said += os.read(ours, 65536)
    lines = [line.removeprefix(CLEARED) for line in said.decode().splitlines()]
    labels = [line.split()[1] for line in lines if line.startswith(("\u2713", "\u2717"))]
    assert labels == ["edge", "serving", "proof", "grade", "trust"], lines
    assert f"https://app.localhost:{serving.https_port}/ \u2192 {serving.backend_url}" in said.decode()
    assert "handshake failed" not in said.decode()
    serving.process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # the terminal's other end is closed
        while os.read(ours, 65536):
            pass
    os.close(ours)
    assert serving.process.wait(20) == 0


def test_a_log_that_goes_to_a_file_has_no_greeting(shared: Serving) -> None:
    """Each line is one JSON object, as its reader wants it."""
    assert all(json.loads(line)["event"] for line in shared.log().splitlines())


def test_our_own_handshakes_are_nobodys_visit(serving: Serving, tmp_path: Path) -> None:
    """Proofs are in no counter and in no event, whether they complete or not; a client's handshake is."""
    ca = tmp_path / "clients.pem"
    ca.write_bytes(make(Order("clients", is_ca=True)).pem)
    asking = {"to": serving.backend_url, "client_ca": str(ca)}
    serving.write({"app.localhost": serving.backend_url, "team.localhost": asking})
    stats = serving.started().wait_ready()["stats"]
    assert (stats["handshakes"], stats["handshake_failures"]) == ([], {})
    assert stats["handshake_duration_us"]["count"] == 0
    assert serving.reload()["whole"]
    assert get(serving).status == OK
    with (
        socket.create_connection(("127.0.0.1", serving.https_port), timeout=20) as raw,
        wrapped(serving.context(), raw, server_hostname="team.localhost") as tls,
        pytest.raises(OSError, match="SSL"),
    ):
        tls.recv(1)

    def counted() -> tuple[int, dict[str, int]]:
        stats = serving.wait_ready()["stats"]
        return sum(kind["count"] for kind in stats["handshakes"]), stats["handshake_failures"]

    wait_until(lambda: counted() == (1, {"client_certificate_missing": 1}))
