"""What a file holds instead of a chain or a key, and the command that converts it."""

import base64
import binascii
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePath

from port443.core import der
from port443.core.x509.pem import BLOCK, LABELS

KEY_LABELS = {b"PRIVATE KEY", b"EC PRIVATE KEY", b"RSA PRIVATE KEY", b"DSA PRIVATE KEY"}
BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{64,}")
JAVA_KEY_STORE = b"\xfe\xed\xfe\xed"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
PKCS7 = "1.2.840.113549.1.7."
P12 = (
    "openssl pkcs12 -in {path} -nokeys -out {path}.chain.pem && "
    "openssl pkcs12 -in {path} -nocerts -nodes -out {path}.key.pem"
)
REQUEST = "name the certificate that the CA made for this request, or the key that it was made with"
OTHER_FILE = "name the file of the private key itself; this one cannot sign"
WHICH = "name the right file"


@dataclass(frozen=True, slots=True)
class Contents:
    """A kind of content, as a text, and what to do with it."""

    what: str
    """Continues "FILE is": `a PKCS#12 file`."""
    hint: str
    """A command to run, or a sentence."""


def recognise(content: bytes, path: PurePath) -> Contents:
    """Return the content of a file that has no certificate or no key."""
    if not content.strip():
        return Contents("empty", "write it again: the program that made it may have failed")
    if content.startswith(UTF16):
        return _command("UTF-16 text", "iconv -f UTF-16 -t UTF-8 {path} > {path}.pem", path)
    if blocks := BLOCK.findall(content):
        return _pem([label for label, _ in blocks], blocks[0][1], path)
    if b"-----BEGIN " in content:
        return Contents("cut off in the middle of a PEM block", "copy it again, with its -----END line")
    return _binary(content, path) or _bare(content, path) or _other(content, path)


def _command(what: str, command: str, path: PurePath) -> Contents:
    return Contents(what, f"convert it: {command.format(path=shlex.quote(str(path)))}")


def _pem(labels: list[bytes], body: bytes, path: PurePath) -> Contents:
    label = labels[0]
    if (label in KEY_LABELS and b"ENCRYPTED" in body[:64]) or label == b"ENCRYPTED PRIVATE KEY":
        return _command("an encrypted private key", "openssl pkey -in {path} -out {path}.pem", path)
    certificates = sum(one in LABELS for one in labels)
    if certificates:
        return Contents("a certificate" if certificates == 1 else f"{certificates} certificates", OTHER_FILE)
    if label in KEY_LABELS:
        return Contents("a private key", "name the file of the certificates")
    what = {
        b"CERTIFICATE REQUEST": Contents("a certificate request", REQUEST),
        b"NEW CERTIFICATE REQUEST": Contents("a certificate request", REQUEST),
        b"PUBLIC KEY": Contents("a public key", WHICH),
        b"RSA PUBLIC KEY": Contents("a public key", WHICH),
        b"X509 CRL": Contents("a revocation list", "name the file of the certificates"),
        b"PKCS7": _command("PKCS#7", "openssl pkcs7 -in {path} -print_certs -out {path}.pem", path),
        b"CMS": _command("PKCS#7", "openssl pkcs7 -in {path} -print_certs -out {path}.pem", path),
        b"OPENSSH PRIVATE KEY": _command(
            "a key in the format of OpenSSH",
            'cp {path} {path}.pem && ssh-keygen -p -N "" -m pkcs8 -f {path}.pem',
            path,
        ),
    }.get(label)  # fmt: skip
    words = label.decode("ascii").lower().removeprefix("new ")
    return what or Contents(f"a PEM file of {words}", WHICH)


def _binary(content: bytes, path: PurePath) -> Contents | None:
    """Recognise DER by the first elements inside."""
    if content.startswith(JAVA_KEY_STORE):
        command = "keytool -importkeystore -srckeystore {path} -destkeystore {path}.p12 -deststoretype PKCS12"
        return _command("a Java key store", f"{command} && {P12.replace('{path}', '{path}.p12')}", path)
    try:
        inside = der.only(content, der.SEQUENCE).children()
        return _der(inside, path) if inside else None
    except (ValueError, IndexError):
        return None


def _der(inside: tuple[der.Element, ...], path: PurePath) -> Contents | None:
    first, second = inside[0], inside[1] if len(inside) > 1 else inside[0]
    if first.tag == der.OBJECT_IDENTIFIER and der.object_identifier(first.content).startswith(PKCS7):
        return _command(
            "PKCS#7 in DER", "openssl pkcs7 -inform DER -in {path} -print_certs -out {path}.pem", path
        )
    if first.tag == der.INTEGER:
        if first.content == b"\x03" and second.tag == der.SEQUENCE:
            return _command("PKCS#12", P12, path)
        return _command("a private key in DER", "openssl pkey -inform DER -in {path} -out {path}.pem", path)
    if first.tag != der.SEQUENCE:
        return None
    head = first.children()
    if head[0].tag == der.OBJECT_IDENTIFIER:
        if second.tag == der.BIT_STRING:
            return Contents("a public key in DER", WHICH)
        return _command(
            "an encrypted private key in DER", "openssl pkey -inform DER -in {path} -out {path}.pem", path
        )
    if len(head) > 2 and head[0].content == b"\x00" and head[2].tag == der.SEQUENCE and _is_key(head[2]):
        return Contents("a certificate request in DER", REQUEST)
    return _signed(inside, path)


def _is_key(element: der.Element) -> bool:
    parts = element.children()
    return len(parts) == 2 and parts[1].tag == der.BIT_STRING


def _signed(inside: tuple[der.Element, ...], path: PurePath) -> Contents | None:
    """Tell a certificate from a revocation list: both are a signed content, its algorithm, a signature."""
    body = [part for part in inside[0].children() if part.tag != der.CONTEXT | der.CONSTRUCTED]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    if len(body) > 5 and body[0].tag == der.INTEGER and _is_key(body[5]):
        return _command("a certificate in DER", "openssl x509 -inform DER -in {path} -out {path}.pem", path)
    return Contents("a revocation list in DER", "name the file of the certificates")


def _bare(content: bytes, path: PurePath) -> Contents | None:
    """Recognise the base64 of something, without its PEM lines."""
    if not BASE64.fullmatch(content):
        return None
    try:
        inside = _binary(base64.b64decode(b"".join(content.split()), validate=True), path)
    except binascii.Error:
        return None
    if inside is None:
        return None
    kind = "pkey" if "private key" in inside.what else "x509"
    # Of one long line OpenSSL takes nothing without -A, of several nothing with it.
    lines = "" if b"\n" in content.strip() else " -A"
    command = f"openssl base64 -d{lines} -in {{path}} | openssl {kind} -inform DER -out {{path}}.pem"
    return _command(
        f"the base64 of {inside.what.removesuffix(' in DER')} without -----BEGIN lines", command, path
    )


def _other(content: bytes, path: PurePath) -> Contents:
    if content.startswith(b"PuTTY-User-Key-File"):
        command = (
            "puttygen {path} -O private-openssh-new -o {path}.pem && ssh-keygen -p -m pkcs8 -f {path}.pem"
        )
        return _command("a key of PuTTY", command, path)
    return Contents("neither PEM nor DER", "it should have lines like -----BEGIN CERTIFICATE-----")
