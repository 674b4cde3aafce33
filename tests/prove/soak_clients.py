"""The clients of the soak: each does one thing again and again, and notes what went wrong and when."""

import contextlib
import hashlib
import http.client
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from prove.soak_backend import BLOCK, BLOCKS_OF_BIG, small
from soak_verdict import Kind, Trouble
from wrapping import wrapped

NAME = "app.localhost"
BIG = len(BLOCK) * BLOCKS_OF_BIG
BIG_DIGEST = hashlib.sha256(BLOCK * BLOCKS_OF_BIG).hexdigest()
DEADLINE_S = 20.0
BATCH = 20
SLOW_READERS = 10
GATEWAY = {502, 503, 504}


@dataclass
class Crowd:
    """Clients of every sort, each a thread."""

    port: int
    cacert: Path
    directory: Path
    answered: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let all of them begin."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(self.cacert)
        self.upload = self.directory / "upload"
        self.upload.write_bytes(BLOCK * BLOCKS_OF_BIG)
        sorts = (
            self.keep_alive, self.keep_alive, self.http1_tool, self.http2_tool,
            self.download, self.upload_big, self.reset, self.read_slowly,
        )  # fmt: skip
        for sort in sorts:
            thread = threading.Thread(target=self._again_and_again, args=(sort,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        """Let each finish what it is in the middle of."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * DEADLINE_S)

    def _again_and_again(self, do: Callable[[], None]) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                do()
            except (OSError, http.client.HTTPException, subprocess.TimeoutExpired) as error:
                self._note("broken", began, f"{do.__name__}: {error!r}")
                self._over.wait(0.05)

    def _note(self, kind: Kind, began: float, what: str) -> None:
        self.troubles.append(Trouble(kind, began, time.monotonic(), what))

    def _judge(self, sort: str, began: float, status: int, *, is_right: bool) -> bool:
        is_good = status == 200 and is_right
        if is_good:
            self.answered[sort] += 1
        else:
            body = "" if status != 200 else ", a body that is not the server's"
            self._note("gateway" if status in GATEWAY else "wrong", began, f"{sort}: status {status}{body}")
        return is_good

    def _connect(self) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        return wrapped(self.context, raw, server_hostname=NAME)

    def keep_alive(self) -> None:
        """Ask a hundred times on one HTTP/1.1 connection."""
        sort, connection = "HTTP/1.1 keep-alive", http.client.HTTPConnection(NAME)
        with contextlib.closing(self._connect()) as connection.sock:
            for number in range(100):
                path, began = f"/?{number}", time.monotonic()
                try:
                    connection.request("GET", path)
                    response = connection.getresponse()
                    is_right = response.read() == small(path)
                except (OSError, http.client.HTTPException) as error:
                    # What broke is this exchange, and none of those before it.
                    return self._note("broken", began, f"{sort}: {error!r}")
                is_good = self._judge(sort, began, response.status, is_right=is_right)
                if not is_good or response.will_close or self._over.is_set():
                    return None
        return None

    def http1_tool(self) -> None:
        """Ask with curl over HTTP/1.1."""
        self._curl("HTTP/1.1 by curl", "--http1.1")

    def http2_tool(self) -> None:
        """Ask with curl over HTTP/2, many at once on one connection."""
        self._curl("HTTP/2 by curl", "--http2", "--parallel", "--parallel-max", "8")

    def _curl(self, sort: str, *options: str) -> None:
        began, said = time.monotonic(), "%{http_code} %{exitcode} %{filename_effective}\\n"
        with tempfile.TemporaryDirectory(dir=self.directory) as place:
            # Each body goes to a file that has its number for a name.
            done = self._run_curl(*options, "-o", f"{place}/#1", "-w", said, path=f"/?[1-{BATCH}]")
            lines = [line.split(" ") for line in done.stdout.decode().splitlines()]
            for status, fault, file in lines:
                if fault == "0":
                    self._judge(sort, began, int(status), is_right=_is_small(Path(file)))
                else:
                    self._note("broken", began, f"{sort}: curl's error {fault}")
        if len(lines) != BATCH:
            self._note("wrong", began, f"{sort}: {done.stderr.decode().strip()[-200:]}")

    def download(self) -> None:
        """Fetch 8 MiB over HTTP/2, and look at every byte."""
        began = time.monotonic()
        done = self._run_curl("--http2", path="/big", check_status=True)
        if done.returncode == 22:
            self._judge("8 MiB down", began, int(done.stderr.decode().split()[-1]), is_right=False)
        elif done.returncode:
            self._note("broken", began, f"8 MiB down: {done.stderr.decode().strip()}")
        else:
            is_right = hashlib.sha256(done.stdout).hexdigest() == BIG_DIGEST
            self._judge("8 MiB down", began, 200, is_right=is_right)

    def upload_big(self) -> None:
        """Send 8 MiB over HTTP/1.1, and compare the digest that comes back."""
        began = time.monotonic()
        done = self._run_curl("--http1.1", "--data-binary", f"@{self.upload}", check_status=True)
        if done.returncode == 22:
            self._judge("8 MiB up", began, int(done.stderr.decode().split()[-1]), is_right=False)
        elif done.returncode:
            self._note("broken", began, f"8 MiB up: {done.stderr.decode().strip()}")
        else:
            self._judge("8 MiB up", began, 200, is_right=done.stdout.decode() == BIG_DIGEST)

    def _run_curl(
        self, *options: str, path: str = "/", check_status: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        place = f"{NAME}:443:127.0.0.1:{self.port}"
        command = ["curl", "-sS", "--cacert", str(self.cacert), "--connect-to", place, *options]
        command += ["-f"] if check_status else []
        return subprocess.run(
            [*command, f"https://{NAME}{path}"], capture_output=True, check=False, timeout=3 * DEADLINE_S
        )

    def reset(self) -> None:
        """Begin a request, and tear the connection down in the middle of it."""
        with contextlib.closing(self._connect()) as tls:
            tls.sendall(f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\nhalf".encode())
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.answered["reset in the middle"] += 1

    def read_slowly(self) -> None:
        """Ask for 8 MiB ten times at once, and take a few bytes of each now and then."""
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(self._connect()) for _ in range(SLOW_READERS)]
            for reader in readers:
                reader.sendall(f"GET /big HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            for _ in range(20):
                for reader in readers:
                    reader.recv(100)
                if self._over.wait(0.25):
                    return
        self.answered["read slowly and left"] += SLOW_READERS


def _is_small(file: Path) -> bool:
    """Whether a file holds the kilobyte that its name is the number of."""
    return file.exists() and file.read_bytes() == small(f"/?{file.name}")
