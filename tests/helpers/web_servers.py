"""Web servers of other makers on free ports of loopback; one that is not installed skips the test."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from free_ports import free_port
from port443.core.names import Endpoint
from tls_certs import Files
from waiting import wait_until

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def running(port: int, program: str, *args: str) -> Iterator[Endpoint]:
    """Run a server until it takes connections, and end it by its own process."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    process = subprocess.Popen(
        (found, *args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(port), 10)
        yield Endpoint("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx_server(place: Path, files: Files, *lines: str, listen: str = "ssl") -> Iterator[Endpoint]:
    """Serve by nginx, with these lines in its server block."""
    port, settings = free_port(), place / "nginx.conf"
    temporary = "".join(f"{kind}_temp_path {place}/{kind};\n" for kind in TEMPORARY)
    inside = "\n".join((f"listen 127.0.0.1:{port} {listen};", f"ssl_certificate {files.bundle};",
                        f"ssl_certificate_key {files.key};", *lines))  # fmt: skip
    settings.write_text(
        f"daemon off; pid {place}/nginx.pid; error_log {place}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}server {{ {inside} }} }}\n"
    )
    place.chmod(0o755)
    with running(port, "nginx", "-e", str(place / "error.log"), "-c", str(settings)) as endpoint:
        yield endpoint


@contextmanager
def gnutls_server(files: Files, *options: str) -> Iterator[Endpoint]:
    """Serve by GnuTLS."""
    port = free_port()
    command = ("gnutls-serv", "--quiet", "--http", "--disable-client-cert", "--port", str(port),
               "--x509certfile", str(files.bundle), "--x509keyfile", str(files.key))  # fmt: skip
    with running(port, *command, *options) as endpoint:
        yield endpoint
