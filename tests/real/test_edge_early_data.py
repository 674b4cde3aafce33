"""Clients that resume with early data from a server that stood here before (RFC 8446 §4.2.10)."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from free_ports import free_port
from tls_certs import Wish, ec_key, intermediate, issue
from tls_client import run, s_client
from waiting import wait_until

LEAF = issue(Wish(("a.test",)), ec_key(), intermediate())
A_TEST = SiteWish(("a.test",), (LEAF,))
NO_SHARE_OF_OURS = "P-521:P-256"
"""Groups of which the client sends a share of the first only, which no site takes: it is asked again."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """One edge for all."""
    with running_edge() as edge:
        yield serve(edge)


def serve(edge: RunningEdge) -> int:
    listener = edge.listen()
    edge.apply(Scene((A_TEST,), (listener,)))
    return int(listener.address.rpartition(":")[2])


def write_certificate(directory: Path) -> tuple[Path, Path]:
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(LEAF.pem + LEAF.above[0].pem)
    key.write_bytes(LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key


@contextlib.contextmanager
def program(*command: str) -> Iterator[None]:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
        assert process.stdin
        process.stdin.close()


@contextlib.contextmanager
def openssl_before(directory: Path, port: int) -> Iterator[None]:
    chain, key = write_certificate(directory)
    with program(
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(chain), "-key", str(key)),
        *("-early_data", "-max_early_data", "16384", "-tls1_3"),
    ):
        yield


NGINX = """daemon off; master_process off; pid %(directory)s/pid; error_log /dev/null;
events {}
http { access_log off; client_body_temp_path %(directory)s/body; proxy_temp_path %(directory)s/proxy;
  fastcgi_temp_path %(directory)s/f; uwsgi_temp_path %(directory)s/u; scgi_temp_path %(directory)s/s;
  server { listen 127.0.0.1:%(port)d ssl; server_name a.test; ssl_protocols TLSv1.3; ssl_early_data on;
    ssl_certificate %(chain)s; ssl_certificate_key %(key)s; return 200; } }
"""


@contextlib.contextmanager
def nginx_before(directory: Path, port: int) -> Iterator[None]:
    chain, key = write_certificate(directory)
    settings = directory / "nginx.conf"
    settings.write_text(NGINX % {"directory": directory, "port": port, "chain": chain, "key": key})
    with program("nginx", "-c", str(settings), "-e", "/dev/null"):
        yield


Before = Callable[[Path, int], contextlib.AbstractContextManager[None]]


def connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def session_from(before: Before, directory: Path) -> Path:
    """Return a session that allows early data, as a server issues it that stood here before."""
    session, port = directory / "session.pem", free_port()
    client = ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "a.test", "-tls1_3")
    with before(directory, port):
        wait_until(lambda: connects(port))
        # It says nothing and stays until the ticket is here, which comes after the handshake.
        with program(*client, "-sess_out", str(session)):
            wait_until(lambda: session.exists() and b"END" in session.read_bytes())
    assert "Max Early Data: 16384" in run("openssl", "sess_id", "-in", str(session), "-text", "-noout")
    return session


@pytest.mark.parametrize("groups", [None, NO_SHARE_OF_OURS], ids=["at once", "asked again"])
@pytest.mark.parametrize("size", [1, 500, 6000, 16384])
@pytest.mark.parametrize("before", [openssl_before, nginx_before])
def test_early_data_of_another_server_costs_a_round_trip(
    port: int, tmp_path: Path, before: Before, size: int, groups: str | None
) -> None:
    """OpenSSL goes on with a full handshake when what it sent early is not taken."""
    session = session_from(before, tmp_path)
    early = tmp_path / "early"
    early.write_bytes(b"x" * size)
    options = ["-servername", "a.test", "-tls1_3", "-sess_in", str(session), "-early_data", str(early)]
    said = s_client(port, *options, *(("-groups", groups) if groups else ()))
    assert "Early data was rejected" in said
    assert "New, TLSv1.3" in said
    assert "alert" not in said
