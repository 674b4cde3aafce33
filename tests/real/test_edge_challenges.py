"""ACME challenges at the real edge: who is given their answers, and that nobody else notices them."""

import asyncio
import contextlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from pebble import Pebble, running_pebble
from port443.adapters.acme_http import AcmeClient
from port443.adapters.clock import SystemClock
from port443.app.acme_account import AccountCalls
from port443.app.acme_order import OrderRequest, run_order
from port443.core.acme.account import Registration
from port443.core.acme.certificate import IssuedCertificate
from port443.core.acme.challenges import (
    ACME_ALPN,
    ACME_IDENTIFIER,
    ChallengeType,
    HttpAnswer,
    PendingAnswer,
    TlsAlpnAnswer,
    tls_alpn_answer,
)
from port443.core.acme.progress import OrderProgress
from port443.core.acme.state import OrderState
from port443.core.contract.snapshot import Listener
from port443.core.names import parse_site_name
from port443.core.x509.keys import pkcs8
from tls_certs import NOW, Wish, ec_key, intermediate, issue, root
from tls_client import connected, context, s_client
from upstreams import running_upstream, says
from waiting import HANG_S, wait_until
from web import Answer, read_answer

NAME = "a.test"
LEAF = issue(Wish((NAME,)), ec_key(), intermediate())
SITE = SiteWish((NAME,), (LEAF,))
PENDING = SiteWish(("new.test", "*.new.test"), ())
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"  # noqa: S105 - no secret: the CA's own
TOLD = HttpAnswer(TOKEN, f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI")
PATH = f"/.well-known/acme-challenge/{TOKEN}"


def shown_for(name: str) -> TlsAlpnAnswer:
    key = ec.generate_private_key(ec.SECP256R1())
    return tls_alpn_answer(parse_site_name(name), TOLD.key_authorisation, key, NOW)


SHOWN = shown_for(NAME)


@dataclass
class Answering:
    """An edge with a site, challenges, and a listener of each role."""

    edge: RunningEdge
    https: Listener
    clear: Listener

    @property
    def port(self) -> int:
        return int(self.https.address.rpartition(":")[2])

    @property
    def clear_port(self) -> int:
        return int(self.clear.address.rpartition(":")[2])

    def apply(self, *sites: SiteWish, answers: tuple[PendingAnswer, ...] = ()) -> dict[str, object]:
        """Run these sites with these challenges of the first of them."""
        return self.edge.apply(Scene(sites, (self.https, self.clear), answers=answers))

    def leaf(
        self, name: str, *alpn: str, version: ssl.TLSVersion | None = None
    ) -> tuple[bytes | None, str | None]:
        """Return the certificate and the protocol that a client of this name and these protocols gets."""
        with self.connected(name, *alpn, version=version) as tls:
            return tls.getpeercert(binary_form=True), tls.selected_alpn_protocol()

    @contextlib.contextmanager
    def connected(
        self, name: str, *alpn: str, version: ssl.TLSVersion | None = None
    ) -> Iterator[ssl.SSLSocket]:
        client = context(version)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        if alpn:
            client.set_alpn_protocols(list(alpn))
        with connected(self.port, name, client) as tls:
            yield tls

    def ask(self, *requests: str) -> list[Answer]:
        """Send requests in clear on one connection, and read an answer to each."""
        with socket.create_connection(("127.0.0.1", self.clear_port), timeout=HANG_S) as sock:
            answers = []
            for request in requests:
                sock.sendall(request.encode())
                answers.append(read_answer(sock))
            return answers

    def challenges(self) -> dict[str, int]:
        counted: dict[str, int] = self.edge.stats()["acme_challenges"]
        return counted


@pytest.fixture(scope="module")
def running() -> Iterator[Answering]:
    with running_edge(workers=2) as edge:
        https = edge.listen()
        yield Answering(
            edge, https, edge.listen("redirect", https_port=int(https.address.rpartition(":")[2]))
        )


@pytest.fixture
def answering(running: Answering) -> Answering:
    """Give an edge that runs one site and answers a challenge of each kind."""
    running.apply(SITE, answers=(SHOWN, TOLD))
    return running


def get(target: str, host: str = NAME, method: str = "GET") -> str:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"


# tls-alpn-01


@pytest.mark.parametrize("option", ["-tls1_2", "-tls1_3"])
def test_openssl_is_shown_the_challenge(answering: Answering, option: str) -> None:
    """Its protocol is agreed on, and the certificate has the extension that the CA looks for."""
    since, before = answering.edge.last_event(), answering.challenges().get("tls-alpn-01", 0)
    said = s_client(answering.port, option, "-alpn", ACME_ALPN, "-servername", NAME, "-showcerts")
    assert f"ALPN protocol: {ACME_ALPN}" in said
    (pem,) = re.findall(r"-----BEGIN CERT.*?END CERTIFICATE-----", said, re.DOTALL)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert certificate.extensions.get_extension_for_oid(ACME_IDENTIFIER).critical
    told = answering.edge.wait_event("acme_challenge_answered", since, kind="tls-alpn-01", site=NAME)
    assert told["listener"] == answering.https.id
    assert answering.challenges()["tls-alpn-01"] == before + 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_nothing_follows_the_handshake(answering: Answering, version: ssl.TLSVersion) -> None:
    """The edge closes, also when the other side goes on (RFC 8737 §4)."""
    with answering.connected(NAME, ACME_ALPN, version=version) as tls:
        assert tls.recv(1) == b""
    with answering.connected(NAME, ACME_ALPN, version=version) as tls:
        with contextlib.suppress(OSError):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert tls.recv(1) == b""


def test_challenges_are_no_clients_handshakes(running: Answering) -> None:
    """Neither completed nor failed ones; what fails in one is told as any other failure."""
    running.apply(SITE, answers=(SHOWN,))
    before = running.edge.stats()
    for _ in range(3):
        assert running.leaf(NAME, ACME_ALPN) == (SHOWN.chain[0], ACME_ALPN)
    after = running.edge.stats()
    for counter in ("handshakes", "handshake_failures", "requests"):
        assert after[counter] == before[counter]
    assert after["acme_challenges"]["tls-alpn-01"] == before["acme_challenges"].get("tls-alpn-01", 0) + 3


@pytest.mark.parametrize(
    "alpn", [(), ("h2",), ("http/1.1",), ("h2", ACME_ALPN), (ACME_ALPN, "http/1.1")], ids=str
)
def test_other_clients_of_the_name_never_see_it(answering: Answering, alpn: tuple[str, ...]) -> None:
    """Whoever offers anything else, or anything besides, gets the site."""
    leaf, protocol = answering.leaf(NAME, *alpn)
    assert leaf == LEAF.der
    assert protocol == next((one for one in alpn if one != ACME_ALPN), None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(alpn=st.lists(st.sampled_from([ACME_ALPN, "h2", "http/1.1", "acme-tls/2", "h3"]), max_size=4))
def test_only_the_one_protocol_leads_to_the_challenge(answering: Answering, alpn: list[str]) -> None:
    """Of all lists of protocols, with repeats and in any order, a single one is a validation."""
    try:
        leaf, _ = answering.leaf(NAME, *alpn)
    except ssl.SSLError:
        assert not {"h2", "http/1.1"} & set(alpn)
        assert alpn != [ACME_ALPN]
        return
    assert leaf == (SHOWN.chain[0] if alpn == [ACME_ALPN] else LEAF.der)


def test_an_address_is_validated_by_its_reverse_name(running: Answering) -> None:
    """RFC 8738 §6, for both families."""
    answers = tuple(shown_for(address) for address in ("192.0.2.10", "2001:db8::1"))
    running.apply(SITE, answers=answers)
    assert answers[0].server_name == "10.2.0.192.in-addr.arpa"
    assert answers[1].server_name.endswith(".8.b.d.0.1.0.0.2.ip6.arpa")
    for answer in answers:
        assert running.leaf(answer.server_name, ACME_ALPN) == (answer.chain[0], ACME_ALPN)


@pytest.mark.parametrize("name", ["b.test", "other.test"])
def test_what_is_not_pending_is_refused(running: Answering, name: str) -> None:
    """By the alert of a protocol that is not spoken, a site's own name as any other, and with an event."""
    running.apply(SITE, SiteWish(("b.test",), (LEAF,)), answers=(SHOWN,))
    since = running.edge.last_event()
    with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
        running.leaf(name, ACME_ALPN)
    told = running.edge.wait_event("handshake_failed", since, reason="no_challenge_answer")
    assert (told["server_name"], told["alert"]) == (name, "no_application_protocol")


def test_a_challenge_is_there_and_gone_with_its_snapshot(running: Answering) -> None:
    running.apply(SITE)
    with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
        running.leaf(NAME, ACME_ALPN)
    running.apply(SITE, answers=(SHOWN, TOLD))
    assert running.leaf(NAME, ACME_ALPN)[0] == SHOWN.chain[0]
    running.apply(SITE)
    with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
        running.leaf(NAME, ACME_ALPN)
    assert running.ask(get(PATH))[0].status == 308


def test_both_workers_answer_as_soon_as_it_is_applied(running: Answering) -> None:
    """Every connection from then on, whichever worker takes it: the kernel spreads them over both."""
    for _ in range(4):
        answer = shown_for(NAME)
        running.apply(SITE, answers=(answer, TOLD))
        for _ in range(12):
            assert running.leaf(NAME, ACME_ALPN)[0] == answer.chain[0]
            assert running.ask(get(PATH))[0].body == TOLD.key_authorisation.encode()


def test_a_challenge_that_cannot_be_shown_is_named_and_stops_no_other(running: Answering) -> None:
    """The receipt says why; another site's challenge and the site itself go on."""
    stranger = replace(shown_for("b.test"), server_name="c.test", key_pkcs8=SHOWN.key_pkcs8)
    receipt = running.apply(SITE, answers=(SHOWN, stranger))
    assert receipt["sites"] == {NAME: {"state": "running"}}
    refused = receipt["refused_challenges"]
    assert isinstance(refused, dict)
    assert {name: (one["code"], one["path"]) for name, one in refused.items()} == {
        "c.test": ("key_mismatch", "certificate.key")
    }
    assert running.leaf(NAME, ACME_ALPN)[0] == SHOWN.chain[0]
    assert running.leaf(NAME)[0] == LEAF.der


def test_a_key_of_a_challenge_stands_nowhere(answering: Answering) -> None:
    """As little as a site's: not in the edge's own log, and not in what it tells."""
    secret = SHOWN.key_pkcs8
    assert answering.leaf(NAME, ACME_ALPN)[0] == SHOWN.chain[0]
    log = (answering.edge.runtime / "edge.log").read_bytes()
    assert secret not in log
    assert secret.hex().encode() not in log


# http-01


def test_curl_is_given_the_key_authorisation(answering: Answering) -> None:
    """As its bytes alone, under any host: who knows the token may have it."""
    since = answering.edge.last_event()
    for host in (NAME, "127.0.0.1", "unknown.test"):
        command = ["curl", "-sS", "-i", "--max-time", "30", "-H", f"Host: {host}"]
        url = f"http://127.0.0.1:{answering.clear_port}{PATH}"
        said = subprocess.run([*command, url], capture_output=True, check=True, timeout=60).stdout.decode()
        head, _, body = said.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 200 OK")
        assert "Content-Type: application/octet-stream" in head
        assert body == TOLD.key_authorisation
    told = answering.edge.wait_event("acme_challenge_answered", since, kind="http-01", site=NAME)
    assert told["listener"] == answering.clear.id


def test_head_gets_the_length_and_no_body(answering: Answering) -> None:
    command = ["curl", "-sS", "-I", "--max-time", "30", f"http://127.0.0.1:{answering.clear_port}{PATH}"]
    said = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
    assert said.startswith("HTTP/1.1 200")
    assert f"Content-Length: {len(TOLD.key_authorisation)}\r\n" in said
    assert said.endswith("\r\n\r\n")


def test_requests_before_and_behind_it_go_where_they_went(answering: Answering) -> None:
    """One connection may ask for the answer, for a page, and for the answer again."""
    first, page, absolute, old = answering.ask(
        get(PATH),
        get("/page"),
        f"GET http://{NAME}{PATH} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
        f"GET {PATH} HTTP/1.0\r\n\r\n",
    )
    assert [one.status for one in (first, page, absolute, old)] == [200, 308, 200, 200]
    assert {one.body for one in (first, absolute, old)} == {TOLD.key_authorisation.encode()}


@pytest.mark.parametrize(
    ("target", "method"),
    [
        (PATH, "POST"),
        (PATH, "DELETE"),
        (f"{PATH}x", "GET"),
        (PATH[:-1], "GET"),
        (f"{PATH}/", "GET"),
        (f"{PATH}?a", "GET"),
        (PATH.upper(), "GET"),
        ("/.well-known/acme-challenge/", "GET"),
        ("/.well-known/acme-challenge/..", "GET"),
        (PATH.replace("acme", "%61cme"), "GET"),
        (f"/x{PATH}", "GET"),
        ("/.well-known/acme-challenge/%FF", "GET"),
    ],
)
def test_everything_else_is_redirected_as_before(answering: Answering, target: str, method: str) -> None:
    """Only the path of the token itself, read, has the answer."""
    before = answering.challenges().get("http-01", 0)
    (answer,) = answering.ask(get(target, method=method))
    assert (answer.status, TOLD.key_authorisation.encode() in answer.body) == (308, False)
    assert answer.value("location").endswith(target)
    assert answering.challenges().get("http-01", 0) == before


# A site without its first certificate


def test_a_site_without_a_certificate_answers_challenges_and_refuses_the_rest(running: Answering) -> None:
    """TLS by an alert, plain HTTP by a page; both name the site in an event."""
    shown = shown_for("new.test")
    receipt = running.apply(PENDING, SITE, answers=(shown, TOLD))
    assert receipt["sites"] == {"new.test": {"state": "pending"}, NAME: {"state": "running"}}
    since = running.edge.last_event()
    for name in ("new.test", "x.new.test"):
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            running.leaf(name, "h2")
        told = running.edge.wait_event(
            "handshake_failed", since, reason="certificate_pending", server_name=name
        )
        assert (told["detail"], told["alert"]) == ("new.test", "unrecognized_name")
    page, answer = running.ask(get("/", "new.test"), get(PATH, "new.test"))
    assert (page.status, page.values("location")) == (503, [])
    assert b"waits for its first certificate" in page.body
    assert answer.body == TOLD.key_authorisation.encode()
    running.edge.wait_event("request_refused", since, reason="certificate_pending", site="new.test")
    assert running.leaf("new.test", ACME_ALPN) == (shown.chain[0], ACME_ALPN)
    assert running.leaf(NAME)[0] == LEAF.der


def test_the_first_certificate_is_served_as_soon_as_it_is_there(running: Answering) -> None:
    """And goes on when it is taken away: a good version is never given up."""
    issued = issue(Wish(("new.test",)), ec_key(), intermediate())
    running.apply(PENDING)
    running.apply(replace(PENDING, certificates=(issued,)))
    assert running.leaf("new.test")[0] == issued.der
    receipt = running.apply(PENDING)
    verdict = receipt["sites"]["new.test"]  # type: ignore[index]
    assert (verdict["state"], verdict["code"]) == ("quarantined", "certificate_missing")
    assert running.leaf("new.test")[0] == issued.der


# Under load


@pytest.mark.machine
def test_no_client_notices_challenges_that_come_and_go(running: Answering) -> None:
    """While snapshots with and without them follow each other, every request of the site is answered."""
    with running_upstream(says(b"page")) as upstream:
        site = replace(SITE, servers=(upstream.server,))
        running.apply(site)
        with Visitors(running).running() as visitors:
            for _ in range(15):
                answer = shown_for(NAME)
                running.apply(site, answers=(answer, TOLD))
                assert running.leaf(NAME, ACME_ALPN) == (answer.chain[0], ACME_ALPN)
                assert running.ask(get(PATH))[0].status == 200
                running.apply(site)
            visitors.wait_more(50)
    assert visitors.faults == []


class Visitors:
    """Clients that shake hands and ask again and again, each time verifying what they are shown."""

    def __init__(self, answering: Answering) -> None:
        self.faults: list[str] = []
        self._answering = answering
        self._served = 0
        self._over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator["Visitors"]:
        threads = [threading.Thread(target=self._visit, args=(alpn,)) for alpn in ("http/1.1", "", "both")]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join(HANG_S)

    def wait_more(self, count: int) -> None:
        wanted = self._served + count
        wait_until(lambda: self._served >= wanted or self.faults)

    def _visit(self, alpn: str) -> None:
        client = context(trust=root().pem)
        if alpn:
            client.set_alpn_protocols(["http/1.1", ACME_ALPN] if alpn == "both" else [alpn])
        while not self._over.is_set() and not self.faults:
            try:
                with connected(self._answering.port, NAME, client) as tls:
                    tls.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
                    status = read_answer(tls).status
                if status != 200:
                    self.faults.append(f"a request was answered {status}")
            except OSError as error:
                self.faults.append(repr(error))
            self._served += 1


# A real CA


@dataclass
class EdgeCalls:
    """Implements `OrderCalls`: the answers are those of the edge's first site."""

    answering: Answering
    site: SiteWish

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        self.answering.apply(self.site, answers=answers)

    async def save(self, state: OrderState) -> None:
        del state

    def report(self, progress: OrderProgress) -> None:
        del progress


async def ordered(
    pebble: Pebble, calls: EdgeCalls, challenge: ChallengeType, *names: str
) -> IssuedCertificate:
    """Order a certificate of a real CA, which validates by this challenge."""
    clock = SystemClock()
    transport = AcmeClient(pebble.directory_url, clock, user_agent="port443/test", trust=[pebble.trust_der])
    try:
        registration = Registration(ec.generate_private_key(ec.SECP256R1()), (), agree_tos=True)
        account = await AccountCalls(transport, clock).register(registration)
        key = pkcs8(ec.generate_private_key(ec.SECP256R1()))
        request = OrderRequest(OrderState(tuple(map(parse_site_name, names))), key, account)
        return await run_order(replace(request, can_answer=(challenge,)), transport, calls, clock)
    finally:
        await transport.close()


@pytest.fixture(scope="module")
def pebble(running: Answering) -> Iterator[Pebble]:
    with running_pebble({"PEBBLE_AUTHZREUSE": "0"}, ports=(running.clear_port, running.port)) as ca:
        yield ca


@pytest.mark.slow
@pytest.mark.parametrize("challenge", list(ChallengeType))
def test_pebble_validates_through_the_edge_while_clients_are_served(
    running: Answering, pebble: Pebble, challenge: ChallengeType
) -> None:
    """Host names and an address, one of them the very name that the clients ask for."""
    with running_upstream(says(b"page")) as upstream:
        site = replace(SITE, servers=(upstream.server,))
        running.apply(site)
        before = running.challenges().get(challenge, 0)
        with Visitors(running).running() as visitors:
            for names in ((NAME,), ("b.example", "www.b.example"), ("127.0.0.1",)):
                issued = asyncio.run(ordered(pebble, EdgeCalls(running, site), challenge, *names))
                assert {str(name) for name in issued.chain[0].names} == set(names)
            visitors.wait_more(20)
    assert visitors.faults == []
    assert running.challenges()[challenge] >= before + 4


@pytest.mark.slow
def test_pebble_validates_a_site_without_a_certificate(running: Answering, pebble: Pebble) -> None:
    """The first certificate comes by the site's own port, and is served as soon as it is there."""
    calls = EdgeCalls(running, SiteWish(("fresh.example",), ()))
    issued = asyncio.run(ordered(pebble, calls, ChallengeType.TLS_ALPN, "fresh.example"))
    assert issued.chain[0].names == (parse_site_name("fresh.example"),)
