"""A real pebble (the CA that Let's Encrypt tests clients with) and its DNS server, on free ports of loopback.

Every name leads to 127.0.0.1. Whatever answers on `http_port` and `tls_port` is validated: in tests of the
protocol a `Responder`, in those of the whole the edge itself.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import BaseRequestHandler
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme

from free_ports import free_port
from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer
from tls_servers import Quiet
from waiting import wait_until
from wrapping import wrapped

INSTALLED = Path(__file__).parents[2] / ".build" / "bin"
MAC_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
KEY_ID = "kid-1"
PROFILES = {
    "default": {"description": "as usual", "validityPeriod": 7776000},
    "shortlived": {"description": "six days", "validityPeriod": 518400},
}


def program(name: str) -> str:
    """Return where a program of pebble is; skips the test where there is none."""
    found = shutil.which(INSTALLED / name) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: `make .build/clients` installs it where there is Go")
    return found


@dataclass
class Pebble:
    """A running CA."""

    port: int
    management_port: int
    dns_management_port: int
    http_port: int
    tls_port: int
    trust: trustme.CA = field(repr=False)
    """Who signed the certificate of its own HTTPS."""

    @property
    def directory_url(self) -> str:
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def trust_der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.trust.cert_pem.bytes().decode())

    def root(self, number: int = 0) -> bytes:
        """Return a root that it issues under, in PEM; alternate ones from 1 on."""
        return self._ask(f"https://127.0.0.1:{self.management_port}/roots/{number}")

    def set_renewal_info(self, certificate_pem: str, answer: object) -> None:
        """Have it suggest this for a certificate; a text as it stands, however wrong."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        body = {"Certificate": certificate_pem, "ARIResponse": text}
        self._ask(f"https://127.0.0.1:{self.management_port}/set-renewal-info/", body)

    def set_dns(self, call: str, **values: Any) -> None:
        """Change what its DNS server says by one of its calls: `add-a`, `add-caa`, `set-servfail`."""
        self._ask(f"http://127.0.0.1:{self.dns_management_port}/{call}", values)

    def _ask(self, url: str, body: object = None) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trust.configure_trust(context)
        content = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(url, content, timeout=10, context=context) as answer:  # noqa: S310 - loopback
            return bytes(answer.read())


@contextmanager
def running_pebble(
    environment: Mapping[str, str] | None = None,
    *,
    ports: tuple[int, int] | None = None,
    **config: Any,
) -> Iterator[Pebble]:
    """Run it with its DNS server; `ports` are those of http-01 and tls-alpn-01, free ones by themselves."""
    paths = program("pebble"), program("pebble-challtestsrv")
    http_port, tls_port = ports or (free_port(), free_port())
    pebble = Pebble(free_port(), free_port(), free_port(), http_port, tls_port, trustme.CA())
    dns = free_port()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="p443-pebble-")))
        stack.enter_context(_process(_dns_command(paths[1], dns, pebble), None))
        command = [
            paths[0],
            "-config",
            str(_config(directory, pebble, config)),
            "-dnsserver",
            f"127.0.0.1:{dns}",
        ]
        stack.enter_context(_process(command, {"PEBBLE_VA_NOSLEEP": "1", **(environment or {})}))
        for port in (pebble.port, pebble.management_port, pebble.dns_management_port):
            wait_until(lambda port=port: _is_listening(port))  # type: ignore[misc]
        yield pebble


def _dns_command(path: str, dns: int, pebble: Pebble) -> list[str]:
    off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""]
    management = f"127.0.0.1:{pebble.dns_management_port}"
    return [path, "-dnsserver", f"127.0.0.1:{dns}", "-management", management, *off]


def _config(directory: Path, pebble: Pebble, changes: Mapping[str, Any]) -> Path:
    certificate, key = directory / "cert.pem", directory / "key.pem"
    issued = pebble.trust.issue_cert("127.0.0.1", "localhost")
    certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    path = directory / "pebble.json"
    settings = {
        "listenAddress": f"127.0.0.1:{pebble.port}",
        "managementListenAddress": f"127.0.0.1:{pebble.management_port}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": pebble.http_port,
        "tlsPort": pebble.tls_port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "externalAccountMACKeys": {KEY_ID: MAC_KEY},
        "domainBlocklist": ["blocked-domain.example"],
        "retryAfter": {"authz": 0, "order": 0},
        "keyAlgorithm": "ecdsa",
        "profiles": PROFILES,
        **changes,
    }
    path.write_text(json.dumps({"pebble": settings}))
    return path


@contextmanager
def _process(command: list[str], environment: Mapping[str, str] | None) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Responder:
    """Answers challenges as an edge would, and refuses everything else."""

    def __init__(self) -> None:
        self._by_order: dict[int, tuple[PendingAnswer, ...]] = {}

    def put(self, order: object, answers: tuple[PendingAnswer, ...]) -> None:
        """Give these answers for an order, in the place of those that it had."""
        self._by_order = self._by_order | {id(order): answers}

    @property
    def answers(self) -> tuple[PendingAnswer, ...]:
        return tuple(one for answers in self._by_order.values() for one in answers)

    def of_token(self, token: str) -> str | None:
        found = (one for one in self.answers if isinstance(one, HttpAnswer))
        return next((one.key_authorisation for one in found if one.token == token), None)

    def of_server_name(self, name: str | None) -> TlsAlpnAnswer | None:
        found = (one for one in self.answers if isinstance(one, TlsAlpnAnswer))
        return next((one for one in found if one.server_name == name), None)


@contextmanager
def answering(http_port: int, tls_port: int) -> Iterator[Responder]:
    """Run a responder on both ports."""
    responder = Responder()
    with (
        TemporaryDirectory(prefix="p443-answers-") as directory,
        _listening(http_port, _http_handler(responder)),
        _listening(tls_port, _tls_handler(responder, Path(directory))),
    ):
        yield responder


@contextmanager
def _listening(port: int, handler: type[BaseRequestHandler]) -> Iterator[None]:
    with Quiet(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _http_handler(responder: Responder) -> type[BaseRequestHandler]:
    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError):
                path = self.request.recv(65536).split(b" ")[1].decode()
                found = responder.of_token(path.removeprefix("/.well-known/acme-challenge/"))
                body = (found or "").encode()
                status = b"200 OK" if found else b"404 Not Found"
                self.request.sendall(
                    b"HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
                )

    return Answer


def _tls_handler(responder: Responder, directory: Path) -> type[BaseRequestHandler]:
    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError):
                wrapped(_context(responder, directory), self.request, server_side=True).close()

    return Answer


def _context(responder: Responder, directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["acme-tls/1"])

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        answer = responder.of_server_name(name)
        if answer is None:
            return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        chosen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chosen.set_alpn_protocols(["acme-tls/1"])
        chosen.load_cert_chain(_pem_file(answer, directory))
        connection.context = chosen
        return None

    context.sni_callback = choose
    return context


def _pem_file(answer: TlsAlpnAnswer, directory: Path) -> Path:
    path = directory / f"{threading.get_ident()}.pem"
    key = ssl.DER_cert_to_PEM_cert(answer.key_pkcs8).replace("CERTIFICATE", "PRIVATE KEY")
    path.write_text(ssl.DER_cert_to_PEM_cert(answer.chain[0]) + key)
    return path
