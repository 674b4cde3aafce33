"""How real and scripted servers negotiate: each trait with a server that has it and one that has not."""

import ssl
from pathlib import Path

import pytest

from odd_tls import Odd, alert, answering, handshake, odd_server
from port443.core.grade.report import Report
from port443.core.probe.verdict import Standing
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import ExtensionType, find
from port443.core.wire.reading import vector
from port443.core.wire.records import Message
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version
from scanning import look
from tls_certs import Files, Wish, ec_key, intermediate, issue, rsa_key, write
from tls_servers import openssl_server, python_server
from tls_twin import Twin, certificate, shares_of

pytestmark = pytest.mark.slow
YES, NO = Standing.YES, Standing.NO


def files(place: Path, *, is_rsa: bool = False) -> Files:
    key = rsa_key() if is_rsa else ec_key()
    return write(place, issue(Wish(), key, intermediate()), (intermediate(),))


def traits(report: Report) -> dict[str, Standing]:
    return {one.id: one.verdict.standing for one in report.facts.server.traits}


def test_openssl_negotiates_as_it_should(tmp_path: Path) -> None:
    """Browsers get through, a fallback is refused, a downgrade marked, and no key is used twice."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    with python_server(files(tmp_path, is_rsa=True), context=context) as endpoint:
        report = look(endpoint)
    assert traits(report) == {
        "browser_hello": YES,
        "browser_hello_split": YES,
        "certificate_compression": NO,
        "fallback_scsv": YES,
        "downgrade_sentinel": YES,
        "extended_master_secret": YES,
        "session_ticket": YES,
        "key_reuse": NO,
        "name_required": NO,
    }
    proofs = {one.id: one.proof for one in report.facts.server.traits}
    assert proofs["browser_hello"].startswith(b"\x16\x03\x03")
    assert b"DOWNGRD\x01" in proofs["downgrade_sentinel"]
    schemes = report.facts.server.schemes
    assert (schemes.version, schemes.schemes, schemes.complete.is_yes) == (
        Version.TLS_1_3, (0x0804, 0x0805, 0x0806), True,
    )  # fmt: skip
    assert report.connections <= 80


@pytest.mark.parametrize("is_own", [True, False])
def test_whose_order_counts_is_seen(tmp_path: Path, *, is_own: bool) -> None:
    """OpenSSL goes by the client's order unless it is told to go by its own."""
    options = ("-tls1_2", *(("-serverpref",) if is_own else ()))
    with openssl_server(files(tmp_path), *options) as endpoint:
        facts = look(endpoint).facts.server.version(Version.TLS_1_2)
    assert (facts.own_order.is_yes, facts.own_order.is_no) == (is_own, not is_own)


def legacy(hello: ClientHello, *, key: bytes) -> bytes:
    """Answer with ECDHE and a key exchange that nobody signed for."""
    if hello.version != Version.TLS_1_2 or hello.session_id:
        return alert(70)
    wanted = next((code for code in (0xC02B, 0xC02C, 0xC02F) if code in hello.suites), None)
    if wanted is None:
        return alert(40)
    said = ServerHello(Version.TLS_1_2, bytes(32), b"", wanted, 0, ()).message()
    said += Message(11, vector(3, vector(3, certificate()))).encode()
    said += Message(12, b"\x03\x00\x1d" + vector(1, key) + b"\x04\x03" + vector(2, bytes(70))).encode()
    return handshake(said + Message(14, b"").encode())


def test_a_key_that_is_used_again_is_seen() -> None:
    """Three suites, and one key for all; neither extended master secret nor tickets."""
    with answering(lambda hello, _: legacy(hello, key=bytes(range(32)))) as (endpoint, _):
        found = traits(look(endpoint))
    assert found["key_reuse"] is YES
    assert (found["extended_master_secret"], found["session_ticket"]) == (NO, NO)
    assert "fallback_scsv" not in found  # there is nothing to fall back to


def test_compressed_certificates_are_seen() -> None:
    """A server compresses for a client that takes it, and the certificate inside counts."""

    def answer(hello: ClientHello, message: bytes) -> bytes:
        if 0x1301 not in hello.suites:
            return alert(70)
        twin = Twin(compresses=find(hello.extensions or (), ExtensionType.COMPRESS_CERTIFICATE) is not None)
        return twin.flight(message) if 29 in shares_of(hello) else handshake(twin.retry(message))

    with answering(answer) as (endpoint, _):
        report = look(endpoint)
    found = next(one for one in report.facts.server.traits if one.id == "certificate_compression")
    assert (found.verdict.standing, found.verdict.reason) == (YES, "zlib")
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]


def test_a_server_that_wants_a_name_is_seen() -> None:
    """It refuses the same hello without one."""
    odd = Odd()

    def answer(hello: ClientHello, message: bytes) -> bytes:
        if find(hello.extensions or (), ExtensionType.SERVER_NAME) is None:
            return alert(112)
        said = odd.answer(hello, message)
        return handshake(said) if said[:1] == b"\x02" else said

    with answering(answer) as (endpoint, _):
        found = look(endpoint).facts.server.traits
    named = next(one for one in found if one.id == "name_required")
    assert named.verdict.is_yes
    assert "unrecognized_name" in named.verdict.reason


def test_a_server_that_breaks_over_large_hellos_is_told_from_a_good_one() -> None:
    """What is refused is the browser's hello, in one packet as in two."""
    with odd_server(Odd(most_extensions=10)) as endpoint:
        found = traits(look(endpoint))
    assert (found["browser_hello"], found["browser_hello_split"]) == (NO, NO)


def test_the_names_of_client_cas_are_shown(tmp_path: Path) -> None:
    """As the server sent them."""
    made = files(tmp_path)
    with openssl_server(made, "-verify", "1", "-CAfile", str(made.leaf)) as endpoint:
        server = look(endpoint).facts.server
    assert server.wants_client_certificate
    assert len(server.client_authorities) == 1
