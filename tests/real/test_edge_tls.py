"""Handshakes of real clients with the real edge: what they agree on, and which certificate they see."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from port443.adapters.sample_backend import SampleBackend
from port443.core.contract.snapshot import Listener, Server
from tls_certs import Issued, Wish, ec_key, intermediate, issue, root, rsa_key
from tls_client import ask, connected, context, go_client, run, s_client
from waiting import wait_until

A_TEST = SiteWish(("a.test",), (issue(Wish(("a.test",)), ec_key(), intermediate()),))
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with running_edge() as started:
        yield started


@pytest.fixture
def root_file(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(root().pem)
    return path


def port_of(listener: Listener) -> int:
    return int(listener.address.rpartition(":")[2])


def serve(edge: RunningEdge, *sites: SiteWish, **wishes: object) -> int:
    """Serve sites on a listener of their own and return its port."""
    listener = edge.listen()
    receipt = edge.apply(Scene(sites or (A_TEST,), (listener,), **wishes))  # type: ignore[arg-type]
    assert {"listening"} == set(receipt["listeners"].values())
    assert {"running"} == {site["state"] for site in receipt["sites"].values()}
    return port_of(listener)


def upstream(backend: SampleBackend) -> tuple[Server, ...]:
    return (Server("127.0.0.1", int(backend.url.rpartition(":")[2])),)


def leaf_seen(port: int, name: str | None, host: str = "127.0.0.1") -> bytes | None:
    with connected(port, name, context(), host=host) as tls:
        return tls.getpeercert(binary_form=True)


@pytest.mark.parametrize(("version", "option"), [("TLSv1.2", "-tls1_2"), ("TLSv1.3", "-tls1_3")])
def test_openssl_verifies_the_chain(edge: RunningEdge, root_file: Path, version: str, option: str) -> None:
    """OpenSSL agrees on either version, and finds the chain complete."""
    port = serve(edge)
    said = s_client(port, option, "-servername", "a.test", "-CAfile", str(root_file), "-verify_return_error")
    assert f"{version}, Cipher is " in said
    assert "Verify return code: 0 (ok)" in said
    wanted = {"version": version.removeprefix("TLSv"), "server_name": "a.test", "site": "a.test"}
    assert edge.wait_event("handshake_completed", 0, **wanted)["alpn"] is None


def test_python_speaks_through_the_edge(edge: RunningEdge, backend: SampleBackend) -> None:
    """A request over Python's ssl is answered by the site's upstream."""
    port = serve(edge, SiteWish(A_TEST.names, A_TEST.certificates, upstream(backend)))
    client = context()
    client.set_alpn_protocols(["http/1.1"])
    with connected(port, "a.test", client) as tls:
        assert tls.selected_alpn_protocol() == "http/1.1"
        assert b"a test&#x27;s server" in ask(tls) or b"a test's server" in ask(tls)


def test_gnutls_verifies_the_chain(edge: RunningEdge, root_file: Path) -> None:
    """GnuTLS agrees on TLS 1.3 and on 1.2, and finds the chain complete."""
    port = serve(edge)
    for priority, version in (("NORMAL", "TLS1.3"), ("NORMAL:-VERS-TLS1.3", "TLS1.2")):
        said = run(
            "gnutls-cli", "--port", str(port), "--x509cafile", str(root_file), "--priority", priority,
            "--sni-hostname", "a.test", "--verify-hostname", "a.test", "127.0.0.1",
        )  # fmt: skip
        assert "The certificate is trusted" in said, said
        assert f"({version}" in said, said


@pytest.mark.slow
def test_go_agrees_on_a_hybrid_group(
    edge: RunningEdge, root_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A client that knows X25519MLKEM768 gets it, and the statistics say so."""
    client = go_client(tmp_path_factory.mktemp("go"))
    port = serve(edge)
    said = run(str(client), f"127.0.0.1:{port}", str(root_file), "a.test")
    assert "TLS 1.3" in said, said
    assert "X25519MLKEM768" in said, said
    # The client is done a moment before the edge has counted it.
    (line,) = wait_until(lambda: edge.stats()["handshakes"])
    kind = (line["version"], line["group"], line["resumed"], line["count"])
    assert kind == ("1.3", "X25519MLKEM768", False, 1)


def test_certificates_are_chosen_by_name(edge: RunningEdge) -> None:
    """An exact name, a wildcard one label above, and the address without a name find their site."""
    sites = {
        name: issue(Wish((name,)), ec_key(), intermediate()) for name in ("*.w.test", "x.w.test", "127.0.0.1")
    }
    port = serve(edge, A_TEST, *(SiteWish((name,), (issued,)) for name, issued in sites.items()))
    assert sites["x.w.test"].der == leaf_seen(port, "x.w.test")
    assert sites["*.w.test"].der == leaf_seen(port, "y.w.test")
    assert sites["127.0.0.1"].der == leaf_seen(port, None)
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        leaf_seen(port, "deeper.y.w.test")


def test_an_address_of_ipv6_has_its_site(edge: RunningEdge) -> None:
    """Without a server name, the IPv6 address that the client came to decides."""
    issued = issue(Wish(("::1",)), ec_key(), intermediate())
    listener = edge.listen(host="::1")
    edge.apply(Scene((A_TEST, SiteWish(("::1",), (issued,))), (listener,)))
    assert issued.der == leaf_seen(port_of(listener), None, host="::1")


