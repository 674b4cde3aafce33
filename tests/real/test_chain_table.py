"""Certificates, three readers, one truth: every row of the table, asked of everybody who reads chains."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain_readers import by_control_plane, by_go, by_handshake, by_openssl, by_scanner, made
from chain_table import OK, ROWS, Row
from edge_harness import RunningEdge, running_edge
from plan_samples import desired, needs_of, site
from port443.core.contract.snapshot import plain
from port443.core.errors import CertificateError
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential
from port443.core.plan.planner import plan
from port443.core.x509.chain import HARMLESS
from port443.core.x509.own import OwnChecked

DOCUMENT = Path(__file__).parents[2] / "docs" / "chains.md"
HEAD = """# Chains: RFC 5280, reader by reader

Written by `tests/real/test_chain_table.py` from `tests/helpers/chain_table.py`, which makes each chain and
asks every reader: `ACCEPT=1 make test-python PYTEST_ARGS=tests/real/test_chain_table.py` writes it anew.

OpenSSL is `openssl verify -policy_check -policy anyPolicy -purpose sslserver -verify_hostname NAME`, Go is
`x509.Certificate.Verify`. The scanner trusts a chain (✓) or does not (✗); with ! it names clients that refuse
what is valid. A site's own files are served (✓), served with a warning (!), or refused (✗) when no client
could use them. The edge judges no chain: it serves what it is given, as a handshake proves for every row
without ✗ there.

| chain | RFC 5280 § | OpenSSL | Go | scanner | own files | |
|---|---|---|---|---|---|---|
"""


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge(workers=1) as running:
        yield running


def test_openssl_says_what_the_table_says(tmp_path: Path) -> None:
    said = by_openssl(tmp_path)
    assert {} == {row.id: said[row.id] for row in ROWS if not _is_said(row.openssl, said[row.id])}


def test_go_says_what_the_table_says(tmp_path: Path) -> None:
    said = by_go(tmp_path)
    assert {} == {row.id: said[row.id] for row in ROWS if not _is_said(row.go, said[row.id])}


def _is_said(wanted: str, said: str) -> bool:
    return said == OK if wanted == OK else wanted in said


def test_the_scanner_says_what_the_table_says() -> None:
    said = {row.id: by_scanner(row) for row in ROWS}
    assert {row.id: row.scanner for row in ROWS} == {id_: verdict.faults for id_, verdict in said.items()}
    assert {row.id: row.scanner <= HARMLESS for row in ROWS} == {
        id_: verdict.is_trusted for id_, verdict in said.items()
    }


def test_the_control_plane_says_what_the_table_says() -> None:
    """Files that no client could use are refused; others are served, with a warning where clients refuse."""
    for row in ROWS:
        found = by_control_plane(row)
        if isinstance(found, CertificateError):
            assert row.control == found.code, row.id
            continue
        warned = " ".join(found.warnings)
        assert row.is_served, row.id
        assert row.control in warned if row.control != OK else not warned, (row.id, warned)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_chain_is_judged_alike_whose_root_is_not_known(row: Row) -> None:
    """Most files end below their root: only what the root itself says stays unknown then."""
    known, unknown = by_control_plane(row), by_control_plane(row, knows_root=False)
    if isinstance(known, CertificateError) or isinstance(unknown, CertificateError):
        assert type(known) is type(unknown)
        return
    assert known.chain == unknown.chain
    of_the_root = [one for one in known.warnings if "CN=Root may not sign" in one]
    incomplete = [one for one in unknown.warnings if "may be incomplete: the certificate of CN=Root" in one]
    assert set(known.warnings) - {*of_the_root} == set(unknown.warnings) - {*incomplete}


def test_the_edge_serves_what_the_control_plane_takes(edge: RunningEdge) -> None:
    """The whole chain, however long and whatever its extensions, in a real handshake."""
    files = {row: found for row in ROWS if isinstance(found := by_control_plane(row), OwnChecked)}
    credentials = {
        row.host: Credential(found.chain[0].names, tuple(one.der for one in found.chain), found.key_pkcs8)
        for row, found in files.items()
    }
    listener = edge.listen()
    host, _, port = listener.address.rpartition(":")
    endpoint = Endpoint(host, int(port))
    wishes = desired(*(site(row.host) for row in files), https=(endpoint,), http=())
    meant = plan(wishes, needs_of(credentials), hsts_steps={}, ticket_keys=())
    with_control = edge.control()
    try:
        with_control.request("put", parts=[plain(part) for part in meant.parts.values()])
        root = plain(meant.root)
        receipt = with_control.request("apply", root=root, epoch=edge.epoch, base=edge.running)["receipt"]
    finally:
        with_control.close()
    assert receipt["missing"] == []
    served = asyncio.run(by_handshake(endpoint, [row.host for row in files]))
    assert {host: credential.chain for host, credential in credentials.items()} == served
    for row, found in files.items():
        _, sent = made(row)
        broken = "the signature on" in row.control
        assert len(found.chain) == (1 if broken else len(sent)), row.id


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_difference_is_explained(row: Row) -> None:
    """Where readers come to different ends, the table says who is right; and no row is explained in vain."""
    verdicts = {row.openssl == OK, row.go == OK, row.scanner <= HARMLESS}
    assert len(verdicts) == 1 or row.why


def test_the_document_is_the_table() -> None:
    written = HEAD + "".join(map(_line, ROWS))
    if os.environ.get("ACCEPT"):
        DOCUMENT.write_text(written)
    assert written == DOCUMENT.read_text()


def _line(row: Row) -> str:
    scanner = "✗" if not row.scanner <= HARMLESS else "!" if row.scanner else "✓"
    control = "✓" if row.control == OK else "!" if row.is_served else f"✗ {row.control}"
    cells = (
        row.what, row.rfc, _mark(row.openssl), _mark(row.go), scanner, control, row.why
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _mark(said: str) -> str:
    return "✓" if said == OK else f"✗ {said}"
