"""A site that asks for client certificates: which clients are accepted, over which connection, which not."""

import base64
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from serving import Serving
from tls_certs import Files, Wish, ec_key, intermediate, issue, root, write
from upstreams import Upstream, running_upstream, says
from waiting import HANG_S
from web import Answer, read_answer
from wrapping import wrapped

OPEN, TEAM = "open.localhost", "team.localhost"
CLIENT = issue(
    Wish(("client.test",), "a client", usage=ExtendedKeyUsageOID.CLIENT_AUTH), ec_key(), intermediate()
)
STRANGER = issue(Wish(("client.test",), "a stranger", usage=ExtendedKeyUsageOID.CLIENT_AUTH), ec_key())
DEADLINE_S = HANG_S


@dataclass
class Place:
    """A serve with two sites on one certificate; one of them asks its clients for theirs."""

    serving: Serving
    upstream: Upstream
    own: Files
    client: Files
    client_ca: Path

    @property
    def root(self) -> Path:
        return self.own.chain.with_name("root.pem")

    def write(self, *asking: str) -> None:
        """Write the settings; these sites ask."""
        certificate = {"chain": str(self.own.bundle), "key": str(self.own.key)}
        to = f"http://127.0.0.1:{self.upstream.server.port}"
        site = {"to": to, "certificate": certificate}
        asked = {**site, "client_ca": str(self.client_ca)}
        self.serving.write({name: asked if name in asking else site for name in (OPEN, TEAM)})

    def context(self, client: Files | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.root)
        if client:
            context.load_cert_chain(client.bundle, client.key)
        return context

    @contextlib.contextmanager
    def connected(self, name: str, client: Files | None = None) -> Iterator[ssl.SSLSocket]:
        raw = socket.create_connection(("127.0.0.1", self.serving.https_port), timeout=DEADLINE_S)
        with raw, wrapped(self.context(client), raw, server_hostname=name) as tls:
            yield tls

    def curl(self, *args: str, client: Files | None, name: str = TEAM) -> subprocess.CompletedProcess[str]:
        shown = ["--cert", str(client.bundle), "--key", str(client.key)] if client else []
        to = ["--connect-to", f"::127.0.0.1:{self.serving.https_port}"]
        command = ["curl", "-sS", "--max-time", "20", "--cacert", str(self.root)]
        return subprocess.run(
            [*command, *shown, *to, *args, f"https://{name}/"],
            capture_output=True, text=True, check=False, timeout=HANG_S,
        )  # fmt: skip


def ask(tls: ssl.SSLSocket, host: str, *fields: str) -> Answer:
    """Send one request on an open connection, and read its answer."""
    lines = "".join(f"{field}\r\n" for field in (f"Host: {host}", *fields))
    tls.sendall(f"GET / HTTP/1.1\r\n{lines}\r\n".encode())
    return read_answer(tls)


@contextlib.contextmanager
def served(directory: Path) -> Iterator[Place]:
    leaf = issue(Wish((OPEN, TEAM)), ec_key(), intermediate())
    own = write(directory, leaf, (intermediate(),))
    (directory / "root.pem").write_bytes(root().pem)
    client_ca = directory / "clients.pem"
    client_ca.write_bytes(root().pem)
    client = write(directory, CLIENT, (intermediate(),), "client")
    serving = Serving(directory)
    with running_upstream(says(b"inside")) as upstream:
        place = Place(serving, upstream, own, client, client_ca)
        place.write(TEAM)
        try:
            serving.started()
            yield place
        finally:
            serving.end()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with served(tmp_path) as place:
        yield place


@pytest.fixture(scope="module")
def place_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(tmp_path_factory.mktemp("shared")) as place:
        yield place


@pytest.fixture
def shared(place_of_all: Place) -> Place:
    """Give a place that tests share which change nothing of it."""
    place_of_all.upstream.requests.clear()
    return place_of_all


@pytest.mark.parametrize("version", [("--tls-max", "1.2"), ("--tlsv1.3",)], ids=["1.2", "1.3"])
@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_only_clients_of_the_authority_come_in(
    shared: Place, version: tuple[str, ...], http: str, tmp_path: Path
) -> None:
    """One with a certificate of the CA gets an answer; one with another's, or with none, does not."""
    inside = shared.curl(*version, http, client=shared.client)
    assert (inside.returncode, inside.stdout) == (0, "inside"), inside.stderr
    stranger = write(tmp_path, STRANGER, (), "stranger")
    for client in (None, stranger):
        outside = shared.curl(*version, http, client=client)
        assert (outside.returncode != 0, outside.stdout) == (True, "")
    assert len(shared.upstream.requests) == 1


