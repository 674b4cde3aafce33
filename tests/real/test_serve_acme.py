"""Certificates from a real CA through `serve` and its edge: ordered, served, renewed, and never twice."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography import x509

from pebble import KEY_ID, MAC_KEY, Pebble, running_pebble
from serving import PORT443, Serving, run_port443
from waiting import HANG_S, wait_until
from wrapping import wrapped

pytestmark = [pytest.mark.machine, pytest.mark.slow]
NAME = "app.example.com"
CONTRACT = Path(__file__).parents[2] / "contract"
CODES = {"good": 0, "findings": 1, "undetermined": 3, "refused": 5}


@pytest.fixture
def pebble(serving: Serving) -> Iterator[Pebble]:
    with running_pebble(ports=(serving.http_port, serving.https_port)) as running:
        yield running


def issuer(pebble: Pebble, serving: Serving, **more: Any) -> dict[str, Any]:
    trust = serving.directory / "ca.pem"
    trust.write_bytes(pebble.trust.cert_pem.bytes())
    return {"directory": pebble.directory_url, "trust": str(trust), "agree_tos": True, **more}


def cert(serving: Serving, command: str, *args: str) -> tuple[int, Any]:
    """Run `port443 cert`, hold its JSON to the schema, and return its exit code and the JSON."""
    done = run_port443("cert", command, *args, "--runtime", str(serving.runtime), "--json")
    document = json.loads(done.stdout)
    kind = document["schema"].removeprefix("port443.").removesuffix("/1")
    if kind != "error":
        jsonschema.validate(document, json.loads((CONTRACT / f"{kind}.schema.json").read_text()))
    return done.returncode, document


def wait_issued(serving: Serving, name: str = NAME) -> dict[str, Any]:
    """Wait until a name has a certificate that is served, and return the story."""

    def good() -> dict[str, Any] | None:
        code, story = cert(serving, "show", name)
        same = story["served"] and all(one["verdict"] == "same" for one in story["served"])
        return story if code == 0 and same else None

    return wait_until(good, HANG_S)


def shown(serving: Serving, pebble: Pebble, name: str = NAME) -> x509.Certificate:
    """Return what a client is shown that believes the CA alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pebble.root().decode())
    with (
        socket.create_connection(("127.0.0.1", serving.https_port), timeout=HANG_S) as raw,
        wrapped(context, raw, server_hostname=name) as tls,
    ):
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def test_a_certificate_is_ordered_served_renewed_and_revoked(serving: Serving, pebble: Pebble) -> None:
    """By tls-alpn-01 through the edge; a killed `serve` orders nothing again; each command tells its part."""
    serving.write({NAME: serving.backend_url}, issuers=[issuer(pebble, serving)])
    serving.started()
    story = wait_issued(serving)
    (attempt,) = story["attempts"]
    assert (attempt["reason"], attempt["generation"], attempt["code"]) == ("first", 1, None)
    assert attempt["facts"][f"challenge {NAME}"].startswith("tls-alpn-01: ")
    first = shown(serving, pebble)
    serving.kill()
    serving.started()
    assert wait_issued(serving)["attempts"] == story["attempts"]
    assert shown(serving, pebble) == first
    serving.end()
    serving.started()
    assert shown(serving, pebble) == first  # by the first round already, with an edge that is new
    assert cert(serving, "issue", NAME)[1]["issued"] is False
    code, renewed = cert(serving, "renew", NAME)
    assert (code, renewed["issued"]) == (CODES["good"], True)
    wait_until(lambda: shown(serving, pebble) != first, HANG_S)
    second = shown(serving, pebble)
    assert (
        run_port443("cert", "revoke", NAME, "--runtime", str(serving.runtime)).returncode == CODES["refused"]
    )
    code, revoked = cert(serving, "revoke", NAME, "--reason", "key-compromise", "--yes")
    assert (code, revoked["serial"], revoked["ordered"]) == (0, f"{second.serial_number:x}", True)
    wait_until(lambda: shown(serving, pebble) != second, HANG_S)
    assert [one["reason"] for one in wait_issued(serving)["attempts"]] == ["first", "ordered", "ordered"]
    code, listed = cert(serving, "list")
    assert (code, [one["state"] for one in listed["certificates"]]) == (CODES["good"], ["good"])


