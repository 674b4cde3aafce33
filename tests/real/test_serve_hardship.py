"""`port443 serve` where things go wrong: another server on its port, signals, crashes, poor machines."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port
from pki import Made, Order, make
from port443.adapters.admin import ask, verbs
from port443.adapters.sample_backend import SampleBackend
from port443.cli.main import run
from port443.core.contract.snapshot import Limits, Root
from port443.core.control.answers import NoAnswer
from port443.edge.client import EdgeClient
from port443.edge.locate import locate_program
from port443.settings.environment import Environment
from port443.wiring import status_of, stop_serve
from serving import PORT443, Serving, run_port443
from stopping import stopped
from waiting import HANG_S, wait_until
from wrapping import wrapped

pytestmark = [pytest.mark.machine, pytest.mark.slow]
NAME = "app.localhost"


def codes(serving: Serving) -> list[str]:
    return [problem["code"] for problem in serving.wait_ready()["problems"]]


# Somebody else


@contextlib.contextmanager
def stranger(port: int, directory: Path) -> Iterator[Made]:
    """Serve another certificate on our port, as any program of the same user can, and get most visitors."""
    made = make(Order("a stranger", names=(NAME,)))
    both = directory / "stranger.pem"
    both.write_bytes(made.pem + made.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            listening = stack.enter_context(socket.socket())
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind(("127.0.0.1", port))
            listening.listen()
            # Closing a socket does not wake who waits in accept; shutting it down does.
            stack.callback(listening.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=_welcome, args=(listening, context), daemon=True).start()
        yield made


def _welcome(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with contextlib.suppress(OSError):
            wrapped(context, connection, server_side=True).close()
        connection.close()


def test_a_stranger_on_our_port_is_seen(serving: Serving) -> None:
    """It stands in the status and the log with both certificates, and holds the HSTS ladder."""
    serving.started()
    with stranger(serving.https_port, serving.directory) as made:
        # Now and then the kernel gives a visitor to the edge: it is one of many.
        wait_until(lambda: not serving.reload()["whole"])
        (problem,) = serving.wait_ready()["problems"]
    assert problem["code"] == "served_is_not_issued"
    assert made.facts.fingerprint.text[:16] in problem["cause"]
    events = [json.loads(line)["event"] for line in serving.log().splitlines()]
    assert "served_is_not_issued" in events
    with sqlite3.connect(serving.state / "port443.db") as database:
        assert database.execute("SELECT site FROM failed_proof").fetchall() == [(NAME,)]
    database.close()
    assert serving.reload()["whole"]
    assert codes(serving) == []


def test_whoever_else_speaks_to_the_edge_is_seen(serving: Serving) -> None:
    """A snapshot that was applied by hand stands in the status; the next serve sets it right."""
    serving.started()

    async def apply_by_hand() -> None:
        client = await EdgeClient.open(serving.runtime / "edge.sock")
        edge = await client.identify()
        await client.apply(Root((), Limits(), {}, None, (), ()), edge.epoch + 1, edge.running)
        client.close()

    asyncio.run(apply_by_hand())
    assert codes(serving) == ["another_snapshot_runs"]
    refused = serving.ask("reload", "--wait", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (3, "P443-E358")
    serving.kill()
    serving.started()
    assert codes(serving) == []


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(number: signal.Signals) -> None:
    """In the middle of its steps: no process, no directory, and the exit code of an interruption."""
    with subprocess.Popen(
        [*PORT443, "demo", "--once"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as demo:  # fmt: skip
        assert demo.stdout
        line = next((line for line in demo.stdout if line.startswith(("✓ backends", "✗"))), "")
        edge = edge_of_demo(demo.pid)
        demo.send_signal(number)
        rest = demo.stdout.read()
        assert (demo.wait(HANG_S), line[:1]) == (130, "✓"), rest
    runtime = edge[edge.index("--runtime") + 1]
    assert not Path(runtime).parent.exists()
    assert all(runtime not in " ".join(words) for words in command_lines())


def edge_of_demo(parent: int) -> list[str]:
    """Return the arguments of the edge that the demo has started."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                return (path.parent / "cmdline").read_text(errors="replace").split("\0")
    pytest.fail("the demo has no edge")


