"""Hello extensions: their code points, and the bodies that a client writes and reads."""

from dataclasses import dataclass
from enum import IntEnum

from port443.core.wire.reading import Malformed, Reader, numbers, vector


class ExtensionType(IntEnum):
    """The code points used here, named as in the IANA registry "TLS ExtensionType Values"."""

    SERVER_NAME = 0
    STATUS_REQUEST = 5
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    SIGNED_CERTIFICATE_TIMESTAMP = 18
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    COMPRESS_CERTIFICATE = 27
    SESSION_TICKET = 35
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    KEY_SHARE = 51
    NPN = 13172
    RENEGOTIATION_INFO = 0xFF01


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its code point and its body."""

    kind: int
    body: bytes = b""


def encode_extensions(extensions: tuple[Extension, ...]) -> bytes:
    """Write a block of extensions with its length."""
    return vector(2, b"".join(e.kind.to_bytes(2) + vector(2, e.body) for e in extensions))


def parse_extensions(block: bytes, what: str) -> tuple[Extension, ...]:
    """Read a block of extensions without its length; the same one twice is refused."""
    reader, found = Reader(block, f"the extensions of {what}"), []
    while reader.left:
        found.append(Extension(reader.number(2), reader.vector(2)))
    if len({extension.kind for extension in found}) != len(found):
        raise Malformed(f"{what} has the same extension twice")
    return tuple(found)


def find(extensions: tuple[Extension, ...], kind: int) -> bytes | None:
    """Return the body of an extension, or None when it is not there."""
    return next((extension.body for extension in extensions if extension.kind == kind), None)


def server_name(name: str) -> Extension:
    """Name the host (RFC 6066 §3); an IP address must not be named."""
    return Extension(ExtensionType.SERVER_NAME, vector(2, b"\x00" + vector(2, name.encode("ascii"))))


def supported_groups(groups: tuple[int, ...]) -> Extension:
    return Extension(ExtensionType.SUPPORTED_GROUPS, numbers(2, groups))


def ec_point_formats() -> Extension:
    """Announce uncompressed points (RFC 8422 §5.1.2)."""
    return Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x00")


def signature_algorithms(schemes: tuple[int, ...]) -> Extension:
    return Extension(ExtensionType.SIGNATURE_ALGORITHMS, numbers(2, schemes))


def alpn(protocols: tuple[str, ...]) -> Extension:
    """Offer application protocols (RFC 7301 §3.1)."""
    return Extension(ExtensionType.ALPN, vector(2, b"".join(vector(1, p.encode("ascii")) for p in protocols)))


def supported_versions(versions: tuple[int, ...]) -> Extension:
    return Extension(ExtensionType.SUPPORTED_VERSIONS, numbers(1, versions))


def psk_key_exchange_modes() -> Extension:
    """Announce psk_dhe_ke; without it some servers send no ticket, and a few do not answer."""
    return Extension(ExtensionType.PSK_KEY_EXCHANGE_MODES, b"\x01\x01")


def key_share(shares: tuple[tuple[int, bytes], ...]) -> Extension:
    """Offer public keys; an empty list asks the server to name a group (RFC 8446 §4.2.8)."""
    entries = b"".join(group.to_bytes(2) + vector(2, public) for group, public in shares)
    return Extension(ExtensionType.KEY_SHARE, vector(2, entries))


def status_request() -> Extension:
    """Request a stapled OCSP response (RFC 6066 §8)."""
    return Extension(ExtensionType.STATUS_REQUEST, b"\x01\x00\x00\x00\x00")


def renegotiation_info() -> Extension:
    """Announce an initial handshake (RFC 5746 §3.4)."""
    return Extension(ExtensionType.RENEGOTIATION_INFO, b"\x00")


def bare(kind: ExtensionType) -> Extension:
    """Return an extension without content."""
    return Extension(kind)


def compress_certificate(algorithms: tuple[int, ...]) -> Extension:
    """Take a certificate in these forms (RFC 8879 §3)."""
    return Extension(ExtensionType.COMPRESS_CERTIFICATE, numbers(1, algorithms))


def read_alpn(body: bytes) -> str:
    """Read the one protocol that a server chose."""
    reader = Reader(body, "the server's ALPN")
    names = Reader(reader.vector(2), "the server's ALPN")
    chosen = names.vector(1, 1)
    names.end()
    reader.end()
    return chosen.decode("ascii", "backslashreplace")


def read_server_key_share(body: bytes) -> tuple[int, bytes]:
    """Read the server's public key and its group."""
    reader = Reader(body, "the server's key share")
    share = reader.number(2), reader.vector(2, 1)
    reader.end()
    return share


def read_protocols(body: bytes) -> tuple[str, ...]:
    """Read the protocols that a server names by NPN, one after the other."""
    reader, found = Reader(body, "the server's NPN"), []
    while reader.left:
        found.append(reader.vector(1, 1).decode("ascii", "backslashreplace"))
    return tuple(found)


def extension_name(kind: int) -> str:
    """Return the name of an extension, as the registry has it where it is known here."""
    return ExtensionType(kind).name.lower() if kind in set(ExtensionType) else f"0x{kind:04x}"


def read_number(body: bytes, what: str) -> int:
    """Read an extension that is one 16-bit number."""
    reader = Reader(body, what)
    value = reader.number(2)
    reader.end()
    return value
