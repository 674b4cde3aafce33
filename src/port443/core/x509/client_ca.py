"""The CAs of which a site's clients must show a certificate: whether a file names any."""

from pathlib import PurePath

from port443.core.errors import CertificateError
from port443.core.x509.bounds import MAX_CERTIFICATE_BYTES, MAX_CLIENT_ROOTS
from port443.core.x509.contents import recognise
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificates_in


class ClientCAFileUnfit(CertificateError):
    """The file named as `client_ca` does not hold CA certificates.

    It should be PEM text with the certificates of up to 64 CAs, and nothing that is no CA's: a client's own
    certificate does not belong there. The CAs that this file held before are still requested, after a
    restart too; as long as none is known, the site accepts no client.
    """

    code = "P443-E227"
    fault = "operator"


def check_client_ca(path: PurePath, content: bytes) -> tuple[bytes, ...]:
    """Return the certificates of the CAs in a PEM file as DER, each once, in their order."""
    found = tuple(dict.fromkeys(CertFacts.from_der(octets) for octets in certificates_in(content)))
    if not found:
        what = recognise(content, path)
        raise ClientCAFileUnfit(f"{path} holds no certificate in PEM: it is {what.what}", what.hint)
    if len(found) > MAX_CLIENT_ROOTS:
        raise ClientCAFileUnfit(
            f"{path} holds {len(found)} certificates", f"name {MAX_CLIENT_ROOTS} CAs at most"
        )
    for one in found:
        if len(one.der) > MAX_CERTIFICATE_BYTES:
            raise ClientCAFileUnfit(
                f"{path} holds a certificate of {len(one.der)} bytes: {one.subject}",
                f"put only certificates of {MAX_CERTIFICATE_BYTES} bytes at most there",
            )
        if not one.is_ca:
            raise ClientCAFileUnfit(
                f"{path} holds a certificate of {one.subject}, which is no CA",
                "put only the certificates of the CAs there that sign those of clients",
            )
    return tuple(one.der for one in found)
