"""Measure `port443 scan` beside other scanners: part of `make bench`.

All look at one nginx on loopback with two certificates and Mozilla's intermediate configuration, which
answers many at once.
Connections are counted in a run of their own, through a relay; another relay delays what it passes on, as a
way of 30 ms does.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
RUNS, QUICK_RUNS = 5, 1
ROUND_TRIP_S = 0.03
PATIENCE_S = 300
KEYS = {"ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("-newkey", "rsa:2048")}
SUITES = ":".join(
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
)
"""Those of Mozilla's intermediate configuration."""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
HEAD = """# Scanners

{when}: medians of {runs} runs, all against nginx on loopback with two certificates and Mozilla's
intermediate configuration; the connections are of a run through a relay. Start-up is in all figures.
`make bench` writes this page.

| what | s | s of CPU | connections | goal |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Tool:
    """One command line; `{port}` is the server's."""

    title: str
    command: tuple[str, ...]
    goal: str = ""
    is_delayed: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What one tool took."""

    wall_s: float
    cpu_s: float
    connections: int | None


def tools() -> tuple[Tool, ...]:
    """Return what is measured; a program that is not installed is left out by `measure`."""
    port443 = str(Path(sys.executable).with_name("port443"))
    scan = (port443, "scan", "localhost:{port}", "--connect", "127.0.0.1:{port}", "--http-port", "1",
            "--fail-on", "never")  # fmt: skip
    return (
        Tool("port443 scan", scan, "80 connections, 0.35 s of CPU"),
        Tool("port443 scan --light", (*scan, "--light"), "0.2 s of CPU"),
        Tool("port443 scan --help", (port443, "scan", "--help"), "0.15 s"),
        Tool("port443 scan, 30 ms away", scan, "4 s", is_delayed=True),
        Tool("sslscan", ("sslscan", "--no-colour", "127.0.0.1:{port}")),
        Tool(
            "nmap ssl-enum-ciphers",
            ("nmap", "-Pn", "-p", "{port}", "--script", "ssl-enum-ciphers", "127.0.0.1"),
        ),
        Tool("testssl.sh", ("testssl", "--nodns", "none", "--warnings", "off", "127.0.0.1:{port}")),
    )


def main() -> int:
    """Measure, and write the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, and no page")
    parser.add_argument("--to", type=Path, default=TOP / "bench", help="the directory of the page")
    options = parser.parse_args()
    runs = QUICK_RUNS if options.quick else RUNS
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as port:
        rows = "".join(f"{row}\n" for tool in tools() if (row := _row(tool, port, runs)))
    page = HEAD.format(when=time.strftime("%Y-%m-%d"), runs=runs) + rows
    sys.stdout.write(page)
    if not options.quick:
        (options.to / "SCANNERS.md").write_text(page)
    return 0


def _row(tool: Tool, port: int, runs: int) -> str:
    if shutil.which(tool.command[0]) is None:
        return f"| {tool.title} | not installed | | | |"
    found = measure(tool, port, runs)
    count = "" if found.connections is None else str(found.connections)
    return f"| {tool.title} | {found.wall_s:.2f} | {found.cpu_s:.2f} | {count} | {tool.goal} |"


def measure(tool: Tool, port: int, runs: int) -> Figures:
    """Run a tool several times, and once through a relay that counts."""
    if not any("{port}" in part for part in tool.command):
        took = [_run(tool.command, port) for _ in range(runs)]
        return _medians(took, None)
    with relay(port, ROUND_TRIP_S / 2 if tool.is_delayed else 0) as counted:
        _run(tool.command, counted.port)
        count = counted.connections
        took = [_run(tool.command, counted.port if tool.is_delayed else port) for _ in range(runs)]
    return _medians(took, count)


def _medians(took: Sequence[tuple[float, float]], connections: int | None) -> Figures:
    walls, cpus = zip(*took, strict=True)
    return Figures(statistics.median(walls), statistics.median(cpus), connections)


def _run(command: Sequence[str], port: int) -> tuple[float, float]:
    """Return seconds of wall and of CPU, start-up and children of its own included."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [part.format(port=port) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=PATIENCE_S, check=False, env=environment,
    )  # fmt: skip
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@contextlib.contextmanager
def nginx(place: Path) -> Iterator[int]:
    """Serve by nginx; return its port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit("bench: nginx is not installed")
    place.chmod(0o755)
    port = _free_port()
    lines = "".join(_certificate(place, name) for name in KEYS)
    temporary = "".join(f"{kind}_temp_path {place}/{kind};\n" for kind in TEMPORARY)
    settings = place / "nginx.conf"
    settings.write_text(
        f"daemon off; worker_processes auto; pid {place}/pid; error_log {place}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary}server {{ listen 127.0.0.1:{port} ssl http2;\n{lines}"
        f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {SUITES}; ssl_ecdh_curve X25519:P-256:P-384;\n"
        "location / { return 204; } } }\n"
    )
    process = subprocess.Popen([program, "-e", str(place / "error.log"), "-c", str(settings)])
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _certificate(place: Path, name: str) -> str:
    key, leaf = place / f"{name}.key", place / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", *KEYS[name], "-nodes", "-keyout", str(key), "-out", str(leaf),
         "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return f"ssl_certificate {leaf}; ssl_certificate_key {key};\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit("bench: nginx does not answer")


@dataclass(slots=True)
class Relay:
    """Where a relay listens, and how many came."""

    port: int = 0
    connections: int = 0


@contextlib.contextmanager
def relay(to: int, delay_s: float) -> Iterator[Relay]:
    """Pass connections on from a thread of its own, each byte so much later."""
    counted, loop = Relay(), asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.connections += 1
        with contextlib.closing(writer):
            await asyncio.sleep(2 * delay_s)  # what the handshake of TCP takes
            there, back = await asyncio.open_connection("127.0.0.1", to)
            with contextlib.closing(back):
                await asyncio.gather(_pass_on(reader, back, delay_s), _pass_on(there, writer, delay_s))

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    counted.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield counted
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_cancelled(asyncio.all_tasks(loop)))
        loop.close()


async def _cancelled(tasks: Collection[asyncio.Task[object]]) -> None:
    """End tasks, and the transports that they close."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # a closed transport ends in the next step of the loop


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65536):
            await asyncio.sleep(delay_s)
            writer.write(octets)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


if __name__ == "__main__":
    sys.exit(main())
