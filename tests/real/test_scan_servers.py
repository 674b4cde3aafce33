"""The scanner against real servers, each with one thing wrong: told apart by finding and grade."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import ClassVar

import jsonschema
import pytest

from odd_tls import answering, rsa_only
from port443.adapters.dial import Dialler
from port443.app.scan import MAX_HOPS, ScanOptions, Viewpoint, scan
from port443.core.errors import ScanError
from port443.core.grade.baseline import Letter
from port443.core.grade.document import scan_document
from port443.core.grade.report import ScanTarget
from port443.core.names import Endpoint, SiteName, parse_site_name
from port443.core.probe.failures import ConnectRefused, HostSilent
from port443.core.probe.verdict import Standing
from port443.core.wire.groups import group_name
from port443.core.wire.versions import Version
from port443.core.x509.facts import CertFacts
from port443.core.x509.path import TrustedRoots
from port443.scan_wiring import make_dial
from raw_x509 import integer, raw_leaf, raw_root, rsa_spki, seq
from scanning import LATER, SCHEMA, closed_port, ids, look
from tls_certs import (
    NOW,
    Files,
    Issued,
    Key,
    Wish,
    ec_key,
    intermediate,
    issue,
    issue_with_sha1,
    root,
    rsa_key,
    write,
)
from tls_servers import openssl_server, plain_server, python_server, raw_server
from wrapping import wrapped

pytestmark = pytest.mark.slow
YEAR = "Strict-Transport-Security: max-age=31536000; includeSubDomains"
OLD = ("-cipher", "DEFAULT@SECLEVEL=0")
NEW = (*OLD, "-no_tls1", "-no_tls1_1")


def served(
    tmp_path: Path, wish: Wish | None = None, key: Key | None = None, chain: tuple[Issued, ...] | None = None
) -> Files:
    """Make the files of a server; what is not said is right."""
    leaf = issue(wish or Wish(), key or ec_key(), intermediate())
    return write(tmp_path, leaf, (intermediate(),) if chain is None else chain)


CAREFUL = (
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff"
)
"""What keeps scripts and frames of others out."""


def test_a_good_server_gets_an_a_plus(tmp_path: Path) -> None:
    """Modern suites, a trusted chain, a year of HSTS and a redirect leave nothing to say but the quantum."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n"
    files = served(tmp_path, key=rsa_key())
    fields = f"{YEAR}\r\n{CAREFUL}"
    with python_server(files, fields, context=context) as endpoint, plain_server(moved) as http:
        report = look(endpoint, http_port=http.port)
    assert report.grade.letter is Letter.A_PLUS
    assert not report.grade.at_best
    assert report.judgement.undetermined == ()
    # This OpenSSL has no post-quantum group, and finite fields that `ssl` cannot take away.
    assert ids(report) == {"P443-TLS-021", "P443-TLS-040"}
    assert report.facts.server.chains[0].key_proved
    assert report.connections <= 84


CHAINS = {
    "expired": ("P443-CERT-001", Letter.T),
    "not yet": ("P443-CERT-002", Letter.T),
    "self-signed": ("P443-CERT-003", Letter.T),
    "foreign root": ("P443-CERT-004", Letter.T),
    "incomplete": ("P443-CERT-005", Letter.B),
    "disorder": ("P443-CERT-006", Letter.A),
    "wrong name": ("P443-CERT-007", Letter.M),
    "short key": ("P443-CERT-008", Letter.B),
    "sha-1": ("P443-CERT-009", Letter.T),
    "almost over": ("P443-CERT-011", Letter.A),
}


def bad_chain(tmp_path: Path, what: str) -> Files:
    day = timedelta(days=1)
    match what:
        case "expired":
            return served(tmp_path, Wish(not_before=NOW - 90 * day, not_after=NOW - day))
        case "not yet":
            return served(tmp_path, Wish(not_before=NOW + day, not_after=NOW + 90 * day))
        case "self-signed":
            return write(tmp_path, issue(Wish(), ec_key()), ())
        case "foreign root":
            stranger = issue(Wish(subject="stranger", is_ca=True), ec_key(384))
            return write(tmp_path, issue(Wish(), ec_key(), stranger), (stranger,))
        case "incomplete":
            return served(tmp_path, chain=())
        case "disorder":
            second = issue(Wish(subject="second", is_ca=True), ec_key(384), intermediate())
            return write(tmp_path, issue(Wish(), ec_key(), second), (intermediate(), second))
        case "wrong name":
            return served(tmp_path, Wish(names=("other.test",)))
        case "short key":
            return served(tmp_path, key=rsa_key(1024))
        case "sha-1":
            return write(tmp_path, issue_with_sha1(tmp_path), (intermediate(),))
        case _:
            return served(tmp_path, Wish(not_before=NOW - 80 * day, not_after=NOW + 5 * day))


