"""The certificate that every proxy shows: P-256, self-made, the same for all of a run."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "bench.test"
BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
"""Nobody looks at the validity: the client trusts this one certificate, byte for byte."""
LASTS = timedelta(days=36500)


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate and its key, and the files that hold them."""

    der: bytes
    pkcs8: bytes
    der_file: Path
    chain_file: Path
    key_file: Path
    both_file: Path


def make_identity(directory: Path) -> Identity:
    """Make a key and a certificate, and write them in the forms that proxies read."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key)
    chain = certificate.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = Identity(
        der=certificate.public_bytes(Encoding.DER),
        pkcs8=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        der_file=directory / "leaf.der",
        chain_file=directory / "chain.pem",
        key_file=directory / "key.pem",
        both_file=directory / "both.pem",
    )
    made.der_file.write_bytes(made.der)
    made.chain_file.write_bytes(chain)
    made.key_file.write_bytes(secret)
    made.both_file.write_bytes(chain + secret)
    return made


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())
