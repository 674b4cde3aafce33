"""A scan and one hello for each suite, group and version see the same, on a dozen configurations."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scan_oracle import disagreements, suites_of_openssl, truth_of
from scanning import look
from tls_certs import Key, Wish, ec_key, intermediate, issue, rsa_key, write
from tls_servers import openssl_server

pytestmark = pytest.mark.slow
ALL = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
CCM = "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256"
CONFIGURATIONS: dict[str, tuple[Callable[[], Key], tuple[str, ...]]] = {
    "ECDSA": (ec_key, ()),
    "ECDSA, P-384": (lambda: ec_key(384), ("-tls1_2",)),
    "RSA": (rsa_key, ()),
    "RSA, every suite": (rsa_key, ALL),
    "RSA, the server's order": (rsa_key, (*ALL, "-serverpref")),
    "TLS 1.0 alone": (rsa_key, ("-tls1", *ALL)),
    "TLS 1.1 alone": (ec_key, ("-tls1_1", *ALL)),
    "TLS 1.2, no ECDHE": (rsa_key, ("-tls1_2", "-cipher", "kRSA:kDHE:@SECLEVEL=0")),
    "TLS 1.3, odd suites": (ec_key, ("-tls1_3", "-ciphersuites", CCM)),
    "TLS 1.3, odd groups": (ec_key, ("-tls1_3", "-groups", "P-521:X448:ffdhe3072")),
    "few groups": (ec_key, ("-groups", "P-384:P-256")),
    "old curves": (rsa_key, ("-tls1_2", *ALL, "-groups", "sect283k1:secp256k1:brainpoolP384r1:X25519")),
}  # fmt: skip


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_scan_sees_what_the_oracle_sees(tmp_path: Path, what: str) -> None:
    """Every suite of every version, and every group, and that this is all."""
    key, options = CONFIGURATIONS[what]
    files = write(tmp_path, issue(Wish(), key(), intermediate()), (intermediate(),))
    with openssl_server(files, *options) as endpoint:
        assert disagreements(look(endpoint), truth_of(endpoint, suites_of_openssl())) == []