@pytest.mark.parametrize("what", CHAINS)
def test_each_bad_certificate_is_told_apart(tmp_path: Path, what: str) -> None:
    """Every fault of a chain has its own finding, alone of its kind, and its letter."""
    wanted, letter = CHAINS[what]
    with openssl_server(bad_chain(tmp_path, what), *NEW) as endpoint:
        report = look(endpoint)
    found = {one for one in ids(report) if one.startswith("P443-CERT")}
    # A root must be sent to be known as a strange one; that nobody needs it is said as well.
    assert found - {"P443-CERT-014"} == {wanted}
    assert report.grade.letter is letter
    assert report.grade.at_best == (what == "incomplete")  # nobody knows the root it would lead to


def test_an_incomplete_chain_does_not_hide_that_the_rest_is_right(tmp_path: Path) -> None:
    """A chain that misses its intermediate is capped, and its finding names who is missing."""
    with openssl_server(served(tmp_path, chain=())) as endpoint:
        report = look(endpoint)
    finding = next(one for one in report.judgement.findings if one.id == "P443-CERT-005")
    assert "intermediate under test" in finding.evidence
    assert "P443-CERT-003" not in ids(report)


def test_a_leaf_of_a_private_ca_is_not_called_incomplete(tmp_path: Path) -> None:
    """Nothing says that a certificate is missing: the CA is one that the system does not know."""
    stranger = issue(Wish(subject="private CA", is_ca=True), ec_key(384))
    files = write(tmp_path, issue(Wish(), ec_key(), stranger), ())
    with openssl_server(files) as endpoint:
        report = look(endpoint, is_public=True)
    finding = next(one for one in report.judgement.findings if one.id == "P443-CERT-004")
    assert "the system's store: CN=private CA" in finding.evidence
    assert "--cacert ROOT.pem" in finding.evidence
    assert "P443-CERT-005" not in ids(report)
    assert report.grade.letter is Letter.T


PROTOCOLS = {
    "-tls1": (Version.TLS_1_0, {"P443-TLS-003", "P443-TLS-005", "P443-TLS-006", "P443-TLS-014"}, Letter.C),
    "-tls1_1": (Version.TLS_1_1, {"P443-TLS-004", "P443-TLS-005", "P443-TLS-006", "P443-TLS-014"}, Letter.C),
    "-tls1_2": (Version.TLS_1_2, {"P443-TLS-006"}, Letter.A_MINUS),
    "-tls1_3": (Version.TLS_1_3, set[str](), Letter.A),
}


@pytest.mark.parametrize("option", PROTOCOLS)
def test_a_server_of_one_version_shows_this_one_only(tmp_path: Path, option: str) -> None:
    """The version offered is yes, every other one is no, and old ones are findings."""
    version, wanted, letter = PROTOCOLS[option]
    with openssl_server(served(tmp_path), option, *OLD) as endpoint:
        report = look(endpoint)
    offered = {one.version: one.offered.standing for one in report.facts.server.versions}
    assert offered == {v: Standing.YES if v is version else Standing.NO for v in Version}
    assert wanted <= ids(report)
    assert report.grade.letter is letter
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1", "-tls1_2"])
def test_rsa_keys_are_proved_in_every_version(tmp_path: Path, option: str) -> None:
    """The signature of MD5 and SHA-1 side by side, as TLS 1.0 has it, is checked as well."""
    with openssl_server(served(tmp_path, key=rsa_key()), option, *OLD) as endpoint:
        report = look(endpoint)
    assert [chain.key_proved for chain in report.facts.server.chains] == [True]


def test_tls_1_0_beside_newer_ones_caps_at_b(tmp_path: Path) -> None:
    """A server with all versions is a B, and the next step names what holds it there."""
    with openssl_server(served(tmp_path), *OLD) as endpoint:
        report = look(endpoint)
    assert report.grade.letter is Letter.B
    assert report.grade.next_step is not None
    assert {"P443-TLS-003", "P443-TLS-004"} <= set(report.grade.next_step.rules)


