"""All addresses of a name, each a real server of its own, and what differs between them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from port443.adapters.dial import Dialler
from port443.cli import scan_run
from port443.cli.main import run
from port443.core.names import Endpoint, SiteName
from scanning import SCHEMA, closed_port
from tls_certs import Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server

pytestmark = pytest.mark.slow
SECOND = "127.0.0.2"


class TwoAddresses(Dialler):
    """A resolver that knows these."""

    places: tuple[Endpoint, ...] = ()

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        del name, port
        return self.places


def scanned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str, *places: Endpoint
) -> str:
    monkeypatch.setattr(TwoAddresses, "places", places)
    monkeypatch.setattr(scan_run, "make_dial", TwoAddresses)
    with closed_port() as http:
        run(["scan", "localhost", "--all-addresses", "--http-port", str(http), "--format", form])
    return capsys.readouterr().out


def test_differences_between_addresses_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two has another certificate and no TLS 1.3; the keys of tickets are each server's own."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    made = write(first, issue(Wish(), ec_key(), intermediate()), (intermediate(),))
    other = write(second, issue(Wish(), ec_key(), intermediate()), (intermediate(),))
    with openssl_server(made) as one, openssl_server(other, "-tls1_2", address=SECOND) as two:
        text = scanned(monkeypatch, capsys, "text", one, two)
        document: Any = json.loads(scanned(monkeypatch, capsys, "json", one, two))
    jsonschema.validate(document, SCHEMA)
    (comparison,) = document["comparisons"]
    assert comparison["addresses"] == ["127.0.0.1", SECOND]
    found = {one["what"]: {seen["address"]: seen["value"] for seen in one["seen"]}
             for one in comparison["differences"]}  # fmt: skip
    assert found["protocols"] == {"127.0.0.1": "TLS 1.3 TLS 1.2", SECOND: "TLS 1.2"}
    assert "certificates" in found
    assert document["shared_ticket_keys"] == []
    assert "localhost:443 at 2 addresses" in text


def test_addresses_that_are_alike_have_no_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same files and options twice; a line for each target, and the comparison behind them."""
    made = write(tmp_path, issue(Wish(), ec_key(), intermediate()), (intermediate(),))
    with openssl_server(made) as one, openssl_server(made, address=SECOND) as two:
        printed = scanned(monkeypatch, capsys, "jsonl", one, two).splitlines()
    documents: list[Any] = [json.loads(line) for line in printed]
    assert [len(each["targets"]) for each in documents] == [1, 1, 0]
    assert [each["differences"] for each in documents[-1]["comparisons"]] == [[]]
