"""Stapled OCSP responses of real servers: good, revoked, old, of another, and signed by nobody who may."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from port443.core.grade.report import Report
from port443.core.x509.ocsp import Revocation
from scanning import LATER, ids, look
from tls_certs import Files, Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server

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