def test_the_key_fits_what_the_client_can_verify(edge: RunningEdge) -> None:
    """A site with two certificates shows the RSA one to a client that knows only RSA."""
    ecdsa, rsa = (issue(Wish(("a.test",)), key, intermediate()) for key in (ec_key(), rsa_key()))
    port = serve(edge, SiteWish(("a.test",), (ecdsa, rsa)))
    assert ecdsa.der == leaf_seen(port, "a.test")
    said = s_client(port, "-servername", "a.test", "-sigalgs", "rsa_pss_rsae_sha256")
    assert "Peer signature type: RSA-PSS" in said
    said = s_client(port, "-servername", "a.test", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    assert "Cipher is ECDHE-RSA-AES128-GCM-SHA256" in said


def test_a_default_site_answers_unknown_names(edge: RunningEdge) -> None:
    """With a default site, an unknown name and no name at all get its certificate."""
    port = serve(edge, A_TEST, default_site="a.test")
    client = context()
    client.check_hostname = False
    with connected(port, "unknown.test", client) as tls:
        assert A_TEST.certificates[0].der == tls.getpeercert(binary_form=True)
    assert A_TEST.certificates[0].der == leaf_seen(port, None)


class Resumer:
    """A client that keeps its newest session."""

    def __init__(self, version: ssl.TLSVersion, backend_port: int) -> None:
        self.context = context(version)
        self.session: ssl.SSLSession | None = None
        self.port = backend_port

    def reuses(self, name: str = "a.test") -> bool:
        """Make a request on a new connection; tell whether it resumed the kept session."""
        with connected(self.port, name, self.context, self.session) as tls:
            # A ticket of TLS 1.3 comes after the handshake: reading the answer takes it in.
            ask(tls, name)
            if not tls.session_reused:
                self.session = tls.session
            return bool(tls.session_reused)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_sessions_are_resumed_by_every_worker_and_after_an_apply(
    edge: RunningEdge, backend: SampleBackend, version: ssl.TLSVersion
) -> None:
    """A ticket is good on all workers, and still after new ticket keys and another site came."""
    listener = edge.listen()
    site = SiteWish(A_TEST.names, A_TEST.certificates, upstream(backend))
    edge.apply(Scene((site,), (listener,), ticket_secrets=(b"1" * 32,)))
    client = Resumer(version, port_of(listener))
    assert not client.reuses()
    # The kernel spreads connections over two workers: one in a million runs meets only one.
    assert all(client.reuses() for _ in range(20))

    other = SiteWish(("b.test",), (issue(Wish(("b.test",)), ec_key(), intermediate()),))
    edge.apply(Scene((site, other), (listener,), ticket_secrets=(b"2" * 32, b"1" * 32)))
    assert all(client.reuses() for _ in range(10))

    edge.apply(Scene((site, other), (listener,), ticket_secrets=(b"2" * 32,)))
    assert not client.reuses()
    resumed = sum(line["count"] for line in edge.stats()["handshakes"] if line["resumed"])
    assert resumed == 30


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_another_site_takes_no_ticket(
    edge: RunningEdge, backend: SampleBackend, version: ssl.TLSVersion
) -> None:
    """A ticket of one site is worth nothing at another one under the same keys."""
    issued = issue(Wish(("a.test", "b.test")), ec_key(), intermediate())
    sites = [SiteWish((name,), (issued,), upstream(backend)) for name in ("a.test", "b.test")]
    client = Resumer(version, serve(edge, *sites))
    assert not client.reuses("a.test")
    assert not client.reuses("b.test")
    assert client.reuses("b.test")


def test_certificates_are_swapped_for_new_connections(edge: RunningEdge) -> None:
    """After an apply the new certificate is shown; a connection from before goes on."""
    old, new = (issue(Wish(("a.test",)), ec_key(), intermediate()) for _ in range(2))
    listener = edge.listen()
    edge.apply(Scene((SiteWish(("a.test",), (old,)),), (listener,)))
    port = port_of(listener)
    with connected(port, "a.test", context()) as before:
        edge.apply(Scene((SiteWish(("a.test",), (new,)),), (listener,)))
        assert new.der == leaf_seen(port, "a.test")
        assert b"502" in ask(before).splitlines()[0]


def test_a_quarantined_site_keeps_its_last_good_version(edge: RunningEdge) -> None:
    """A certificate with a stranger's key is refused; the site goes on with the one before."""
    good = A_TEST.certificates[0]
    listener = edge.listen()
    edge.apply(Scene((A_TEST,), (listener,)))
    stranger = Issued(good.certificate, rsa_key(), good.above)
    broken = (SiteWish(("a.test",), (stranger,)), SiteWish(("b.test",), (stranger,)))
    receipt = edge.apply(Scene(broken, (listener,)))
    verdicts = receipt["sites"]
    assert verdicts["a.test"]["code"] == verdicts["b.test"]["code"] == "key_mismatch"
    assert verdicts["a.test"]["path"] == "certificates[0].key"
    assert verdicts["a.test"]["serves"] is not None
    assert verdicts["b.test"]["serves"] is None
    assert good.der == leaf_seen(port_of(listener), "a.test")
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        leaf_seen(port_of(listener), "b.test")
    edge.wait_event("handshake_failed", server_name="b.test", reason="site_quarantined")


def test_keys_are_never_written_down(tmp_path: Path) -> None:
    """SSLKEYLOGFILE in the edge's environment has no effect."""
    log = tmp_path / "keys.log"
    with running_edge(environment={"SSLKEYLOGFILE": str(log)}) as edge:
        assert leaf_seen(serve(edge), "a.test")
    assert not log.exists()
