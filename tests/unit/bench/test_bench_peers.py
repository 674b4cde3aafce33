"""What the peers are told."""

import json
from pathlib import Path

import pytest

from port443.core.contract.read import read_document
from port443.core.contract.snapshot import Listener, Site, canonical, hash_of
from rig.group import Place
from rig.identity import NAME, make_identity
from rig.peers import caddy, edge, envoy, haproxy, nginx
from rig.peers.peer import Stand
from rig.rows import ONE

LISTENER = Listener("https:127.0.0.1:4430", "https", "127.0.0.1:4430", 4430)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path, make_identity(tmp_path), 4430, 8080, Place(0), ONE)


def test_the_edge_is_given_a_snapshot_that_the_contract_allows(stand: Stand) -> None:
    """The root and all parts pass the checks that both sides share, and nothing is missing."""
    root, parts = edge.snapshot(LISTENER, stand)
    assert read_document(canonical(root)) == root
    assert [read_document(canonical(part)) for part in parts] == parts
    assert set(root.parts) == {hash_of(part) for part in parts}
    sites = [part for part in parts if isinstance(part, Site)]
    assert root.sites == {NAME: hash_of(sites[0])}


@pytest.mark.parametrize(
    ("version", "word", "directive"),
    [
        ("1.22.1-9+deb12u11", True, False),
        ("1.25.0", True, False),
        ("1.25.1", False, True),
        ("1.31.4", False, True),
    ],
)
def test_nginx_speaks_http2_in_the_words_of_its_version(
    stand: Stand, version: str, *, word: bool, directive: bool
) -> None:
    """`listen … http2` became `http2 on` in 1.25.1."""
    text = nginx.Nginx(Path("nginx"), "nginx", version).configuration(stand)
    assert (" ssl http2 " in text) == word
    assert ("http2 on;" in text) == directive
    assert text.count("{") == text.count("}")


def test_every_peer_listens_where_it_is_told_and_asks_the_backend(stand: Stand) -> None:
    """Each configuration names the port, the backend and the files of the one certificate."""
    ours = [json.dumps(envoy.configuration(stand)), json.dumps(caddy.configuration(stand))]
    for text in [nginx.Nginx(Path("n"), "n", "1.22.1").configuration(stand), *ours]:
        assert str(stand.identity.chain_file) in text
        assert str(stand.identity.key_file) in text
    for text in [haproxy.configuration(stand), *ours]:
        assert "4430" in text
        assert "8080" in text
