"""Real servers of Go, GnuTLS and OpenSSL that speak TLS in one odd way only."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from free_ports import free_port
from port443.core.names import Endpoint
from port443.core.wire.groups import group_name
from scanning import look
from tls_certs import Files, Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server
from waiting import wait_until

pytestmark = pytest.mark.slow

GO = ("SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519MLKEM768", "mqtt", "client certificate")


@contextmanager
def go_servers(files: Files) -> Iterator[dict[str, Endpoint]]:
    """Run the odd servers of Go, all in one process."""
    program = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if program is None:
        pytest.skip("go is not installed")
    source = Path(__file__).parents[1] / "helpers" / "clients" / "odd_servers.go"
    command = (program, "run", str(source), str(files.bundle), str(files.key), *GO)
    # Outside a module Go keeps the defaults of its early versions, which had no hybrid groups.
    environment = {**os.environ, "GO111MODULE": "off", "GODEBUG": "tlsmlkem=1,tlssecpmlkem=1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield {name: Endpoint.parse(process.stdout.readline()) for name in GO}
        process.stdin.close()  # what ends it


def test_gos_servers_of_one_kind_are_seen_through(tmp_path: Path) -> None:
    """The hybrid groups, a protocol that browsers do not speak, and a wish for certificates."""
    leaf = issue(Wish(), ec_key(), intermediate())
    with go_servers(write(tmp_path, leaf, (intermediate(),))) as servers:
        facts = {name: look(endpoint).facts for name, endpoint in servers.items()}
    found = {name: one.server for name, one in facts.items()}
    assert [found[name].chains[0].key_proved for name in GO] == [True] * len(GO)
    assert [[group_name(group) for group in found[name].groups_13.groups] for name in GO[:3]] == [
        [name] for name in GO[:3]
    ]
    assert all(one.taken.is_no for one in found["mqtt"].application_protocols)
    assert found["client certificate"].wants_client_certificate
    # The system's TLS has no such groups; the answer, behind a 103, came over a handshake of our own.
    assert [facts[name].web.hsts_text for name in GO[:3]] == ["max-age=31536000"] * 3
    assert facts["client certificate"].web.hsts.is_unknown


MODERN = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
GNUTLS = {
    "AES-128-CCM": ("-CIPHER-ALL:+AES-128-CCM", "TLS_AES_128_CCM_SHA256"),
    "AES-128-CCM-8": ("-CIPHER-ALL:+AES-128-CCM-8", "TLS_AES_128_CCM_8_SHA256"),
    "x448": ("-GROUP-ALL:+GROUP-X448", "x448"),
    "ffdhe3072": ("-GROUP-ALL:+GROUP-FFDHE3072", "ffdhe3072"),
}


@contextmanager
def gnutls_server(files: Files, priority: str) -> Iterator[Endpoint]:
    program = shutil.which("gnutls-serv")
    if program is None:
        pytest.skip("gnutls-serv is not installed")
    endpoint = Endpoint("127.0.0.1", free_port())
    command = (program, "--http", "--port", str(endpoint.port), "--priority", f"{MODERN}:{priority}",
               "--x509certfile", str(files.bundle), "--x509keyfile", str(files.key))  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        try:
            wait_until(lambda: takes_connections(endpoint), 10)
            yield endpoint
        finally:
            one.kill()


def takes_connections(endpoint: Endpoint) -> bool:
    with suppress(OSError), socket.create_connection((endpoint.address, endpoint.port), 1):
        return True
    return False


@pytest.mark.parametrize("what", GNUTLS)
def test_gnutls_servers_of_one_kind_are_seen_through(tmp_path: Path, what: str) -> None:
    """One suite or group by other hands than ours."""
    priority, name = GNUTLS[what]
    leaf = issue(Wish(), ec_key(), intermediate())
    with gnutls_server(write(tmp_path, leaf, (intermediate(),)), priority) as endpoint:
        report = look(endpoint)
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]
    assert name in {
        *(suite.name for _, suite in report.facts.suites),
        *(group_name(group) for group in report.facts.server.groups_13.groups),
    }


OPENSSL = {
    "CCM": ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"),
    "CCM_8": ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"),
    "ChaCha": ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
    "ffdhe2048": ("-tls1_3", "-groups", "ffdhe2048"),
    "x448": ("-tls1_3", "-groups", "X448"),
    "secp521r1": ("-tls1_3", "-groups", "P-521"),
    "brainpool in TLS 1.2": ("-tls1_2", "-curves", "brainpoolP512r1"),
    "CCM_8 in TLS 1.2": ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8"),
}


@pytest.mark.parametrize("what", OPENSSL)
def test_openssl_servers_of_one_kind_are_seen_through(tmp_path: Path, what: str) -> None:
    """Suites and groups that no browser asks for are found, with the certificate and its proof."""
    leaf = issue(Wish(), ec_key(), intermediate())
    with openssl_server(write(tmp_path, leaf, (intermediate(),)), *OPENSSL[what]) as endpoint:
        report = look(endpoint)
    assert [(chain.served.key_proved, chain.verdict.is_trusted) for chain in report.facts.chains] == [
        (True, True)
    ]
    assert report.grade.letter is not None
    # s_server has a page, and HSTS is not on it: known also where the system's TLS has no such suite.
    assert report.facts.web.hsts.is_no or "brainpool" in what


KEYS = {
    "ed25519": ("ed25519",),
    "ed448": ("ed448",),
    "rsa-pss": ("rsa-pss",),
    "brainpool": ("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
    "P-521": ("ec", "-pkeyopt", "ec_paramgen_curve:P-521"),
}


@pytest.mark.parametrize("what", KEYS)
def test_keys_of_every_kind_are_proved(tmp_path: Path, what: str) -> None:
    """The one signature scheme that such a key has is offered, and its signature checked."""
    files = Files(*(tmp_path / name for name in ("leaf", "key", "chain", "leaf")))
    files.chain.touch()
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", *KEYS[what], "-nodes", "-keyout", files.key,
         "-out", files.leaf,
         "-days", "60", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        check=True, capture_output=True,
    )  # fmt: skip
    with openssl_server(files) as endpoint:
        report = look(endpoint)
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]
    assert "P443-CERT-003" in report.judgement.ids
