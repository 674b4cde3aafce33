"""Which sites' requests a TLS connection may carry (RFC 9110 §7.4), and which are misdirected."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_harness import INTERMEDIATE, SiteWish
from http2_frames import END_HEADERS, END_STREAM, GOAWAY, HEADERS, frame, http2, request
from tls_certs import Issued, Wish, ec_key, intermediate, issue
from upstreams import Upstream, running_upstream, says
from web import LEAF, NAME, Web, read_answer, running_web

OTHER = "other.localhost"
STRICT = replace(INTERMEDIATE, tickets=False)
"""Another policy, as one that demands more of clients would be."""


def leaf(*names: str) -> Issued:
    return issue(Wish(names), ec_key(), intermediate())


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def get_over_2(stream: int, host: str) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, request(host=host))


@pytest.fixture
def own() -> Iterator[Upstream]:
    with running_upstream(says(b"own")) as upstream:
        yield upstream


@pytest.fixture
def other() -> Iterator[Upstream]:
    with running_upstream(says(b"other")) as upstream:
        yield upstream


@pytest.fixture
def web(tmp_path: Path, own: Upstream) -> Iterator[Web]:
    with running_web(tmp_path, own.server) as web:
        yield web


def apply(web: Web, *sites: SiteWish) -> None:
    """Let these sites run; the harness' own one comes first."""
    receipt = web.edge.apply(replace(web.scene, sites=sites))
    assert {site["state"] for site in receipt["sites"].values()} == {"running"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"certificates": (leaf(OTHER),)}, 200),
        ({"policy": STRICT}, 421),
        ({"policy": STRICT, "certificates": (leaf(OTHER),)}, 421),
        ({"names": ("third.localhost",), "certificates": (leaf("third.localhost"),)}, 421),
    ],
    ids=["same", "own-certificate", "own-policy", "both", "not-covered"],
)
def test_a_connection_serves_what_its_certificate_and_policy_are_for(
    web: Web, other: Upstream, changes: dict[str, object], status: int
) -> None:
    """A site may share the connection that has its policy and has shown a certificate for it."""
    wish = replace(SiteWish((OTHER,), (LEAF,), (other.server,)), **changes)  # type: ignore[arg-type]
    apply(web, web.scene.sites[0], wish)
    name = wish.names[0]
    answer = web.ask(f"GET / HTTP/1.1\r\nHost: {name.upper()}.\r\n\r\n")
    assert (answer.status, answer.body == b"other") == (status, status == 200)
    with http2(web) as client:
        client.send(get_over_2(1, name))
        assert client.answer(1)[0] == status
        client.send(get_over_2(3, NAME))
        assert client.answer(3)[0] == 200
    assert len(other.requests) == (2 if status == 200 else 0)


@pytest.mark.parametrize("name", [NAME, OTHER])
def test_one_site_with_two_certificates_is_two_worlds(web: Web, name: str) -> None:
    """A name of the same site is refused where the client was shown a certificate without it."""
    one = replace(web.scene.sites[0], names=(NAME, OTHER), certificates=(leaf(NAME), leaf(OTHER)))
    apply(web, one)
    for host in (NAME, OTHER):
        with web.connected(name) as tls:
            tls.sendall(get(host))
            assert read_answer(tls).status == (200 if host == name else 421)


def test_a_renewed_certificate_ends_no_connection(web: Web, own: Upstream) -> None:
    """Whoever was shown the old one goes on, for all of its names."""
    with web.connected() as tls, http2(web) as client:
        tls.sendall(get(NAME))
        assert read_answer(tls).status == 200
        renewed = replace(web.scene.sites[0], names=(NAME, OTHER), certificates=(leaf(NAME, OTHER),))
        apply(web, renewed)
        for number, host in enumerate((NAME, OTHER)):
            tls.sendall(get(host))
            assert read_answer(tls).status == 200
            client.send(get_over_2(2 * number + 1, host))
            assert client.answer(2 * number + 1) == (200, b"own")
    assert len(own.requests) == 5


def test_another_policy_of_its_site_ends_no_connection(web: Web, own: Upstream) -> None:
    """What a policy says of handshakes is for the next ones: who has passed his goes on."""
    with web.connected() as tls, http2(web) as client:
        apply(web, replace(web.scene.sites[0], policy=STRICT))
        tls.sendall(get(NAME) + b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert [read_answer(tls).status for _ in range(2)] == [200, 200]
        client.send(get_over_2(1, NAME))
        assert client.answer(1) == (200, b"own")
    assert len(own.requests) == 3


def test_a_connection_ends_when_its_site_is_gone(web: Web, other: Upstream) -> None:
    """It gets 421 and its end: nothing is left that it could carry."""
    with web.connected() as tls, http2(web) as client:
        apply(web, SiteWish((OTHER,), (leaf(OTHER),), (other.server,)))
        tls.sendall(get(NAME))
        refused = read_answer(tls)
        assert (refused.status, refused.value("connection")) == (421, "close")
        assert tls.recv(1) == b""
        client.send(get_over_2(1, NAME))
        assert client.answer(1)[0] == 421
        assert any(it.kind == GOAWAY for it in client.seen) or client.wait(GOAWAY)
