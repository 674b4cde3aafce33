"""PEM (RFC 7468) to DER and back, for certificates."""

import base64
import binascii
import re
from collections.abc import Iterable

from port443.core import der
from port443.core.x509.facts import CertificateUnreadable

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)-----END \1-----", re.DOTALL)
TRUSTED = b"TRUSTED CERTIFICATE"
LABELS = {b"CERTIFICATE", b"X509 CERTIFICATE", TRUSTED}
MAX_CERTIFICATES = 4096
LINE = 64


def certificates_in(content: bytes) -> tuple[bytes, ...]:
    """Return the DER of every certificate in a PEM file, in its order; other blocks are passed over.

    A file that ends in the middle of a certificate behind a whole one is refused: it is half copied.
    """
    found: list[bytes] = []
    end = 0
    for block in BLOCK.finditer(content):
        end = block.end()
        label, body = block.groups()
        if label not in LABELS:
            continue
        if len(found) == MAX_CERTIFICATES:
            raise CertificateUnreadable(f"more than {MAX_CERTIFICATES} certificates in one file")
        try:
            octets = base64.b64decode(b"".join(body.split()), validate=True)
            # OpenSSL's own form has its notes on trust behind the certificate.
            found.append(next(der.elements(octets)).whole if label == TRUSTED else octets)
        except binascii.Error as error:
            raise CertificateUnreadable(f"certificate {len(found) + 1} is no base64: {error}") from error
        except (ValueError, StopIteration) as error:
            raise CertificateUnreadable(f"certificate {len(found) + 1} is no DER") from error
    if found and any(b"-----BEGIN %b-----" % label in content[end:] for label in LABELS):
        raise CertificateUnreadable(f"certificate {len(found) + 1} is cut off before its -----END line")
    return tuple(found)


def certificate_pem(chain: Iterable[bytes]) -> bytes:
    """Write certificates as PEM, one after the other."""
    return "".join(_block(base64.b64encode(octets).decode("ascii")) for octets in chain).encode("ascii")


def _block(body: str) -> str:
    lines = [body[at : at + LINE] for at in range(0, len(body), LINE)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
