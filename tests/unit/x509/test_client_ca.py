"""Files that name the CAs of clients: what they say, and what they may not hold."""

from pathlib import PurePath

import pytest
from cryptography import x509

from pki import intermediate, leaf, root
from port443.core.x509.bounds import MAX_CERTIFICATE_BYTES, MAX_CLIENT_ROOTS
from port443.core.x509.client_ca import ClientCAFileUnfit, check_client_ca

FILE = PurePath("clients.pem")
CA = root("Somebody's root")
LARGE = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.99999.99"), bytes(MAX_CERTIFICATE_BYTES)
)
MIDDLE = intermediate(CA, "Somebody's intermediate")


def test_the_authorities_are_those_of_the_file() -> None:
    """Each CA counts once, in the order of the file; an intermediate may be the one that is meant."""
    found = check_client_ca(FILE, MIDDLE.pem + CA.pem + MIDDLE.pem)
    assert found == (MIDDLE.facts.der, CA.facts.der)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no certificate in PEM: it is empty"),
        (CA.key_pem, "holds no certificate in PEM: it is a private key"),
        (CA.facts.der, "it is a certificate in DER"),
        (CA.pem + leaf(CA, "client.test").pem, "which is no CA"),
        (b"".join(root(f"CA {n}").pem for n in range(MAX_CLIENT_ROOTS + 1)), "65 certificates"),
        (root("Large", extra=((LARGE, False),)).pem, "holds a certificate of [0-9]+ bytes: CN=Large"),
    ],
    ids=["empty", "a key", "DER", "a client's own", "too many", "too large"],
)
def test_a_file_that_names_no_authority_is_refused(content: bytes, said: str) -> None:
    """The error names the file and what is wrong with it."""
    with pytest.raises(ClientCAFileUnfit, match=said) as caught:
        check_client_ca(FILE, content)
    assert "clients.pem" in caught.value.message
