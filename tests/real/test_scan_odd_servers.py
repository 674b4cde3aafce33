"""Servers that speak TLS in one odd way only: what they speak is said, and the scan comes to its end."""

import asyncio

import pytest

from odd_tls import Odd, alert, answering, handshake, odd_server
from port443.app.probe_runner import MAX_CONNECTIONS
from port443.app.scan import ScanOptions, Viewpoint, scan
from port443.cli.scan_text import report_lines
from port443.core.errors import ScanError
from port443.core.grade.report import Report, ScanTarget
from port443.core.names import Endpoint, parse_site_name
from port443.core.probe.contact import FIRST_QUERIES
from port443.core.probe.facts import MAX_CHAINS
from port443.core.probe.failures import EveryHelloRefused, HostSilent
from port443.core.wire.alerts import ALERTS
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.groups import group_name
from port443.core.wire.key_share import USABLE_GROUPS
from port443.core.wire.reading import vector
from port443.core.wire.records import ContentType, Message, records
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.suites import suite, suites_by_use
from port443.core.wire.versions import Version
from port443.core.x509.path import TrustedRoots
from port443.scan_wiring import make_dial
from scanning import LATER, look
from tls_twin import Twin, certificate

pytestmark = pytest.mark.slow


def text(report: Report) -> str:
    return "\n".join(report_lines(report))


def refusal(endpoint: Endpoint) -> ScanError:
    """Scan a server with which no handshake can come about, and return why."""
    target = ScanTarget(parse_site_name("localhost"), endpoint.port, connect=endpoint)
    with pytest.raises(ScanError) as caught:
        asyncio.run(scan(make_dial(), target, Viewpoint(TrustedRoots.of([]), LATER), ScanOptions(2)))
    return caught.value


@pytest.mark.parametrize("group", USABLE_GROUPS, ids=group_name)
def test_a_server_of_one_group_shows_its_certificate(group: int) -> None:
    """Whatever the one group, the handshake goes through, and the group is the only one that is named."""
    with odd_server(Odd(groups=(group,))) as endpoint:
        report = look(endpoint)
    server = report.facts.server
    assert (server.groups_13.groups, server.groups_13.complete.is_yes) == ((group,), True)
    assert [(chain.certificates, chain.key_proved) for chain in server.chains] == [((certificate(),), True)]
    assert "None" not in text(report)


@pytest.mark.parametrize("code", [0x1301, 0x1302, 0x1303, 0x1304, 0x1305], ids=lambda code: suite(code).name)
def test_a_server_of_one_suite_shows_its_certificate(code: int) -> None:
    """Also one that takes CCM alone, which browsers do not have."""
    with odd_server(Odd(suites=(code,))) as endpoint:
        report = look(endpoint)
    assert [one.code for version, one in report.facts.suites if version is Version.TLS_1_3] == [code]
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]


UNSPOKEN = {
    "a suite": Odd(suites=(0x00C6,)),
    "a group": Odd(groups=(41,)),
    "both": Odd(suites=(0x1307,), groups=(512,)),
}


@pytest.mark.parametrize("what", UNSPOKEN)
def test_what_cannot_be_computed_here_is_still_named(what: str) -> None:
    """SM4, AEGIS, curveSM2 or ML-KEM-512 are TLS 1.3; the certificate stays unseen, and why."""
    odd = UNSPOKEN[what]
    with odd_server(odd) as endpoint:
        report = look(endpoint)
    server = report.facts.server
    assert server.version(Version.TLS_1_3).offered.is_yes
    assert [one.code for version, one in report.facts.suites if version is Version.TLS_1_3] == [*odd.suites]
    assert server.groups_13.groups == odd.groups
    assert "the server refuses TLS 1.3: alert handshake_failure" in (report.grade.withheld or "")


def test_a_server_for_another_protocol_shows_its_certificate() -> None:
    """One that refuses the ALPN of browsers (RFC 7301 §3.2) is asked without."""
    with odd_server(Odd(protocols=("mqtt",))) as endpoint:
        report = look(endpoint)
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]
    assert [one.taken.is_no for one in report.facts.server.application_protocols] == [True, True]


def test_a_server_that_breaks_over_new_extensions_is_asked_without() -> None:
    """Name, groups, schemes, versions and key are all that it gets."""
    with odd_server(Odd(groups=(23,), most_extensions=5)) as endpoint:
        report = look(endpoint)
    assert report.facts.server.version(Version.TLS_1_3).offered.is_yes
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]


@pytest.mark.parametrize(
    ("description", "level"),
    [*((one, 2) for one in sorted(ALERTS)), (0, 1)],
    ids=[*(ALERTS[one] for one in sorted(ALERTS)), "close_notify as a warning"],
)
def test_an_alert_to_every_hello_is_tls(description: int, level: int) -> None:
    """What came is named with what was tried, in a bounded number of connections; never "no TLS"."""
    with answering(lambda *_: alert(description, level)) as (endpoint, heard):
        error = refusal(endpoint)
    assert isinstance(error, EveryHelloRefused)
    assert f"alert {ALERTS[description]}" in error.message
    assert "speaks TLS" in error.message
    assert error.hint
    assert len(heard) <= len(FIRST_QUERIES)
    assert ("--servername" in error.hint) == (ALERTS[description] == "unrecognized_name")