def test_every_suite_that_openssl_takes_is_found(tmp_path: Path) -> None:
    """Elimination ends with the very list that the server was started with."""
    wanted = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")
    names = {
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    }
    with openssl_server(served(tmp_path), "-tls1_2", "-cipher", ":".join(wanted)) as endpoint:
        report = look(endpoint)
    assert {suite.name for _, suite in report.facts.suites} == names


def test_weak_suites_are_found_by_kind(tmp_path: Path) -> None:
    """Anonymous, NULL and static suites, each by its own finding, make an F."""
    ciphers = "ADH-AES128-SHA256:NULL-SHA256:AES128-SHA:@SECLEVEL=0"
    files = served(tmp_path, key=rsa_key())
    with openssl_server(files, "-tls1_2", "-cipher", ciphers) as endpoint:
        report = look(endpoint)
    assert {"P443-TLS-007", "P443-TLS-008", "P443-TLS-014", "P443-TLS-016"} <= ids(report)
    assert report.grade.letter is Letter.F


def test_all_curves_are_found_although_the_certificates_own_must_be_offered(tmp_path: Path) -> None:
    """With an ECDSA P-256 certificate a probe for one curve at a time would find P-256 only."""
    groups = "X25519:P-256:P-384:P-521"
    with openssl_server(served(tmp_path), "-groups", groups) as endpoint:
        report = look(endpoint)
    facts = report.facts.server.groups_12
    assert {group_name(code) for code in facts.groups} == {"x25519", "secp256r1", "secp384r1", "secp521r1"}
    assert facts.complete.is_yes


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_an_old_server_has_its_curves_found_too(tmp_path: Path, option: str) -> None:
    """Curves are looked for in the newest version that there is, not in TLS 1.2 alone."""
    with openssl_server(served(tmp_path, key=rsa_key()), option, *OLD) as endpoint:
        groups = look(endpoint).facts.server.groups_12
    assert {"x25519", "secp256r1", "secp384r1"} <= {group_name(group) for group in groups.groups}
    assert groups.complete.is_yes


def test_a_curve_that_the_server_prefers_leaves_a_doubt(tmp_path: Path) -> None:
    """A server that always takes its certificate's curve is not said to have no other."""
    groups = ("-groups", "P-256:X25519:P-384", "-serverpref")
    with openssl_server(served(tmp_path), *groups) as endpoint:
        report = look(endpoint)
    facts = report.facts.server.groups_12
    assert group_name(facts.groups[-1]) == "secp256r1"
    assert facts.complete.is_unknown


def test_groups_of_tls_13_are_found_without_their_mathematics(tmp_path: Path) -> None:
    """Groups that this scanner cannot compute are named by the server's retry."""
    with openssl_server(served(tmp_path), "-tls1_3", "-groups", "ffdhe3072:X448:P-384") as endpoint:
        report = look(endpoint)
    facts = report.facts.server.groups_13
    assert {group_name(code) for code in facts.groups} == {"ffdhe3072", "x448", "secp384r1"}
    assert facts.complete.is_yes


HSTS = {
    "Strict-Transport-Security: max-age=3600": ("P443-HTTP-002", Letter.A),
    "Strict-Transport-Security: max-age=0": ("P443-HTTP-008", Letter.A_MINUS),
    "Strict-Transport-Security: includeSubDomains": ("P443-HTTP-003", Letter.A_MINUS),
    "Strict-Transport-Security: max-age=31536000; includeSubDomains=true": ("P443-HTTP-003", Letter.A_MINUS),
    "X-Nothing: 1": ("P443-HTTP-001", Letter.A),
}


@pytest.mark.parametrize("field", HSTS)
def test_each_fault_of_hsts_costs_the_plus_or_more(tmp_path: Path, field: str) -> None:
    """Absent and short HSTS cost the plus; broken and switched off they are a warning, and an A-."""
    wanted, letter = HSTS[field]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+AESGCM")
    with python_server(served(tmp_path), field, context=context) as endpoint:
        report = look(endpoint)
    assert wanted in ids(report)
    assert report.grade.letter is letter
    assert report.grade.next_step is not None


PREFERRED = {
    "AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256": {"P443-TLS-031"},
    "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256": {"P443-TLS-032"},
    "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256": {"P443-TLS-031", "P443-TLS-032"},
    "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA": set[str](),
}
ORDER = {"P443-TLS-031", "P443-TLS-032"}


