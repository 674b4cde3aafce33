"""The data about families of clients against the hellos that installed ones send."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from odd_tls import HANDSHAKE_FAILURE, alert, answering, numbers
from port443.core.grade.clients import BROWSERS, LIBRARIES
from port443.core.names import Endpoint
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.groups import GROUPS
from port443.core.wire.suites import all_suites

CLIENT_S = 60
RENEGOTIATION_SCSV = 0x00FF
FAMILIES = {client.name: client for client in (*BROWSERS, *LIBRARIES)}
GO = """package main

import ("crypto/tls"; "os")

func main() { tls.Dial("tcp", os.Args[1], &tls.Config{ServerName: "localhost"}) }
"""
Visit = Callable[[Endpoint, Path], list[str]]


def go(endpoint: Endpoint, home: Path) -> list[str]:
    (home / "visit.go").write_text(GO)
    return ["go", "run", str(home / "visit.go"), str(endpoint)]


def chromium(endpoint: Endpoint, home: Path) -> list[str]:
    switches = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
                "disable-background-networking", "disable-component-update", "dump-dom")  # fmt: skip
    switched = [*(f"--{switch}" for switch in switches), f"--user-data-dir={home}"]
    return ["chromium", *switched, f"https://{endpoint}/"]


VISITS: dict[str, Visit] = {
    "OpenSSL": lambda endpoint, _: ["openssl", "s_client", "-connect", str(endpoint)],
    "GnuTLS": lambda endpoint, _: ["gnutls-cli", f"--port={endpoint.port}", endpoint.address],
    "Go": go,
    "Chrome and Edge": chromium,
}


@pytest.mark.slow
@pytest.mark.parametrize("family", VISITS)
def test_a_family_has_what_its_program_offers(family: str, tmp_path: Path) -> None:
    """Each suite and group that is offered is in the data, which has what any version takes."""
    with answering(lambda *_: alert(HANDSHAKE_FAILURE)) as (endpoint, heard):
        command = VISITS[family](endpoint, tmp_path)
        if not shutil.which(command[0]):
            pytest.skip(f"{command[0]} is not installed")
        # Go keeps its build cache where it always is.
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CLIENT_S, check=False,
            env={**os.environ, "GOFLAGS": "-mod=mod"},
        )  # fmt: skip
    assert heard, f"{family} sent no hello"
    client, hello = FAMILIES[family], heard[0]
    suites = {code for code in hello.suites if code in all_suites() and code != RENEGOTIATION_SCSV}
    groups = {code for code in numbers(hello, ExtensionType.SUPPORTED_GROUPS) if code in GROUPS}
    assert suites
    assert suites <= client.suites
    assert groups
    assert groups <= client.groups