def test_each_version_is_named_with_what_it_brought() -> None:
    """TLS 1.2 is refused for its suites, all else for its version: the message tells both apart."""
    with answering(lambda hello, _: alert(40 if hello.version == 0x0302 else 70)) as (endpoint, _):
        message = refusal(endpoint).message
    assert "alert handshake_failure to TLS 1.1" in message
    assert "alert protocol_version to TLS 1.3, TLS 1.2, TLS 1.0 and SSL 3.0" in message


def test_broken_tls_is_told_from_no_tls() -> None:
    """A ServerHello that nobody asked for came in TLS, and says that the server is broken."""
    broken = handshake(b"\x02\x00\x00\x03\x03\x03\x00")
    with answering(lambda *_: broken) as (endpoint, _):
        error = refusal(endpoint)
    assert isinstance(error, EveryHelloRefused)
    assert "ServerHello ends" in error.message


def test_an_echo_is_no_tls() -> None:
    """A port that sends back what it gets speaks nothing, though its records are those of TLS."""
    with answering(lambda _, message: handshake(message)) as (endpoint, _):
        error = refusal(endpoint)
    assert isinstance(error, HostSilent)
    assert "the port echoes" in error.message


@pytest.mark.parametrize("chain", [(certificate(),) * 200, ()], ids=["200 certificates", "none"])
def test_a_certificate_that_was_not_seen_has_its_reason_up_to_tls_12(chain: tuple[bytes, ...]) -> None:
    """What broke the handshake off is said where the letter is withheld."""
    entries = b"".join(vector(3, der) for der in chain)
    body = Message(11, vector(3, entries)).encode() + Message(14, b"").encode()

    def answer(hello: ClientHello, _: bytes) -> bytes:
        if hello.version != Version.TLS_1_2 or hello.session_id or 0x002F not in hello.suites:
            return alert(40)
        chosen = ServerHello(Version.TLS_1_2, bytes(32), b"", 0x002F, 0, ()).message()
        return records(ContentType.HANDSHAKE, Version.TLS_1_2, chosen + body)

    with answering(answer) as (endpoint, _):
        report = look(endpoint)
    wanted = "more than 64 certificates" if chain else "the server sent none"
    assert wanted in (report.grade.withheld or "")


@pytest.mark.parametrize("count", [20, 70])
def test_every_chain_of_a_farm_is_judged_or_said_not_to_be(count: int) -> None:
    """Each handshake meets another certificate; a chain is never dropped in silence."""
    left = iter(range(1, count))

    def answer(hello: ClientHello, _: bytes) -> bytes:
        taken = next((one for one in suites_by_use()[: MAX_CHAINS + 16] if one in hello.suites), None)
        if hello.version != Version.TLS_1_2 or hello.session_id or taken is None:
            return alert(40)
        return legacy(hello, taken, certificate(next(left, count)))

    with answering(answer) as (endpoint, _):
        report = look(endpoint)
    is_whole = count <= MAX_CHAINS
    undetermined = {one.id: one.reason for one in report.judgement.undetermined}
    assert len(report.facts.server.chains) == (count if is_whole else MAX_CHAINS)
    assert "P443-TLS-024" in undetermined  # nothing was signed
    assert ("chains were seen" in undetermined.get("P443-CERT-002", "")) != is_whole


def legacy(hello: ClientHello, chosen: int, leaf: bytes | None = None) -> bytes:
    """Response with a suite of TLS 1.2 that needs no key of the server's."""
    entry = vector(3, vector(3, leaf or certificate()))
    answer = ServerHello(Version.TLS_1_2, bytes(32), hello.session_id, chosen, 0, ()).message()
    return handshake(answer + Message(11, entry).encode() + Message(14, b"").encode())


def test_a_server_that_answers_with_what_was_not_offered_takes_its_own_suite_only() -> None:
    """Some choose their one suite whatever is offered, in place of an alert."""
    with answering(
        lambda hello, _: legacy(hello, 0x002F) if hello.version == Version.TLS_1_2 else alert(70)
    ) as (endpoint, _):
        report = look(endpoint)
    facts = report.facts.server.version(Version.TLS_1_2)
    assert [choice.code for choice in facts.choices] == [0x002F]
    assert facts.complete.is_yes


def test_http_in_clear_to_an_old_hello_does_not_offer_its_version() -> None:
    """Some web servers take a hello that they do not know for a plain request."""
    clear = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with answering(lambda hello, message: Odd().answer(hello, message) if hello.session_id else clear) as (
        endpoint,
        _,
    ):
        report = look(endpoint)
    facts = report.facts.server.version(Version.TLS_1_0)
    assert facts.offered.is_no
    assert "HTTP in clear" in facts.offered.reason


RETRIES = {
    "a group that was offered": 30,
    "a group that was not": 41,
    "a group that nobody knows": 0x9999,
}


@pytest.mark.parametrize("what", RETRIES)
def test_retries_without_end_come_to_an_end(what: str) -> None:
    """A server that answers all with a retry costs each part of the scan no more than its bound."""
    twin = Twin(group=RETRIES[what])

    def answer(hello: ClientHello, message: bytes) -> bytes:
        return handshake(twin.retry(message)) if 0x1301 in hello.suites else alert(40)

    with answering(answer) as (endpoint, heard):
        if what == "a group that nobody knows":
            assert "0x9999, which was not offered" in refusal(endpoint).message
        else:
            report = look(endpoint)
            assert report.grade.letter is None
            assert "None" not in text(report)
    assert len(heard) < MAX_CONNECTIONS
