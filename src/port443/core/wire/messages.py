"""The server's other handshake messages: bodies in, values out."""

import zlib
from dataclasses import dataclass
from enum import IntEnum

from port443.core.wire.extensions import Extension, ExtensionType, find, parse_extensions
from port443.core.wire.reading import Malformed, Reader

MAX_CHAIN = 64


class MessageType(IntEnum):
    """Handshake message types (RFC 8446 §4, RFC 5246 §7.4)."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    CERTIFICATE_STATUS = 22
    COMPRESSED_CERTIFICATE = 25
    MESSAGE_HASH = 254


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One certificate as sent, with the extensions that TLS 1.3 puts beside it."""

    der: bytes
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedParameters:
    """A ServerKeyExchange of (EC)DHE: the signed bytes, the scheme, and the signature.

    `scheme` is None before TLS 1.2, `signature` is empty for an anonymous exchange.
    """

    parameters: bytes
    group: int | None
    public: bytes
    """The server's own public key."""
    prime_bits: int | None
    scheme: int | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A server's request for a client certificate."""

    authorities: tuple[bytes, ...]


def parse_certificate_12(body: bytes) -> tuple[CertificateEntry, ...]:
    """Read a Certificate message up to TLS 1.2 (RFC 5246 §7.4.2)."""
    reader = Reader(body, "the Certificate message")
    inner = Reader(reader.vector(3), "the certificate list")
    reader.end()
    entries = []
    while inner.left:
        entries.append(CertificateEntry(inner.vector(3, 1)))
        _bound(entries)
    return tuple(entries)


def parse_certificate_13(body: bytes) -> tuple[CertificateEntry, ...]:
    """Read a Certificate message of TLS 1.3 (RFC 8446 §4.4.2)."""
    reader = Reader(body, "the Certificate message")
    reader.vector(1)
    inner = Reader(reader.vector(3), "the certificate list")
    reader.end()
    entries = []
    while inner.left:
        der, block = inner.vector(3, 1), inner.vector(2)
        entries.append(CertificateEntry(der, parse_extensions(block, "a certificate entry")))
        _bound(entries)
    return tuple(entries)


ZLIB, BROTLI, ZSTD = 1, 2, 3
COMPRESSIONS = {ZLIB: "zlib", BROTLI: "brotli", ZSTD: "zstd"}
MAX_CERTIFICATE = 2**17


def parse_compressed_certificate(body: bytes) -> tuple[int, tuple[CertificateEntry, ...]]:
    """Read a CompressedCertificate (RFC 8879 §4): its algorithm, and the chain where zlib unpacks it."""
    reader = Reader(body, "the CompressedCertificate")
    algorithm, size = reader.number(2), reader.number(3)
    packed = reader.vector(3, 1)
    reader.end()
    if algorithm not in COMPRESSIONS or size > MAX_CERTIFICATE:
        raise Malformed(f"the server compressed {size} bytes of certificates by algorithm {algorithm}")
    return algorithm, parse_certificate_13(_inflated(packed, size)) if algorithm == ZLIB else ()


def _inflated(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise Malformed(f"the server's certificates do not decompress: {error}") from error
    if len(content) != size or not inflater.eof:
        raise Malformed(f"the server's certificates do not decompress to {size} bytes")
    return content


def _bound(entries: list[CertificateEntry]) -> None:
    if len(entries) > MAX_CHAIN:
        raise Malformed(f"the server sent more than {MAX_CHAIN} certificates")


def parse_encrypted_extensions(body: bytes) -> tuple[Extension, ...]:
    """Read the EncryptedExtensions (RFC 8446 §4.3.1)."""
    reader = Reader(body, "the EncryptedExtensions")
    block = reader.vector(2)
    reader.end()
    return parse_extensions(block, "the EncryptedExtensions")


def parse_certificate_verify(body: bytes) -> tuple[int, bytes]:
    """Read a CertificateVerify: scheme and signature (RFC 8446 §4.4.3)."""
    reader = Reader(body, "the CertificateVerify")
    scheme, signature = reader.number(2), reader.vector(2)
    reader.end()
    return scheme, signature


def parse_ecdhe(body: bytes, *, names_scheme: bool) -> SignedParameters:
    """Read an ECDHE ServerKeyExchange over a named curve (RFC 8422 §5.4)."""
    reader = Reader(body, "the ServerKeyExchange")
    curve_type = reader.number(1)
    if curve_type != 3:
        raise Malformed(f"the ServerKeyExchange has a curve of type {curve_type}, not a named one")
    group = reader.number(2)
    public = reader.vector(1, 1)
    return _signed(body, reader, (group, public, None), names_scheme=names_scheme)


def parse_dhe(body: bytes, *, names_scheme: bool) -> SignedParameters:
    """Read a finite-field DHE ServerKeyExchange (RFC 5246 §7.4.3)."""
    reader = Reader(body, "the ServerKeyExchange")
    prime = int.from_bytes(reader.vector(2, 1))
    reader.vector(2, 1)
    public = reader.vector(2, 1)
    return _signed(body, reader, (None, public, prime.bit_length()), names_scheme=names_scheme)


def _signed(
    body: bytes, reader: Reader, found: tuple[int | None, bytes, int | None], *, names_scheme: bool
) -> SignedParameters:
    parameters = body[: len(body) - reader.left]
    if not reader.left:  # an anonymous exchange has no signature
        return SignedParameters(parameters, *found, None, b"")
    scheme = reader.number(2) if names_scheme else None
    signature = reader.vector(2)
    reader.end()
    return SignedParameters(parameters, *found, scheme, signature)


def parse_certificate_request_12(body: bytes, *, names_schemes: bool) -> CertificateRequest:
    """Read a CertificateRequest up to TLS 1.2 (RFC 5246 §7.4.4)."""
    reader = Reader(body, "the CertificateRequest")
    reader.vector(1)
    if names_schemes:
        reader.numbers(2)
    authorities = _names(reader.vector(2))
    reader.end()
    return CertificateRequest(authorities)


def parse_certificate_request_13(body: bytes) -> CertificateRequest:
    """Read a CertificateRequest of TLS 1.3 (RFC 8446 §4.3.2)."""
    reader = Reader(body, "the CertificateRequest")
    reader.vector(1)
    extensions = parse_extensions(reader.vector(2), "the CertificateRequest")
    reader.end()
    block = find(extensions, CERTIFICATE_AUTHORITIES)
    if block is None:
        return CertificateRequest(())
    outer = Reader(block, "the certificate authorities")
    names = _names(outer.vector(2))
    outer.end()
    return CertificateRequest(names)


CERTIFICATE_AUTHORITIES = 47


def _names(block: bytes) -> tuple[bytes, ...]:
    reader, names = Reader(block, "the certificate authorities"), []
    while reader.left:
        names.append(reader.vector(2, 1))
    return tuple(names)


def parse_certificate_status(body: bytes) -> bytes:
    """Read a stapled OCSP response (RFC 6066 §8)."""
    reader = Reader(body, "the CertificateStatus")
    if reader.number(1) != 1:
        raise Malformed("the CertificateStatus is of an unknown type")
    response = reader.vector(3, 1)
    reader.end()
    return response


def stapled(entry: CertificateEntry) -> bytes | None:
    """Return the OCSP response beside a certificate of TLS 1.3."""
    body = find(entry.extensions, ExtensionType.STATUS_REQUEST)
    return None if body is None else parse_certificate_status(body)