def test_the_server_hears_who_it_is(shared: Place) -> None:
    """The verified certificate is passed on (RFC 9440), and what a client says of itself is not."""
    forged = "Client-Cert: :Zm9yZ2Vk:", "Client-Cert-Chain: :Zm9yZ2Vk:", "Client_Cert: :Zm9yZ2Vk:"
    with shared.connected(TEAM, shared.client) as tls:
        assert ask(tls, TEAM, *forged).status == 200
    with shared.connected(OPEN) as tls:
        assert ask(tls, OPEN, *forged).status == 200
    assert shared.curl("--http2", "-H", forged[0], client=shared.client).returncode == 0
    shown = f":{base64.b64encode(CLIENT.der).decode()}:"
    first, second, third = shared.upstream.requests
    assert [first.values("client-cert"), second.values("client-cert")] == [[shown], []]
    assert third.values("client-cert") == [shown]
    assert "Zm9yZ2Vk" not in str(shared.upstream.requests)


def test_no_other_connection_leads_there(shared: Place) -> None:
    """Both sites stand in one certificate, and yet neither is reached over the other's connections."""
    with shared.connected(OPEN) as tls:
        assert ask(tls, OPEN).status == 200
        assert ask(tls, TEAM).status == 421
    with shared.connected(TEAM, shared.client) as tls:
        assert ask(tls, TEAM).status == 200
        assert ask(tls, OPEN).status == 421
    hosts = [request.value("host") for request in shared.upstream.requests]
    assert hosts == [OPEN, TEAM]


def test_nobody_comes_in_by_an_earlier_session(shared: Place) -> None:
    """A site that asks gives no tickets, so each client shows its certificate each time."""
    context = shared.context(shared.client)
    session: ssl.SSLSession | None = None
    for _ in range(2):
        raw = socket.create_connection(("127.0.0.1", shared.serving.https_port), timeout=DEADLINE_S)
        with raw, wrapped(context, raw, server_hostname=TEAM, session=session) as tls:
            assert ask(tls, TEAM).status == 200
            assert not tls.session_reused
            session = tls.session
            assert session is None or not session.has_ticket


def test_a_site_that_begins_to_ask_ends_what_was_open_before(place: Place) -> None:
    """A reload asks the open site's clients too: who has shown nothing gets no further."""
    with place.connected(OPEN) as tls, place.connected(TEAM, place.client) as known:
        assert ask(tls, OPEN).status == 200
        place.write(OPEN, TEAM)
        place.serving.reload()
        assert ask(tls, OPEN).status == 421
        assert tls.recv(1) == b""
        assert ask(known, TEAM).status == 200
    with place.connected(OPEN, place.client) as tls:
        assert ask(tls, OPEN).status == 200
        # Both ask for the same now, so who has shown it to one has shown it to the other.
        assert ask(tls, TEAM).status == 200


def test_a_bad_file_lets_in_nobody_else(place: Place) -> None:
    """The CAs that were named before go on being asked for, and the fault is told."""
    place.client_ca.write_bytes(CLIENT.pem)
    place.serving.reload()
    status = place.serving.ask("status").stdout
    assert "is no CA" in status
    assert place.curl(client=place.client).stdout == "inside"
    assert place.curl(client=None).returncode != 0
    place.client_ca.write_bytes(root().pem)
    place.serving.reload()
    assert "is no CA" not in place.serving.ask("status").stdout


def test_a_missing_file_lets_the_same_clients_in_after_a_restart(place: Place) -> None:
    """The state directory holds the CAs that the file named."""
    place.client_ca.unlink()
    place.serving.end()
    place.serving.started()
    assert place.curl(client=place.client).stdout == "inside"
    assert place.curl(client=None).returncode != 0
    assert "clients.pem cannot be read" in place.serving.ask("status").stdout


def test_a_site_that_does_not_know_whom_to_ask_lets_nobody_in(place: Place) -> None:
    """Without any CA every client would be accepted, so none is; other sites go on."""
    place.client_ca.unlink()
    place.serving.end()
    shutil.rmtree(place.serving.state)
    place.serving.started()
    for client in (place.client, None):
        assert place.curl(client=client).returncode != 0
    assert place.curl(client=None, name=OPEN).stdout == "inside"
    status = place.serving.ask("status").stdout
    assert "clients.pem cannot be read" in status


def test_the_proof_needs_no_certificate_of_a_client(shared: Place) -> None:
    """What is served is proved up to the place where a client would have to show its own."""
    status = shared.serving.status()
    assert status
    assert [site["client_cas"] for site in status["sites"]] == [[], ["CN=root under test"]]
    assert "need a certificate of CN=root under test" in shared.serving.ask("status").stdout
    proofs = [proof for site in status["sites"] for proof in site["proofs"]]
    assert [proof["verdict"] for proof in proofs] == ["same", "same"], proofs