def command_lines() -> Iterator[list[str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(errors="replace").split("\0")


def test_a_second_signal_ends_serve_at_once(serving: Serving) -> None:
    """The first waits for open requests; whoever is in a hurry says it twice."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        serving.write({NAME: f"http://127.0.0.1:{deaf.getsockname()[1]}"})
        serving.started()
        context = serving.context()
        raw = socket.create_connection(("127.0.0.1", serving.https_port), timeout=HANG_S)
        with wrapped(context, raw, server_hostname=NAME) as visitor:
            visitor.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            with accept_request(deaf):
                assert serving.process
                serving.process.terminate()
                wait_until(lambda: not visit(serving))
                assert serving.process.poll() is None
                serving.process.terminate()
                assert serving.process.wait(HANG_S) == 130


def accept_request(server: socket.socket) -> socket.socket:
    """Wait for the connection that brings a request; status looks in too, and says nothing."""
    while True:
        connection = server.accept()[0]
        with contextlib.suppress(ConnectionResetError):
            if connection.recv(1):
                return connection
        connection.close()


def test_a_hangup_reads_the_settings_again(serving: Serving, backend: SampleBackend) -> None:
    """Right ones are applied; wrong ones stand in the status, and serve goes on."""
    serving.started()
    assert serving.process
    serving.write({NAME: backend.url, "two.localhost": backend.url})
    serving.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(serving.wait_ready()["sites"]) == 2)
    serving.config.write_text("sites: {}")
    serving.process.send_signal(signal.SIGHUP)
    wait_until(lambda: codes(serving))
    assert len(serving.wait_ready()["sites"]) == 2


# Sudden deaths


def test_a_serve_killed_amid_reloads_is_followed_by_one_that_is_right(
    serving: Serving, backend: SampleBackend
) -> None:
    """At whatever point it dies, the next one serves what the settings say, on the same edge."""
    edge = serving.started().wait_ready()["edge"]["pid"]
    for number in range(3):
        names = [NAME, *(f"n{each}.localhost" for each in range(number + 1))]
        serving.write(dict.fromkeys(names, backend.url))
        assert asyncio.run(ask(serving.runtime / "admin.sock", {"verb": "reload"}, 30)) == {"asked": True}
        serving.kill()
        status = serving.started().wait_ready()
        assert sorted(site["id"] for site in status["sites"]) == sorted(names)
        assert (status["problems"], status["edge"]["pid"]) == ([], edge)


# An edge of its own


@contextlib.contextmanager
def edge_by_hand(serving: Serving, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the edge as its own service unit does."""
    program = locate_program(Environment.read().edge)
    flags = flags or ("--workers", "2", "--bind")
    process = subprocess.Popen(
        [program, "--runtime", str(serving.runtime), *flags], stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(HANG_S)


def visit(serving: Serving) -> bool:
    """Whether somebody answers with a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", serving.https_port), timeout=HANG_S) as raw:
            wrapped(context, raw, server_hostname=NAME).close()
    except OSError:
        return False
    return True


def test_an_external_edge_is_only_connected_to(serving: Serving) -> None:
    """It outlives serve, may come back without it, and is taken over again when it has."""
    serving.runtime.mkdir(mode=0o700)
    with edge_by_hand(serving) as edge:
        serving.started("--edge", "external")
        assert serving.wait_ready()["edge"]["pid"] == edge.pid
        assert serving.process
        done = serving.ask("stop")
        assert (done.returncode, f"still serves, process {edge.pid}" in done.stderr) == (0, True)
        assert serving.process.wait(HANG_S) == 0
        assert visit(serving)
        refused = serving.ask("stop")
        assert (refused.returncode, "P443-E419" in refused.stderr) == (5, True)
        assert visit(serving)
    assert not visit(serving)
    with edge_by_hand(serving) as edge:
        # From its boot copy, on sockets of its own, with no control plane anywhere.
        wait_until(lambda: visit(serving))
        serving.started("--edge", "external")
        assert (codes(serving), serving.wait_ready()["edge"]["adopted"]) == ([], True)
    silent = wait_until(lambda: silent_status(serving))
    assert [problem["about"] for problem in silent["problems"]] == ["edge"]
    with edge_by_hand(serving):
        # It is told that the edge was restarted, and nothing else.
        wait_until(lambda: codes(serving) == ["edge_restarted"])
        assert visit(serving)


def test_stop_says_what_an_external_edge_does(serving: Serving) -> None:
    """Also of one that died, and of one whose command line tells nothing of a unit."""
    serving.runtime.mkdir(mode=0o700)
    with edge_by_hand(serving, "--workers", "2"):
        serving.started("--edge", "external")
        assert json.loads(serving.ask("stop", "--json").stdout)["edge_goes_on"] is True
        again = serving.ask("stop")
        assert (again.returncode, "P443-E419" in again.stderr) == (5, True)
        for said in (serving.ask("status").stdout, serving.ask("reload").stderr):
            assert "systemctl stop port443-edge, or: kill -TERM" in said
            assert "port443 stop" not in said
        assert visit(serving)
        assert serving.process
        assert serving.process.wait(HANG_S) == 0
        serving.started("--edge", "external")
    wait_until(lambda: silent_status(serving))
    done = serving.ask("stop")
    assert (done.returncode, "still serves" in done.stderr, "did not answer" in done.stderr) == (
        0,
        False,
        True,
    )
    assert serving.process.wait(HANG_S) == 0


def test_a_dead_external_edge_is_not_called_served(serving: Serving) -> None:
    """Listeners and sites are not known, and the hint says how to start it."""
    serving.runtime.mkdir(mode=0o700)
    with edge_by_hand(serving):
        serving.started("--edge", "external")
    wait_until(lambda: silent_status(serving))
    told = serving.ask("status")
    assert (told.returncode, "P443-E303" in told.stdout) == (1, True)
    assert "port443-edge --bind --runtime" in told.stdout
    assert not any(sign in told.stdout for sign in ("✓ https", "equals issued", f"✓ {NAME}"))
    one = serving.ask("status", NAME)
    assert (one.returncode, "P443-E303" in one.stdout) == (1, True)


def test_a_serve_that_hangs_is_named_with_what_its_edge_does(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what to do; nothing waits without bound."""
    monkeypatch.setattr(verbs, "ALIVE_S", 0.5)
    serving.started()
    assert serving.process
    with stopped(serving.process.pid):
        code = run(["stop", "--runtime", str(serving.runtime)])
        told = capsys.readouterr().err
        assert (code, "P443-E421" in told) == (3, True)
        assert f"(pid {serving.process.pid})" in told
        assert f"serves {NAME}" in told
        assert f"kill -CONT {serving.process.pid}" in told
        with pytest.raises(NoAnswer):
            asyncio.run(status_of(serving.runtime, 0.5))
    assert serving.ask("stop").returncode == 0
    assert serving.process.wait(HANG_S) == 0


def test_a_serve_that_waits_for_its_edge_can_be_asked_and_stopped(serving: Serving) -> None:
    """It says at once what it waits for, and so do the commands."""
    serving.runtime.mkdir(mode=0o700)
    serving.start("--edge", "external")
    wait_until(lambda: '"event": "edge_awaited"' in serving.log())
    assert serving.process
    told = asyncio.run(status_of(serving.runtime, HANG_S))
    assert told.starting == f"it waits for an edge to answer on {serving.runtime}/edge.sock"
    assert [problem.code for problem in told.problems] == ["starting"]
    assert asyncio.run(stop_serve(serving.runtime)).serve == serving.process.pid
    assert serving.process.wait(HANG_S) == 0


def silent_status(serving: Serving) -> dict[str, Any] | None:
    status = serving.wait_ready()
    return status if status["edge"] is None else None


# Poor machines


def test_a_port_below_1024_is_refused_to_a_user_with_the_ways_out(short_directory: Path) -> None:
    """One sentence, three ways, no edge left behind."""
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 443:
        pytest.skip("every user may listen on port 443 here")
    command = [*PORT443, "serve", "--domain", NAME, "--to", "http://127.0.0.1:9", "--bind", "127.0.0.1"]
    places = ["--state", str(short_directory / "state"), "--runtime", str(short_directory / "run")]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed: root may listen everywhere")
        without = "-net_bind_service"
        command = ["setpriv", "--bounding-set", without, "--inh-caps", without, *command]
    done = subprocess.run([*command, *places], capture_output=True, text=True, timeout=HANG_S, check=False)
    assert (done.returncode, "P443-E311" in done.stderr) == (3, True), done.stderr
    assert "127.0.0.1:443" in done.stderr
    assert "ip_unprivileged_port_start" in done.stderr
    assert all(places[3] not in " ".join(words) for words in command_lines())


def test_a_machine_without_ipv6_has_nothing_to_complain_about(serving: Serving) -> None:
    """The default is all addresses: what this machine does not have is not missed."""
    https, http = free_port(), free_port()
    command = [
        sys.executable, "-m", "port443", "serve", "--domain", NAME, "--to", serving.backend_url,
        "--https-port", str(https), "--http-port", str(http), *serving.places,
    ]  # fmt: skip
    script = 'ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$@"'
    isolated = ["unshare", "--net", "sh", "-c", script, "sh"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace without IPv6 cannot be made here")
    with (serving.directory / "serve.log").open("ab") as log:
        serving.process = subprocess.Popen(
            [*isolated, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    status = serving.wait_ready()
    # Its server is on the other side.
    assert [problem["code"] for problem in status["problems"]] == ["all_servers_down"]
    assert [proof["endpoint"] for proof in status["sites"][0]["proofs"]] == [f"127.0.0.1:{https}"]


FULL = ("size=64k", "dd if=/dev/zero of=fill bs=4k 2>/dev/null")
READ_ONLY = ("size=64k,ro", "true")


@pytest.mark.parametrize(
    ("place", "disk", "code", "hint"),
    [
        ("state", FULL, "P443-E616", "make room"),
        ("state", READ_ONLY, "P443-E615", "mount it writable"),
        ("run", FULL, "P443-E402", "make room"),
        ("run", READ_ONLY, "P443-E322", "mount it writable"),
    ],
    ids=["full state", "read-only state", "full runtime", "read-only runtime"],
)
def test_a_disk_that_takes_nothing_is_told(
    serving: Serving, place: str, disk: tuple[str, str], code: str, hint: str
) -> None:
    """The directory, the cause and the next step; nothing is left running."""
    directory = serving.directory / place
    directory.mkdir(mode=0o700)
    mount = f"mount -t tmpfs -o {disk[0]},mode=700 tmpfs {directory} && (cd {directory} && {disk[1]};:)"
    isolated = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    command = [*PORT443, "serve", "--config", str(serving.config), *serving.places]
    done = subprocess.run([*isolated, *command], capture_output=True, text=True, timeout=HANG_S, check=False)
    assert (done.returncode, code in done.stderr) == (3, True), done.stderr
    assert str(directory) in done.stderr
    assert hint in done.stderr
    assert serving.edge_pid() is None


def test_wrong_settings_of_a_reload_are_told_in_full(serving: Serving) -> None:
    """As `config check` tells them: places, what was probably meant, and the same exit code."""
    serving.started()
    serving.config.write_text(f"sites:\n  {NAME}: ftp://x\n  b.localhost: {{tu: http://127.0.0.1:1}}\n")
    refused = serving.ask("reload", "--wait")
    assert refused.returncode == 2
    assert "port443.yaml:2:18" in refused.stderr
    assert "port443.yaml:3:17" in refused.stderr
    as_json = serving.ask("reload", "--wait", "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["count"]) == (2, 3)
    assert run_port443("config", "check", str(serving.config)).returncode == 2
