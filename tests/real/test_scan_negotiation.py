"""How real and scripted servers negotiate: each trait with a server that has it and one that has not."""

import base64
import ssl
from pathlib import Path

import pytest

from odd_tls import Odd, alert, answering, handshake, odd_server
from port443.core.grade.report import Report
from port443.core.probe.verdict import Standing
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.common_primes import OAKLEY, _oakley
from port443.core.wire.extensions import Extension, ExtensionType, find
from port443.core.wire.reading import vector
from port443.core.wire.records import Message
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version
from scanning import ids, look
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
        "npn": NO,
        "extensions": YES,
        "tls_1_3_drafts": NO,
        "version_tolerance": YES,
        "ticket_resumption": YES,
        "ticket_lifetime": YES,
        "id_resumption": NO,  # it hangs up without a word, for which OpenSSL forgets the session
        "chacha_priority": NO,
        "client_renegotiation": NO,
        "psk_resumption": YES,
        "psk_lifetime": YES,
        "early_data": NO,
        "ticket_key": YES,
    }
    proofs = {one.id: one.proof for one in report.facts.server.traits}
    assert proofs["browser_hello"].startswith(b"\x16\x03\x03")
    assert b"DOWNGRD\x01" in proofs["downgrade_sentinel"]
    schemes = report.facts.server.schemes
    assert (schemes.version, schemes.schemes, schemes.complete.is_yes) == (
        Version.TLS_1_3, (0x0804, 0x0805, 0x0806), True,
    )  # fmt: skip
    assert report.connections <= 84


@pytest.mark.parametrize("is_own", [True, False])
def test_whose_order_counts_is_seen(tmp_path: Path, *, is_own: bool) -> None:
    """OpenSSL goes by the client's order unless it is told to go by its own."""
    options = ("-tls1_2", *(("-serverpref",) if is_own else ()))
    with openssl_server(files(tmp_path), *options) as endpoint:
        facts = look(endpoint).facts.server.version(Version.TLS_1_2)
    assert (facts.own_order.is_yes, facts.own_order.is_no) == (is_own, not is_own)


def test_chacha_is_for_those_who_put_it_first(tmp_path: Path) -> None:
    """OpenSSL with an order of its own heeds a client without fast AES only when it is told to."""
    made = files(tmp_path)
    names = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    suites = ":".join(f"ECDHE-ECDSA-{name}" for name in names)
    options = ("-tls1_2", "-cipher", suites, "-serverpref")
    with openssl_server(made, *options, "-prioritize_chacha") as endpoint:
        assert traits(look(endpoint))["chacha_priority"] is YES
    with openssl_server(made, *options) as endpoint:
        assert traits(look(endpoint))["chacha_priority"] is NO


def test_finite_fields_are_seen_with_their_prime(tmp_path: Path) -> None:
    """A prime of 1024 bits that many servers share is a finding, and one of 2048 is none."""
    made, weak = files(tmp_path, is_rsa=True), tmp_path / "dh.pem"
    weak.write_bytes(parameters(*OAKLEY["Oakley group 2 (RFC 2409)"]))
    cipher = ("-tls1_2", "-cipher", "DHE-RSA-AES128-SHA:@SECLEVEL=0")
    with openssl_server(made, *cipher, "-dhparam", str(weak)) as endpoint:
        report = look(endpoint)
    assert {"P443-TLS-020", "P443-TLS-040", "P443-TLS-041"} <= ids(report)
    assert traits(report)["encrypt_then_mac"] is YES
    assert traits(report)["ticket_resumption"] is YES  # over DHE and CBC
    with openssl_server(made, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256") as endpoint:
        report = look(endpoint)
    assert "P443-TLS-040" in ids(report)
    assert not {"P443-TLS-020", "P443-TLS-041"} & ids(report)
    with openssl_server(made, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256") as endpoint:
        assert "P443-TLS-040" not in ids(look(endpoint))


def parameters(bits: int, offset: int) -> bytes:
    """Write the PEM of a group with the base 2 (PKCS #3)."""
    number = _oakley(bits, offset).to_bytes(bits // 8)
    size = len(number) + 1
    inside = b"\x02\x81" + bytes((size, 0)) + number + b"\x02\x01\x02"
    body = base64.encodebytes(b"\x30\x81" + bytes((len(inside),)) + inside)
    return b"-----BEGIN DH PARAMETERS-----\n" + body + b"-----END DH PARAMETERS-----\n"


def test_npn_is_told(tmp_path: Path) -> None:
    """OpenSSL can still speak it."""
    with openssl_server(files(tmp_path), "-tls1_2", "-nextprotoneg", "spdy/3,http/1.1") as endpoint:
        found = {one.id: one.verdict for one in look(endpoint).facts.server.traits}
    assert (found["npn"].standing, found["npn"].reason) == (YES, "spdy/3 http/1.1")
    assert found["ticket_resumption"].is_yes


def draft(hello: ClientHello) -> bytes:
    """Choose draft 23 of TLS 1.3 where it is offered, and TLS 1.2 elsewhere."""
    body = find(hello.extensions or (), ExtensionType.SUPPORTED_VERSIONS)
    if body is not None and b"\x7f\x17" in body:
        chosen = Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x7f\x17")
        said = ServerHello(Version.TLS_1_2, bytes(32), hello.session_id, hello.suites[0], 0, (chosen,))
        return handshake(said.message())
    return legacy(hello, key=bytes(range(32)))


def test_a_draft_of_tls_13_is_seen() -> None:
    """And told from TLS 1.2, which is the answer of all others."""
    with answering(lambda hello, _: draft(hello)) as (endpoint, _):
        found = {one.id: one.verdict for one in look(endpoint).facts.server.traits}
    assert (found["tls_1_3_drafts"].standing, found["tls_1_3_drafts"].reason) == (YES, "draft 23")


def test_a_server_that_refuses_a_version_to_come_is_seen() -> None:
    """It takes TLS 1.2 by its name, and nothing newer."""
    with answering(lambda hello, _: legacy(hello, key=bytes(range(32)))) as (endpoint, _):
        assert traits(look(endpoint))["version_tolerance"] is NO


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
