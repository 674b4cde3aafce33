"""A restart of `port443 serve`, or of the machine, takes nothing from service that was served before."""

import json
import shutil
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pki import Made, Order, make
from port443.core.names import Fingerprint
from serving import Serving
from waiting import HANG_S, wait_until
from wrapping import wrapped

pytestmark = [pytest.mark.machine, pytest.mark.slow]
SHOP = "shop.example.com"
SCHEMA = json.loads((Path(__file__).parents[2] / "contract" / "status.schema.json").read_text())


def own_leaf() -> Made:
    """Make a leaf that is good today, under a root of its own."""
    now = datetime.now(UTC)  # noqa: TID251 - serve goes by the machine's clock
    begin, end = now - timedelta(hours=1), now + timedelta(days=30)
    root = make(Order("a test's root", is_ca=True, not_before=begin, not_after=end))
    return make(Order("shop", root, (SHOP,), not_before=begin, not_after=end))


def shown(serving: Serving, name: str = SHOP) -> str:
    """Return the fingerprint of what a client is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", serving.https_port), timeout=HANG_S) as raw,
        wrapped(context, raw, server_hostname=name) as tls,
    ):
        return Fingerprint.of(tls.getpeercert(binary_form=True) or b"").text


def faults(status: dict[str, Any]) -> str:
    return " ".join(problem["code"] for problem in status["problems"])


@pytest.fixture
def shop(serving: Serving) -> Made:
    """Give a site its own files, and serve it."""
    made = own_leaf()
    chain, key = serving.directory / "shop.pem", serving.directory / "shop.key"
    chain.write_bytes(made.pem)
    key.write_bytes(made.key_pem)
    key.chmod(0o600)
    files = {"chain": str(chain), "key": str(key)}
    serving.write({SHOP: {"to": serving.backend_url, "certificate": files}})
    serving.started()
    return made


@pytest.mark.parametrize("lost", ["serve", "serve and its state", "serve and the edge"])
def test_a_bad_key_stays_a_warning_after_a_restart(serving: Serving, shop: Made, lost: str) -> None:
    """The adopted edge, or the store where only that is left, has what was served; the fault is told."""
    (serving.directory / "shop.key").write_text("no key")
    serving.kill()
    if lost == "serve and its state":
        shutil.rmtree(serving.state)
    if lost == "serve and the edge":
        serving.end()
        shutil.rmtree(serving.runtime)
    status = serving.started().wait_ready()
    assert shown(serving) == shop.facts.fingerprint.text
    assert "P443-E2" in faults(status)
    (serving.directory / "shop.key").write_bytes(shop.key_pem)
    assert serving.reload()["whole"]
    assert "P443-E2" not in faults(serving.wait_ready())
    assert shown(serving) == shop.facts.fingerprint.text


def test_a_site_that_was_never_good_is_refused_under_its_own_reason(serving: Serving) -> None:
    """Its names are known: the log does not call them unknown."""
    files = {"chain": "none.pem", "key": "none.key"}
    serving.write({"app.localhost": serving.backend_url,
                   SHOP: {"to": serving.backend_url, "certificate": files}})  # fmt: skip
    (shop,) = [site for site in serving.started().wait_ready()["sites"] if site["id"] == SHOP]
    assert shop["state"] == "refused"
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        shown(serving)
    wait_until(lambda: '"reason": "certificate_pending"' in serving.log())


def test_an_edge_without_its_serve_is_told_and_ended(serving: Serving) -> None:
    """After a sudden death of serve every command says what goes on, and `stop` ends it."""
    serving.started()
    edge = serving.edge_pid()
    assert edge
    running = serving.wait_ready()["edge"]["running"]
    serving.kill()
    told = serving.ask("status", "--json")
    document = json.loads(told.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert (told.returncode, document["pid"], document["edge"]["pid"]) == (1, None, edge)
    assert [problem["code"] for problem in document["problems"]] == ["no_serve"]
    assert "its edge serves app.localhost" in serving.ask("status").stdout
    refused = serving.ask("reload", "--wait")
    assert refused.returncode == 3
    assert all(word in refused.stderr for word in (str(edge), running[:16], "UTC", "port443 stop"))
    done = serving.ask("stop")
    assert (done.returncode, str(edge) in done.stderr) == (0, True)
    assert serving.edge_pid() is None
    assert "P443-E410" in serving.ask("stop").stderr


def test_a_serve_without_its_socket_is_not_taken_for_dead(serving: Serving) -> None:
    """`stop` finds it by its lock and ends it politely; its edge is not ended behind its back."""
    serving.started()
    assert serving.process
    (serving.runtime / "admin.sock").unlink()
    done = serving.ask("stop")
    assert (done.returncode, f"process {serving.process.pid}" in done.stderr) == (0, True), done.stderr
    assert serving.process.wait(HANG_S) == 0
    with pytest.raises(ConnectionRefusedError):
        shown(serving, "app.localhost")


def test_the_next_serve_does_not_tell_old_events_again(serving: Serving) -> None:
    """Each failed handshake stands in the log once, with the time when it happened."""

    def told() -> list[str]:
        lines = map(json.loads, serving.log().splitlines())
        return [line["server_name"] for line in lines if line["event"] == "handshake_failed"]

    serving.started()
    with pytest.raises(ssl.SSLError):
        shown(serving, "one.localhost")
    wait_until(lambda: told() == ["one.localhost"])
    serving.kill()
    with pytest.raises(ssl.SSLError):
        shown(serving, "two.localhost")
    serving.started()
    with pytest.raises(ssl.SSLError):
        shown(serving, "three.localhost")
    wait_until(lambda: len(told()) > 2)
    assert told() == ["one.localhost", "two.localhost", "three.localhost"]


def test_reload_names_each_problem(serving: Serving) -> None:
    """By its site, its place and its code, and what to do; not only that something is wrong."""
    serving.started()
    files = {"chain": "none.pem", "key": "none.key"}
    serving.write({"app.localhost": serving.backend_url,
                   SHOP: {"to": serving.backend_url, "certificate": files}})  # fmt: skip
    done = serving.ask("reload", "--wait")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "problem" in line]
    assert all(word in line for word in (SHOP, "none.pem", "P443-E220"))
    (problem,) = json.loads(serving.ask("reload", "--wait", "--json").stdout)["problems"]
    assert (problem["site"], problem["code"], problem["severity"]) == (SHOP, "P443-E220", "error")
