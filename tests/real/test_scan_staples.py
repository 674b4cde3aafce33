"""Stapled OCSP responses of real servers: good, revoked, old, of another, and signed by nobody who may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socketserver import BaseRequestHandler

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from port443.core.grade.report import Report
from port443.core.x509.ocsp import Revocation
from scanning import LATER, ids, look
from tls_certs import Files, Issued, Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server, raw_server

pytestmark = pytest.mark.slow
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REVOKED, USELESS = "P443-CERT-022", "P443-CERT-023"


def response(
    leaf: bytes,
    state: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    days: int = 1,
    *,
    by_ca: bool = True,
) -> bytes:
    """Make a response of the intermediate, or of the leaf itself, which may not."""
    certificate, issuer = x509.load_der_x509_certificate(leaf), x509.load_der_x509_certificate(CA.der)
    signer = CA if by_ca else STRANGER
    signing = x509.load_der_x509_certificate(signer.der)
    revoked = LATER - DAY if state is ocsp.OCSPCertStatus.REVOKED else None
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate, issuer, hashes.SHA1(), state, LATER - HOUR - 9 * DAY, LATER + days * DAY, revoked,  # noqa: S303 - of names
        x509.ReasonFlags.key_compromise if revoked else None,
    ).responder_id(ocsp.OCSPResponderEncoding.HASH, signing)  # fmt: skip
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


CA, STRANGER = intermediate(), issue(Wish(), ec_key(), intermediate())


def stapling(place: Path, make: Callable[[bytes], bytes], *, other: bool = False) -> Report:
    """Serve a leaf with a response, of it or of another one."""
    leaf = issue(Wish(), ec_key(), CA)
    files: Files = write(place, leaf, (CA,))
    file = place / "staple.der"
    file.write_bytes(make(issue(Wish(), ec_key(), CA).der if other else leaf.der))
    with openssl_server(files, "-status_file", str(file)) as endpoint:
        return look(endpoint)


def test_a_good_staple_is_believed(tmp_path: Path) -> None:
    """It is fresh, of this certificate, and signed by its CA."""
    report = stapling(tmp_path, response)
    (chain,) = report.facts.chains
    assert chain.staple is not None
    assert chain.staple.state is Revocation.GOOD
    assert not {REVOKED, USELESS} & ids(report)


def test_a_revoked_certificate_is_found(tmp_path: Path) -> None:
    """And it is the worst that can be said of one."""
    report = stapling(tmp_path, lambda leaf: response(leaf, ocsp.OCSPCertStatus.REVOKED))
    assert REVOKED in ids(report)
    assert report.grade.letter is not None
    assert report.grade.letter.value == "F"


@pytest.mark.parametrize("what", ["old", "of another", "signed by nobody", "unknown", "no response"])
def test_a_staple_that_proves_nothing_is_found(tmp_path: Path, what: str) -> None:
    """Clients refuse it, or ask somebody else."""
    makes: dict[str, Callable[[bytes], bytes]] = {
        "old": lambda leaf: response(leaf, days=-1),
        "of another": response,
        "signed by nobody": lambda leaf: response(leaf, by_ca=False),
        "unknown": lambda leaf: response(leaf, ocsp.OCSPCertStatus.UNKNOWN),
        "no response": lambda _: ocsp.OCSPResponseBuilder.build_unsuccessful(
            ocsp.OCSPResponseStatus.TRY_LATER
        ).public_bytes(Encoding.DER),
    }
    report = stapling(tmp_path, makes[what], other=what == "of another")
    assert USELESS in ids(report)
    assert REVOKED not in ids(report)


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/any\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


def revocation_list(serial: int, *, days: int = 1) -> bytes:
    """Make a list of the intermediate that names one serial number."""
    revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(LATER - DAY).build()
    builder = x509.CertificateRevocationListBuilder(
        CA.certificate.subject, LATER - 9 * DAY, LATER + days * DAY
    )
    made = builder.add_revoked_certificate(revoked).sign(CA.key, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


@contextmanager
def told_by(make: Callable[[x509.Certificate], bytes], where: str) -> Iterator[tuple[Issued, str]]:
    """Issue a leaf whose CA answers at a URL, and have it answer."""
    body: list[bytes] = []

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer(body[0]))

    with raw_server(Answer) as place:
        url = f"http://127.0.0.1:{place.port}/ca"
        wish = Wish(ocsp=url) if where == "ocsp" else Wish(crl=url)
        leaf = issue(wish, ec_key(), CA)
        body.append(make(leaf.certificate))
        yield leaf, url


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


ASKED: dict[str, tuple[str, Callable[[x509.Certificate], bytes], str]] = {
    "OCSP says good": ("ocsp", lambda one: response(der(one)), "good"),
    "OCSP says revoked": ("ocsp", lambda one: response(der(one), ocsp.OCSPCertStatus.REVOKED), "revoked"),
    "the list does not name it": ("crl", lambda _: revocation_list(7), "good"),
    "the list names it": ("crl", lambda one: revocation_list(one.serial_number), "revoked"),
    "the list is old": ("crl", lambda one: revocation_list(one.serial_number, days=-1), "unknown"),
    "OCSP is no answer": ("ocsp", lambda _: b"sorry", "unknown"),
}


@pytest.mark.parametrize("what", ASKED)
def test_the_ca_is_asked_when_that_is_wanted(tmp_path: Path, what: str) -> None:
    """A yes, a no, or a doubt with its reason; without being asked to, nobody asks."""
    where, make, wanted = ASKED[what]
    with told_by(make, where) as (leaf, url), openssl_server(write(tmp_path, leaf, (CA,))) as endpoint:
        report, silent = look(endpoint, revocation=True), look(endpoint)
    (chain,) = report.facts.chains
    assert (REVOKED in ids(report)) == (wanted == "revoked")
    assert (REVOKED in {one.id for one in report.judgement.undetermined}) == (wanted == "unknown")
    if wanted == "unknown":
        assert url in str(chain.asked)
    else:
        assert chain.revocation is not None
        assert chain.revocation.state == wanted
    assert silent.facts.chains[0].revocation is None


@pytest.mark.parametrize("is_logged", [True, False])
def test_a_public_certificate_that_no_log_shows_is_found(tmp_path: Path, *, is_logged: bool) -> None:
    """Browsers refuse it; a private CA needs no logs."""
    leaf = issue(Wish(is_logged=is_logged), ec_key(), CA)
    with openssl_server(write(tmp_path, leaf, (CA,))) as endpoint:
        public, private = look(endpoint, is_public=True), look(endpoint)
    assert ("P443-CERT-024" in ids(public)) != is_logged
    assert "P443-CERT-024" not in ids(private)