@pytest.mark.parametrize("ciphers", PREFERRED)
@pytest.mark.parametrize("option", ["-serverpref", "-no_ticket"])
def test_a_server_that_prefers_worse_suites_gets_a_b(tmp_path: Path, ciphers: str, option: str) -> None:
    """By its own order; one that goes by the client's gives each client the best of both."""
    files = served(tmp_path, key=rsa_key())
    with openssl_server(files, "-tls1_2", "-cipher", f"{ciphers}:@SECLEVEL=0", option) as endpoint:
        report = look(endpoint)
    wanted = PREFERRED[ciphers] if option == "-serverpref" else set()
    assert ids(report) & ORDER == wanted
    assert (report.grade.letter is Letter.B) == bool(wanted)


RSA_KEY_EXCHANGE = {
    "RC4 alone": ((0x0005, 0x0004), True, "P443-TLS-030", Letter.F),
    "RC4 and another": ((0x002F, 0x0005), True, "P443-TLS-012", Letter.C),
    "3DES first": ((0x000A, 0x002F), True, "P443-TLS-034", Letter.C),
    "3DES last": ((0x002F, 0x000A), True, "P443-TLS-013", Letter.B),
    "renegotiation that is not secured": ((0x002F,), False, "P443-TLS-019", Letter.B),
}


@pytest.mark.parametrize("what", RSA_KEY_EXCHANGE)
def test_what_no_library_speaks_any_more_gets_the_letter_of_the_guide(what: str) -> None:
    """RC4 alone fails, 3DES costs a C only when it is preferred, and a doubt about renegotiation is named."""
    suites, secured, rule, letter = RSA_KEY_EXCHANGE[what]
    leaf = issue(Wish(), rsa_key(), intermediate())
    with answering(rsa_only(suites, (leaf.der, intermediate().der), secured=secured)) as (endpoint, _):
        report = look(endpoint)
    assert rule in ids(report)
    assert report.grade.letter is letter
    assert ("P443-TLS-030" in ids(report)) == (what == "RC4 alone")
    assert ("P443-TLS-034" in ids(report)) == (what == "3DES first")
    assert ("P443-TLS-033" in report.grade.doubts) != secured
    assert report.grade.at_best


