"""The proof handshake against OpenSSL, and against servers that are none."""

import asyncio
import socket
import struct
from pathlib import Path
from socketserver import BaseRequestHandler

import pytest

from edge_harness import Scene, SiteWish, running_edge
from port443.app.handshake import ServedHandshake, handshake
from port443.core.errors import ScanError
from port443.core.names import Endpoint
from port443.core.probe.failures import (
    ConnectionEnded,
    ConnectionWasReset,
    ConnectRefused,
    HandshakeRefused,
)
from port443.core.wire.reading import NotTLS
from port443.scan_wiring import make_dial
from tls_certs import Files, Issued, Wish, ec_key, intermediate, issue, rsa_key, write
from tls_servers import openssl_server, raw_server
from waiting import wait_until

LEAF = issue(Wish(), ec_key(), intermediate())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write(tmp_path, LEAF, (intermediate(),))


def shake(endpoint: Endpoint, version: str = "1.3", name: str | None = "localhost") -> ServedHandshake:
    return asyncio.run(handshake(make_dial(), endpoint, name, "1.2" if version == "1.2" else "1.3"))


def failure(endpoint: Endpoint, version: str = "1.3") -> ScanError:
    with pytest.raises(ScanError) as caught:
        shake(endpoint, version)
    return caught.value


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_whole_chain_and_the_proof_of_the_key_are_shown(files: Files, version: str) -> None:
    """A good server's chain comes back byte by byte, with the key proved, in both versions."""
    with openssl_server(files, "-alpn", "h2,http/1.1") as endpoint:
        served = shake(endpoint, version)
    assert served.chain == (LEAF.der, intermediate().der)
    assert (served.version, served.group, served.key_proved, served.alpn) == (version, "x25519", True, "h2")


@pytest.mark.parametrize("suite", ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"])
@pytest.mark.parametrize("group", ["x25519", "secp256r1", "secp384r1", "secp521r1"])
def test_every_suite_and_group_of_tls_13_is_spoken(files: Files, suite: str, group: str) -> None:
    """Groups for which no key was sent are reached by one more hello."""
    names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
    options = ("-tls1_3", "-ciphersuites", f"TLS_{suite}", "-groups", names.get(group, "X25519"))
    with openssl_server(files, *options) as endpoint:
        served = shake(endpoint)
    assert (served.suite, served.group, served.key_proved) == (f"TLS_{suite}", group, True)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("leaf", [issue(Wish(), rsa_key()), issue(Wish(), ec_key(384))], ids=["rsa", "p384"])
def test_other_keys_are_proved_too(tmp_path: Path, version: str, leaf: Issued) -> None:
    """RSA (PSS in both versions) and P-384 leaves sign what proves them."""
    with openssl_server(write(tmp_path, leaf, ())) as endpoint:
        assert shake(endpoint, version).key_proved


def test_a_wish_for_a_client_certificate_does_not_hinder(files: Files) -> None:
    """The proof needs nothing but the server's own messages."""
    with openssl_server(files, "-verify", "1") as endpoint:
        assert shake(endpoint).key_proved


def test_a_refused_version_is_named_by_its_alert(files: Files) -> None:
    """A server without TLS 1.3 says protocol_version, and the error repeats it."""
    with openssl_server(files, "-tls1_2") as endpoint:
        refused = failure(endpoint, "1.3")
    assert isinstance(refused, HandshakeRefused)
    assert "protocol_version" in refused.message


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_edge_counts_a_proof_as_a_whole_handshake(version: str) -> None:
    """Our own handshakes are no failures in anybody's numbers, ours least of all."""
    with running_edge(workers=1) as edge:
        listener = edge.listen()
        edge.apply(Scene((SiteWish(("localhost",), (LEAF,)),), (listener,)))
        assert shake(Endpoint.parse(listener.address), version).key_proved
        done = wait_until(lambda: edge.stats()["handshakes"])
        assert [(one["version"], one["count"]) for one in done] == [(version, 1)]
        assert edge.stats()["handshake_failures"] == {}


class Plain(BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class Closing(BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)


class Resetting(BaseRequestHandler):
    def handle(self) -> None:
        # No time to linger: the close is a reset.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


@pytest.mark.parametrize(
    ("server", "wanted"), [(Plain, NotTLS), (Closing, ConnectionEnded), (Resetting, ConnectionWasReset)]
)
def test_each_way_to_fail_is_told_apart(server: type[BaseRequestHandler], wanted: type[ScanError]) -> None:
    """What is no TLS, an end, and a reset are three errors."""
    with raw_server(server) as endpoint:
        assert type(failure(endpoint)) is wanted


def test_a_port_without_a_listener_is_refused() -> None:
    """Nothing listens there, and the error says so with its address."""
    with raw_server(Closing) as endpoint:
        pass
    refused = failure(endpoint)
    assert isinstance(refused, ConnectRefused)
    assert str(endpoint) in refused.message