def test_what_fails_is_pending_told_and_tried_on_demand(serving: Serving, pebble: Pebble) -> None:
    """A name that leads elsewhere: its own cause, not the site beside it; mended, it is ordered at once."""
    away = "away.example.com"
    pebble.set_dns("add-a", host=away, addresses=["127.0.0.2"])
    sites = {NAME: serving.backend_url, away: serving.backend_url}
    serving.write(sites, issuers=[issuer(pebble, serving)])
    serving.started()
    wait_issued(serving)

    def failed() -> dict[str, Any] | None:
        _, listed = cert(serving, "list")
        first = listed["certificates"][0]
        return first if first["state"] == "missing" else None

    line = wait_until(failed, HANG_S)
    assert (line["site"], line["next_step"]) == (away, "tried again")
    assert "127.0.0.2" in line["fault"]
    status = serving.status()
    assert status
    assert {site["id"]: site["state"] for site in status["sites"]} == {NAME: "running", away: "pending"}
    code, story = cert(serving, "show", away)
    assert (code, story["attempts"][0]["code"], story["order"]) == (
        CODES["findings"],
        story["job"]["last_code"],
        None,
    )
    code, ordered = cert(serving, "issue", away)
    assert (code, ordered["issued"]) == (CODES["undetermined"], False)
    pebble.set_dns("clear-a", host=away)
    code, ordered = cert(serving, "issue", away)
    assert (code, ordered["issued"]) == (CODES["good"], True)
    wait_issued(serving, away)


def test_the_next_issuer_takes_over_and_addresses_are_certified(serving: Serving, pebble: Pebble) -> None:
    """The first of the list does not answer; an address is validated by its reverse name (RFC 8738)."""
    closed = {"name": "closed", "directory": f"https://127.0.0.1:{pebble.dns_management_port}/dir"}
    serving.write(
        {"127.0.0.1": {"to": serving.backend_url, "issuer": ["closed", pebble.directory_url]}},
        issuers=[closed, issuer(pebble, serving)],
    )
    serving.started()
    story = wait_issued(serving, "127.0.0.1")
    assert [(one["ca"], one["code"] is None) for one in story["attempts"]] == [
        ("closed", False),
        (f"127.0.0.1:{pebble.port}", True),
    ]
    assert shown(serving, pebble, "127.0.0.1")


def test_an_account_is_bound_to_a_customers(serving: Serving) -> None:
    """By the key id and the MAC key in its file; `serve` is killed while it orders."""
    with running_pebble(
        ports=(serving.http_port, serving.https_port), externalAccountBindingRequired=True
    ) as pebble:
        key = serving.directory / "eab.key"
        key.write_text(f"{MAC_KEY}\n")
        entry = issuer(pebble, serving, eab={"key_id": KEY_ID, "key_file": str(key)})
        serving.write({NAME: serving.backend_url}, issuers=[entry])
        serving.started()
        serving.kill()  # wherever the order stands
        serving.started()
        story = wait_issued(serving)
    assert [one["generation"] for one in story["attempts"] if one["generation"]] == [1]


def test_whoever_starts_it_by_hand_is_shown_what_came_of_it(serving: Serving, pebble: Pebble) -> None:
    """Progress while the CA works, then the certificate, the proof and the next renewal, on a terminal."""
    entry = issuer(pebble, serving)
    flags = ("--domain", NAME, "--to", serving.backend_url, "--bind", "127.0.0.1",
             "--https-port", str(serving.https_port), "--http-port", str(serving.http_port),
             "--issuer", pebble.directory_url, "--cacert", entry["trust"], "--email", "ops@example.com",
             "--agree-tos", "--log-file", str(serving.directory / "serve.log"))  # fmt: skip
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        serving.process = subprocess.Popen(
            [*PORT443, "serve", *flags, *serving.places], stdin=subprocess.DEVNULL, stderr=theirs
        )
        os.close(theirs)
        shown_so_far = b""
        while b"Ctrl-C ends it" not in shown_so_far:
            shown_so_far += terminal.read(65536)
        serving.process.terminate()
        serving.process.wait(HANG_S)
    told = shown_so_far.decode()
    assert f"… cert      {NAME}: " in told
    after = told.rpartition("\x1b[K")[2]
    assert f"{NAME}   ECDSA P-256   CN=Pebble Intermediate CA" in after
    for label in ("serving", "proof", "renewal", "grade"):
        assert f" {label} " in after