@pytest.mark.parametrize("hops", [1, 3, 4])
def test_hsts_behind_redirects_on_the_same_host_is_seen(tmp_path: Path, hops: int) -> None:
    """A browser notes it on any page of the host; a chain without end is left after a few."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = served(tmp_path)
    context.load_cert_chain(files.bundle, files.key)

    class Wandering(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError), wrapped(context, self.request, server_side=True) as secured:
                at = len(secured.recv(65536).split(b" ")[1]) - 1
                field = YEAR if at == hops else f"Location: /{'x' * (at + 1)}"
                secured.sendall(f"HTTP/1.1 302 Found\r\n{field}\r\n\r\n".encode())

    with raw_server(Wandering) as endpoint:
        web = look(endpoint).facts.web
    assert web.hsts.is_yes == (hops < MAX_HOPS)


HINTS = b"HTTP/1.1 103 Early Hints\r\nStrict-Transport-Security: max-age=1\r\n\r\n"


def test_hsts_is_read_behind_interim_answers(tmp_path: Path) -> None:
    """103 and 100 before the 200 hide nothing, and what stands in them does not count."""
    before = HINTS + b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS
    with python_server(served(tmp_path), YEAR, before=before) as endpoint:
        web = look(endpoint).facts.web
    assert web.hsts_text == YEAR.partition(": ")[2]


PLAIN = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n": Standing.NO,
    b"HTTP/1.1 302 Found\r\nLocation: http://localhost/a\r\n\r\n": Standing.NO,
    b"HTTP/1.1 302 Found\r\nLocation: https://else.test/\r\n\r\n": Standing.NO,
    b"HTTP/1.1 301 Moved\r\nLocation: https://LOCALHOST:443/a?b\r\n\r\n": Standing.YES,
    b"HTTP/1.1 301 Moved\r\nLocation: https://localhost:1/\r\n\r\n": Standing.UNKNOWN,
    b"HTTP/1.1 304 Not Modified\r\nLocation: https://localhost/\r\n\r\n": Standing.NO,
    HINTS + b"HTTP/1.1 301 Moved\r\nLocation: https://localhost/\r\n\r\n": Standing.YES,
    b"SSH-2.0-else\r\n\r\n": Standing.UNKNOWN,
}


@pytest.mark.parametrize("answer", PLAIN)
def test_port_80_is_judged_by_where_it_leads(tmp_path: Path, answer: bytes) -> None:
    """Only https on the same host is a redirect; what is no HTTP stays unknown."""
    with openssl_server(served(tmp_path)) as endpoint, plain_server(answer) as http:
        report = look(endpoint, http_port=http.port)
    assert report.facts.web.redirect.standing is PLAIN[answer]


def test_an_address_is_asked_for_without_a_name_and_without_hsts(tmp_path: Path) -> None:
    """A certificate for an address fits it, and HSTS, which browsers ignore there, is not missed."""
    with openssl_server(served(tmp_path, Wish(names=("127.0.0.1",)))) as endpoint:
        report = look(endpoint, "127.0.0.1")
    assert not ids(report) & {"P443-CERT-007", "P443-HTTP-001"}
    assert report.grade.letter is Letter.A


REFUSED_BY_BROWSERS = {
    "CCM_8": (("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"), "P443-TLS-027"),
    "X448": (("-groups", "X448"), "P443-TLS-027"),
    "ffdhe2048": (("-tls1_3", "-groups", "ffdhe2048"), "P443-TLS-027"),
    "SHA-224": (("-tls1_2", "-sigalgs", "ECDSA+SHA224"), "P443-TLS-027"),
    "SHA-1": (
        ("-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0"),
        "P443-TLS-029",
    ),
}


@pytest.mark.parametrize("what", REFUSED_BY_BROWSERS)
def test_what_browsers_refuse_gets_no_a(tmp_path: Path, what: str) -> None:
    """However strong it is: the finding names it, and caps the letter."""
    arguments, rule = REFUSED_BY_BROWSERS[what]
    with openssl_server(served(tmp_path), *arguments) as endpoint:
        report = look(endpoint)
    assert rule in ids(report)
    assert report.grade.letter is Letter.C


def test_a_wish_for_client_certificates_is_seen(tmp_path: Path) -> None:
    """Both versions ask for one, and the scan goes on."""
    with openssl_server(served(tmp_path), "-verify", "1") as endpoint:
        report = look(endpoint)
    assert report.facts.server.wants_client_certificate
    assert report.facts.chains


def test_a_server_of_one_hello_shape_is_searched_in_that_shape(tmp_path: Path) -> None:
    """One that fails over status_request hides neither its weak groups nor secure renegotiation."""
    weak = ("-tls1_2", *OLD[:1], "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", "-groups", "sect163k1:secp160r1")
    with openssl_server(served(tmp_path, key=rsa_key()), *weak, "-status_file", "/dev/null") as endpoint:
        report = look(endpoint)
    groups = report.facts.server.groups_12
    assert ({group_name(one) for one in groups.groups}, groups.complete.is_yes) == (
        {"sect163k1", "secp160r1"},
        True,
    )
    assert "P443-TLS-025" in ids(report)
    assert "P443-TLS-019" not in ids(report)
    assert report.facts.server.secure_renegotiation.is_yes


class Relay(BaseRequestHandler):
    """Pass so many connections on to a real server, then do something else."""

    origin: ClassVar[Endpoint]
    patience: ClassVar[int]
    lock = threading.Lock()
    seen: ClassVar[int]

    def handle(self) -> None:
        with Relay.lock:
            Relay.seen += 1
            spent = Relay.seen > Relay.patience
        if spent:
            self.refuse()
        else:
            self.pass_on()

    def refuse(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()

    def pass_on(self) -> None:
        with socket.create_connection((Relay.origin.address, Relay.origin.port), 10) as origin:
            back = threading.Thread(target=_copy, args=(origin, self.request), daemon=True)
            back.start()
            _copy(self.request, origin)
            back.join(10)


class Ender(Relay):
    def refuse(self) -> None:
        self.request.close()


class Refuser(Relay):
    """Read the hello and answer with the alert that a server takes for anything."""

    description: ClassVar[int] = 40

    def refuse(self) -> None:
        with suppress(OSError):
            self.request.recv(65536)
            self.request.sendall(bytes((21, 3, 3, 0, 2, 2, self.description)))


class VersionRefuser(Refuser):
    description = 70


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def throttled(origin: Endpoint, after: int, kind: type[Relay]) -> Iterator[Endpoint]:
    Relay.origin, Relay.patience, Relay.seen = origin, after, 0
    with raw_server(kind) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    "kind",
    [Relay, Ender, Refuser, VersionRefuser],
    ids=["reset", "closed", "handshake_failure", "protocol_version"],
)
@pytest.mark.parametrize("after", [1, 3, 8, 20])
def test_a_server_that_throttles_gives_unknown_and_not_no(
    tmp_path: Path, after: int, kind: type[Relay]
) -> None:
    """Once the control hello is refused, no version and no suite is said to be missing."""
    with openssl_server(served(tmp_path), *OLD) as origin, throttled(origin, after, kind) as endpoint:
        report = look(endpoint)
    versions = report.facts.server.versions
    spoken = {Version.TLS_1_0, Version.TLS_1_1, Version.TLS_1_2, Version.TLS_1_3}
    assert [one.version.label for one in versions if one.version in spoken and one.offered.is_no] == []
    assert any(one.offered.is_unknown or one.complete.is_unknown for one in versions)
    assert report.judgement.undetermined
    assert report.grade.at_best or report.grade.letter is None or report.grade.doubts


class Mute(BaseRequestHandler):
    """Take the connection, and say nothing until the client leaves."""

    def handle(self) -> None:
        with suppress(OSError):
            while self.request.recv(65536):
                pass


def silence(port: int, patience_s: float, kind: type[ScanError] = HostSilent) -> ScanError:
    target = ScanTarget(parse_site_name("127.0.0.1"), port)
    view, options = Viewpoint(TrustedRoots.of([]), LATER), ScanOptions(patience_s)
    with pytest.raises(kind) as caught:
        asyncio.run(scan(make_dial(), target, view, options))
    return caught.value


def test_a_server_that_says_nothing_is_silent_and_not_bad() -> None:
    """There is no report and no grade for a port that never speaks TLS."""
    with raw_server(Mute) as endpoint:
        assert "no answer in time" in silence(endpoint.port, 0.05).message


def test_a_port_without_a_listener_is_named_as_such() -> None:
    """The error says that nothing listens, not that the server is bad."""
    with closed_port() as port:
        assert "nothing listens" in silence(port, 3, ConnectRefused).message


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP in clear"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"220 mail.test ESMTP\r\n", "SMTP or FTP"),
        (b"\x00\x00\x00\x00\x00", "00 00 00 00 00"),
    ],
)
def test_a_port_that_speaks_something_else_is_called_by_its_name(said: bytes, name: str) -> None:
    """Known greetings are named, others shown; where STARTTLS may help, it is said."""
    with plain_server(said) as endpoint:
        error = silence(endpoint.port, 3)
    assert name in error.message
    assert ("STARTTLS" in error.hint) == ("SMTP" in name)


class ManyAddresses(Dialler):
    """A resolver that knows several addresses of the one name."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self._addresses = addresses

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        del name
        return tuple(Endpoint(address, port) for address in self._addresses)


