"""A restart of `port443 serve`, or of the machine, takes nothing from service that was served before."""

import shutil
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from serving import Serving

from pki import Made, Order, make
from port443.core.names import Fingerprint
from waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
SHOP = "shop.example.com"


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
        socket.create_connection(("127.0.0.1", serving.https_port), timeout=20) as raw,
        context.wrap_socket(raw, server_hostname=name) as tls,
    ):
        return Fingerprint.of(tls.getpeercert(binary_form=True) or b"").text


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
    assert "P443-E2" in status["problems"][0]["code"]
    (serving.directory / "shop.key").write_bytes(shop.key_pem)
    wait_until(lambda: not serving.wait_ready()["problems"], 30)
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
    wait_until(lambda: '"reason": "site_quarantined"' in serving.log())
