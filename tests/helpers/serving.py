"""Start the real `port443 serve` for a test, ask it things, and end it by its process id."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from free_ports import free_port
from port443.adapters.admin import ask
from port443.core.errors import ServeError
from port443.wiring import find_roots
from waiting import HANG_S, wait_until
from wrapping import wrapped

PORT443 = [sys.executable, "-m", "port443"]


def run_port443(
    *args: str, timeout_s: float = 60, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command line to its end."""
    return subprocess.run(
        [*PORT443, *args], capture_output=True, text=True, timeout=timeout_s, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip


@dataclass
class Serving:
    """A `port443 serve` with directories of its own."""

    directory: Path
    https_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    backend_url: str = ""
    """The web server that the first settings point to."""

    @property
    def config(self) -> Path:
        return self.directory / "port443.yaml"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def runtime(self) -> Path:
        return self.directory / "run"

    def write(self, sites: dict[str, Any], **more: Any) -> None:
        """Write the settings file, with further groups; JSON is YAML."""
        listen = {"https": [f"127.0.0.1:{self.https_port}"], "http": [f"127.0.0.1:{self.http_port}"]}
        settings = {"listen": listen, "workers": 2, **more, "sites": sites}
        self.config.write_text(json.dumps(settings, indent=1))

    def start(self, *args: str) -> None:
        """Start serve in the background; its log goes to serve.log."""
        log = (self.directory / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [*PORT443, "serve", "--config", str(self.config), *self.places, *args],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()

    @property
    def places(self) -> tuple[str, ...]:
        return ("--state", str(self.state), "--runtime", str(self.runtime))

    def started(self, *args: str) -> "Serving":
        """Start serve and wait until its first round is through."""
        self.start(*args)
        self.wait_ready()
        return self

    def wait_ready(self, within_s: float = HANG_S) -> dict[str, Any]:
        """Wait until the first round is through, and return what `status` says."""

        def answer() -> dict[str, Any] | None:
            assert self.process, "serve was never started"
            assert self.process.poll() is None, self.log()
            told = self.status()
            return told if told and told["starting"] is None else None

        return wait_until(answer, within_s)

    def status(self) -> dict[str, Any] | None:
        """Return the status document; None while nobody answers."""
        try:
            return asyncio.run(ask(self.runtime / "admin.sock", {"verb": "status"}, 30))
        except ServeError:
            return None

    def reload(self) -> dict[str, Any]:
        """Have the settings read again, and return what came of it."""
        return asyncio.run(ask(self.runtime / "admin.sock", {"verb": "reload", "wait": True}, 60))

    def ask(self, command: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to this serve."""
        return run_port443(command, "--runtime", str(self.runtime), *args)

    def log(self) -> str:
        return (self.directory / "serve.log").read_text()

    def kill(self) -> None:
        """Kill serve as a crash would, and reap it."""
        assert self.process, "serve was never started"
        self.process.kill()
        self.process.wait(HANG_S)

    def end(self) -> None:
        """End serve and its edge, whatever state they are in."""
        edge = self.edge_pid()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(HANG_S)
            except subprocess.TimeoutExpired:
                self.kill()
        if edge:
            with contextlib.suppress(ProcessLookupError):
                os.kill(edge, signal.SIGKILL)

    def edge_pid(self) -> int | None:
        """Find the edge of this runtime directory by its arguments, also when serve is gone."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = entry.read_bytes().split(b"\0")
                if words[0].endswith(b"port443-edge") and str(self.runtime).encode() in words:
                    return int(entry.parent.name)
        return None

    def context(self) -> ssl.SSLContext:
        """Return a client's context that trusts this serve's local CA and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        (ca, *_) = asyncio.run(find_roots(self.state))
        context.load_verify_locations(ca.path)
        return context


@dataclass
class Load:
    """Clients that send requests one after the other, and count what failed."""

    serving: Serving
    name: str = "app.localhost"
    clients: int = 4
    answered: int = 0
    reconnected: int = 0
    failures: list[str] = field(default_factory=list)
    tolerate_broken: bool = False
    """Whether an open connection may break (its edge was killed); a new one must always succeed."""
    retries_idle: bool = False
    """Whether a request goes to a new connection when an idle one ended as it was sent (RFC 9112 §9.5)."""

    @contextlib.contextmanager
    def running(self) -> Iterator["Load"]:
        self._ended = threading.Event()
        self._context = self.serving.context()
        self._counted = threading.Lock()
        threads = [threading.Thread(target=self._client) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join(HANG_S)

    def wait_more(self, count: int) -> None:
        """Wait until `count` more requests were answered."""
        goal = self.answered + count
        wait_until(lambda: self.answered >= goal or self.failures)

    def _client(self) -> None:
        connection, is_used = self._connect(), False
        while connection and not self._ended.is_set():
            is_used = self._request(connection, is_used=is_used)
            if not is_used:
                connection.close()
                connection = self._connect()
        if connection:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection | None:
        """Open a connection; a refused or broken one is a failure, whatever happens around."""
        try:
            raw = socket.create_connection(("127.0.0.1", self.serving.https_port), timeout=HANG_S)
            connection = http.client.HTTPConnection(self.name)
            connection.sock = wrapped(self._context, raw, server_hostname=self.name)
        except OSError as error:
            if not self._ended.is_set() and not self.tolerate_broken:
                self.failures.append(f"connect: {error!r}")
                return None
            return self._connect_again()
        return connection

    def _connect_again(self) -> http.client.HTTPConnection | None:
        with self._counted:
            self.reconnected += 1
        if self._ended.is_set() or self.reconnected > 1000:
            return None
        return self._connect()

    def _request(self, connection: http.client.HTTPConnection, *, is_used: bool) -> bool:
        """Send one request; False when the connection is of no more use."""
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            ended_idle = is_used and isinstance(error, ConnectionError | ssl.SSLEOFError)
            if self.tolerate_broken or (self.retries_idle and ended_idle):
                with self._counted:
                    self.reconnected += 1
            else:
                self.failures.append(f"request: {error!r}")
            return False
        if response.status != http.HTTPStatus.OK:
            self.failures.append(f"status {response.status}")
        with self._counted:
            self.answered += 1
        return not response.will_close