def test_the_next_address_is_asked_when_one_takes_no_connection(tmp_path: Path) -> None:
    """A name is judged by the first address that answers; the others are named, refused or not asked."""
    with openssl_server(served(tmp_path)) as endpoint, closed_port() as closed:
        roots = TrustedRoots.of([CertFacts.from_der(root().der)])
        target = ScanTarget(parse_site_name("localhost"), endpoint.port)
        dial = ManyAddresses("127.0.0.9", "127.0.0.1", "127.0.0.8")
        view, options = Viewpoint(roots, LATER), ScanOptions(patience_s=3, http_port=closed)
        report = asyncio.run(scan(dial, target, view, options))
    jsonschema.validate(scan_document([(report, 0)], "0", NOW), SCHEMA)
    assert report.endpoint.address == "127.0.0.1"
    assert [one.endpoint.address for one in report.unreached] == ["127.0.0.9"]
    assert [other.address for other in report.others] == ["127.0.0.8"]


@pytest.mark.parametrize("group", ["P-384", "P-521"])
def test_a_server_that_asks_for_another_key_share_still_shows_its_certificate(
    tmp_path: Path, group: str
) -> None:
    """With TLS 1.3 alone, and a group that no key was sent for, the chain comes after a second hello."""
    with openssl_server(served(tmp_path), "-tls1_3", "-groups", group) as endpoint:
        report = look(endpoint)
    assert report.facts.server.chains[0].key_proved
    assert report.grade.letter is not None


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
@pytest.mark.parametrize("offered", ["h2,http/1.1", "http/1.1", "h2"])
def test_the_protocols_of_alpn_are_found_one_by_one(tmp_path: Path, version: str, offered: str) -> None:
    """What the server would take stands there, whatever it prefers."""
    with openssl_server(served(tmp_path), version, "-alpn", offered) as endpoint:
        server = look(endpoint).facts.server
    taken = [one.name for one in server.application_protocols if one.taken.is_yes]
    assert taken == offered.split(",")
    assert server.alpn == taken[0]


