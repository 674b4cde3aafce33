"""Servers of several makers and ages, each on a free port of loopback."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from free_ports import free_port
from port443.core.names import Endpoint
from serving import Serving
from tls_certs import Files, Key, Wish, ec_key, intermediate, issue, rsa_key, write
from tls_servers import openssl_server, python_server
from waiting import wait_until

OLD = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
Server = Callable[[Path], AbstractContextManager[Endpoint]]


class Missing(Exception):
    """A program that a server needs is not installed."""


def files(place: Path, key: Key, stem: str = "server") -> Files:
    """Make a leaf for localhost with its chain."""
    return write(place, issue(Wish(), key, intermediate()), (intermediate(),), stem)


def openssl(key: Callable[[], Key], *options: str) -> Server:
    """Describe an `openssl s_server`."""

    @contextmanager
    def serve(place: Path) -> Iterator[Endpoint]:
        _need("openssl")
        with openssl_server(files(place, key()), *options) as endpoint:
            yield endpoint

    return serve


@contextmanager
def python(place: Path) -> Iterator[Endpoint]:
    """Serve by the standard library."""
    with python_server(files(place, rsa_key())) as endpoint:
        yield endpoint


@contextmanager
def nginx(place: Path) -> Iterator[Endpoint]:
    """Serve by nginx with an ECDSA and an RSA certificate."""
    port, settings = free_port(), place / "nginx.conf"
    pairs = (files(place, ec_key(), "ec"), files(place, rsa_key(), "rsa"))
    lines = "".join(f"ssl_certificate {p.bundle}; ssl_certificate_key {p.key};\n" for p in pairs)
    temporary = "".join(
        f"{kind}_temp_path {place}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings.write_text(
        f"daemon off; pid {place}/nginx.pid; error_log {place}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}server {{ listen 127.0.0.1:{port} ssl;\n{lines}"
        "ssl_protocols TLSv1.2 TLSv1.3; location / { return 204; } } }\n"
    )
    place.chmod(0o755)
    with _running(port, "nginx", "-e", str(place / "error.log"), "-c", str(settings)) as endpoint:
        yield endpoint


@contextmanager
def haproxy(place: Path) -> Iterator[Endpoint]:
    """Serve by HAProxy with what it and its OpenSSL take of themselves."""
    port, settings, made = free_port(), place / "haproxy.cfg", files(place, rsa_key())
    pair = place / "pair.pem"
    pair.write_bytes(made.bundle.read_bytes() + made.key.read_bytes())
    settings.write_text(
        "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n"
        f"frontend f\n bind 127.0.0.1:{port} ssl crt {pair} alpn h2,http/1.1\n"
        " http-request return status 200\n"
    )
    with _running(port, "haproxy", "-db", "-f", str(settings)) as endpoint:
        yield endpoint


@contextmanager
def gnutls(place: Path) -> Iterator[Endpoint]:
    """Serve by GnuTLS."""
    port, made = free_port(), files(place, rsa_key())
    command = ("gnutls-serv", "--quiet", "--http", "--disable-client-cert", "--port", str(port),
               "--x509certfile", str(made.bundle), "--x509keyfile", str(made.key))  # fmt: skip
    with _running(port, *command) as endpoint:
        yield endpoint


@contextmanager
def port443(place: Path) -> Iterator[Endpoint]:
    """Serve by the product, with a certificate of its own CA."""
    serving = Serving(place)
    serving.write({"localhost": {"to": "http://127.0.0.1:9", "issuer": "local"}})
    try:
        serving.started()
        yield Endpoint("127.0.0.1", serving.https_port)
    finally:
        serving.end()


@contextmanager
def _running(port: int, program: str, *args: str) -> Iterator[Endpoint]:
    command = (_need(program), *args)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        wait_until(lambda: _answers(port), 10)
        yield Endpoint("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{program} is not installed")
    return found


SERVERS: dict[str, Server] = {
    "OpenSSL, ECDSA": openssl(ec_key),
    "OpenSSL, TLS 1.2 with ECDSA": openssl(ec_key, "-tls1_2"),
    "OpenSSL, TLS 1.3 with P-384": openssl(
        lambda: ec_key(384), "-tls1_3", "-groups", "P-521:X448:ffdhe3072",
        "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_8_SHA256",
    ),
    "OpenSSL, all suites from TLS 1.0": openssl(rsa_key, *OLD),
    "OpenSSL, TLS 1.0 only": openssl(rsa_key, "-tls1", "-cipher", "DEFAULT@SECLEVEL=0"),
    "nginx, two certificates": nginx,
    "HAProxy": haproxy,
    "GnuTLS": gnutls,
    "Python": python,
    "port443": port443,
}  # fmt: skip
