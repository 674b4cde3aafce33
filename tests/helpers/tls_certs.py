"""Certificates for servers under test: good ones, and every kind of bad one."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC)  # noqa: TID251 - the servers' clock is the machine's
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and what stands between it and its root."""

    certificate: x509.Certificate
    key: Key
    above: tuple["Issued", ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True)
class Wish:
    """What to issue; the defaults make a good leaf for localhost."""

    names: tuple[str, ...] = ("localhost",)
    subject: str = "leaf under test"
    not_before: datetime = NOW - timedelta(hours=1)
    not_after: datetime = NOW + timedelta(days=60)
    is_ca: bool = False
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH
    ocsp: str = ""
    """Where its responder is."""
    crl: str = ""
    """Where the list is that it would stand in."""
    is_logged: bool = False
    """Whether it says that logs have promised to show it."""


@cache
def ec_key(bits: int = 256) -> ec.EllipticCurvePrivateKey:
    curves: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1}
    return ec.generate_private_key(curves[bits]())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def issue(wish: Wish, key: Key, issuer: Issued | None = None) -> Issued:
    """Sign what is wished, by `issuer` or by its own key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wish.subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wish.not_before)
        .not_valid_after(wish.not_after)
        .add_extension(x509.BasicConstraints(ca=wish.is_ca, path_length=None), critical=True)
    )
    if not wish.is_ca:
        usage = x509.ExtendedKeyUsage([wish.usage])
        builder = builder.add_extension(usage, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(wish.names)), critical=False)
    if wish.ocsp:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(wish.ocsp)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if wish.crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(wish.crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if wish.is_logged:
        promises = x509.UnrecognizedExtension(SCT_LIST, b"\x04\x02\x00\x00")
        builder = builder.add_extension(promises, critical=False)
    signer = issuer.key if issuer else key
    above = () if issuer is None else (issuer, *issuer.above)
    return Issued(builder.sign(signer, hashes.SHA256()), key, above)


def issue_with_sha1(directory: Path) -> Issued:
    """Have OpenSSL sign a good leaf with SHA-1, which `cryptography` no longer does."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    good, above = issue(Wish(), ec_key(), intermediate()), intermediate()
    key, signer, issuer, made = (
        directory / f"sha1-{part}.pem" for part in ("key", "signer", "issuer", "made")
    )
    for path, content in ((key, good.key_pem), (signer, above.key_pem), (issuer, above.pem)):
        path.write_bytes(content)
    extensions = directory / "sha1.conf"
    extensions.write_text(
        "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    )
    request = subprocess.run(
        (program, "req", "-new", "-key", key, "-subj", "/CN=leaf with SHA-1"), check=True, capture_output=True
    )
    command = (program, "x509", "-req", "-sha1", "-days", "60", "-CA", issuer, "-CAkey", signer,
               "-CAcreateserial", "-extfile", extensions, "-out", made)  # fmt: skip
    subprocess.run(command, input=request.stdout, check=True, capture_output=True)
    return Issued(x509.load_pem_x509_certificate(made.read_bytes()), good.key, (above,))


def _names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


@cache
def root() -> Issued:
    """The root that the tests trust."""
    wish = Wish(subject="root under test", is_ca=True, not_after=NOW + timedelta(days=365))
    return issue(wish, ec.generate_private_key(ec.SECP256R1()))


@cache
def intermediate() -> Issued:
    wish = Wish(subject="intermediate under test", is_ca=True, not_after=NOW + timedelta(days=180))
    return issue(wish, ec.generate_private_key(ec.SECP256R1()), root())


@dataclass(frozen=True)
class Files:
    """A leaf's files as servers want them."""

    leaf: Path
    key: Path
    chain: Path
    """What goes with the leaf; empty when there is nothing."""
    bundle: Path


def write(directory: Path, leaf: Issued, chain: tuple[Issued, ...], stem: str = "server") -> Files:
    """Write leaf, key and the certificates to be sent after the leaf."""
    files = Files(*(directory / f"{stem}-{part}.pem" for part in ("leaf", "key", "chain", "bundle")))
    files.leaf.write_bytes(leaf.pem)
    files.key.write_bytes(leaf.key_pem)
    files.chain.write_bytes(b"".join(one.pem for one in chain))
    files.bundle.write_bytes(leaf.pem + files.chain.read_bytes())
    return files