class Intolerant(BaseRequestHandler):
    """Close on any hello above 400 bytes, as some old servers did; else pass it on."""

    origin: ClassVar[Endpoint]

    def handle(self) -> None:
        hello = self.request.recv(65536)
        if len(hello) > 400:
            return
        with socket.create_connection((Intolerant.origin.address, Intolerant.origin.port), 10) as origin:
            origin.sendall(hello)
            back = threading.Thread(target=_copy, args=(origin, self.request), daemon=True)
            back.start()
            _copy(self.request, origin)
            back.join(10)


def test_a_server_that_breaks_over_long_hellos_is_asked_in_short_ones(tmp_path: Path) -> None:
    """A list of suites that is too long for the server does not hide the version."""
    with openssl_server(served(tmp_path), "-tls1_2") as origin:
        Intolerant.origin = origin
        with raw_server(Intolerant) as endpoint:
            report = look(endpoint)
    facts = report.facts.server.version(Version.TLS_1_2)
    assert facts.offered.is_yes
    assert len(facts.choices) > 3


@pytest.mark.machine
def test_the_time_for_a_host_is_kept(tmp_path: Path) -> None:
    """When the time is over nothing more is asked, and what was not asked is unknown."""
    with openssl_server(served(tmp_path), "-tls1_3") as origin, throttled(origin, 2, Silent) as endpoint:
        roots = TrustedRoots.of([CertFacts.from_der(root().der)])
        target = ScanTarget(parse_site_name("localhost"), endpoint.port, connect=endpoint)
        with closed_port() as http_port:
            options = ScanOptions(patience_s=2.0, deadline_s=3.0, http_port=http_port)
            report = asyncio.run(scan(make_dial(), target, Viewpoint(roots, LATER), options))
    # Four questions that wait in vain, one after the other, would have taken longer.
    assert report.took_s < 4 * options.patience_s
    assert report.facts.server.unknown_versions


class Silent(Relay):
    def refuse(self) -> None:
        Mute.handle(self)  # type: ignore[arg-type]


def test_a_broken_key_and_a_staple_that_is_demanded_are_seen_in_what_is_served() -> None:
    """Both stand in the certificate of a handshake; a good one of the same server has neither."""
    authority, modulus = raw_root(), rsa_key().public_key().public_numbers().n
    demand = ("1.3.6.1.5.5.7.1.24", False, seq(integer(5)))
    bad = raw_leaf(authority, "localhost", demand, spki=rsa_spki(modulus, 1))
    for leaf, wanted in (
        (bad, {"P443-CERT-020", "P443-CERT-021"}),
        (raw_leaf(authority, "localhost"), set()),
    ):
        with answering(rsa_only((0x002F,), (leaf.der,))) as (endpoint, _):
            report = look(endpoint)
        assert ids(report) & {"P443-CERT-020", "P443-CERT-021"} == wanted


def test_what_the_answers_of_both_ports_tell_is_judged(tmp_path: Path) -> None:
    """An open cookie, a version and a wrong clock on TLS; a cookie in clear beside the redirect."""
    told = "Set-Cookie: id=1\r\nServer: x/1.2\r\nDate: Sat, 01 Jan 2022 00:00:00 GMT"
    moved = (
        b"HTTP/1.1 301 Moved\r\nLocation: https://localhost/\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    )
    with (
        python_server(served(tmp_path), f"{YEAR}\r\n{CAREFUL}\r\n{told}") as endpoint,
        plain_server(moved) as http,
    ):
        report = look(endpoint, http_port=http.port)
    http_ids = {one for one in ids(report) if one.startswith("P443-HTTP")}
    assert http_ids == {"P443-HTTP-009", "P443-HTTP-010", "P443-HTTP-011", "P443-HTTP-012"}
