"""Names, parsed once where they enter: a name in a signature is valid."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass

from port443.core.errors import SettingsError

MAX_NAME = 253
MAX_LABEL = 63
PORT = re.compile(r"[0-9]{1,5}")
LABEL = re.compile(rf"[a-z0-9]([a-z0-9-]{{0,{MAX_LABEL - 2}}}[a-z0-9])?")
# RFC 6761, RFC 8375, RFC 9476 and ICANN's resolution of 2024-07-29 on .internal.
RESERVED_SUFFIXES = ("localhost", "test", "internal", "home.arpa")
# RFC 1122 §3.2.1.3, RFC 1918, RFC 3927, RFC 6598; RFC 4291, RFC 4193. A list of our own: Python's
# `is_private` changes from version to version, and the local CA's root states these networks for ten years.
RESERVED_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


class NameInvalid(SettingsError):
    """This is not a host name, wildcard or IP address.

    A name is as in app.example.com or "*.example.com", without a scheme, a port or a path.
    """

    code = "P443-E110"


def _to_ascii(name: str) -> str:
    """Write a name of any script in A-labels (UTS 46); raises UnicodeError."""
    import idna  # noqa: PLC0415 - its tables are large, and most names are ASCII

    return idna.encode(name, uts46=True).decode()


@dataclass(frozen=True, slots=True, order=True)
class HostName:
    """A DNS name in lower-case A-labels without a final dot; `*.` may lead it (RFC 1123, RFC 5890)."""

    text: str

    @classmethod
    def parse(cls, raw: str) -> "HostName":
        """Read a host name, IDNs and one leading wildcard label included."""
        text = raw.strip().removesuffix(".").lower()
        star, body = ("*.", text[2:]) if text.startswith("*.") else ("", text)
        try:
            ascii_form = body if body.isascii() else _to_ascii(body)
        except UnicodeError as error:
            raise NameInvalid(f"{raw!r} is not a host name: {error}") from error
        labels = ascii_form.split(".")
        if len(ascii_form) > MAX_NAME or not all(LABEL.fullmatch(label) for label in labels):
            raise NameInvalid(f"{raw!r} is not a host name", "letters, digits and hyphens, parted by dots")
        if labels[-1].isdigit():
            raise NameInvalid(f"{raw!r} is neither a host name nor an IP address")
        return cls(star + ascii_form)

    @property
    def is_wildcard(self) -> bool:
        return self.text.startswith("*.")

    @property
    def is_reserved(self) -> bool:
        """Whether no public CA can certify it, since the name is reserved or not unique."""
        return any(self.text == s or self.text.endswith("." + s) for s in RESERVED_SUFFIXES)

    @property
    def is_public(self) -> bool:
        """Whether a public CA may certify it: it is nobody's own, and below a top-level domain."""
        return not self.is_reserved and "." in self.text.removeprefix("*.")

    def covers(self, name: "SiteName") -> bool:
        """Whether a certificate with this name is good for `name` (RFC 9525 §6.3)."""
        if not isinstance(name, HostName):
            return False
        return self.text == name.text or (
            self.is_wildcard and not name.is_wildcard and name.text.partition(".")[2] == self.text[2:]
        )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class IPName:
    """An IP address as a name, in its canonical text form (RFC 5952), without brackets."""

    text: str

    @classmethod
    def parse(cls, raw: str) -> "IPName":
        """Read an address; an IPv6 address may be in brackets."""
        bare = raw.strip()
        if bare.startswith("[") and bare.endswith("]"):
            bare = bare[1:-1]
        try:
            address = ipaddress.ip_address(bare)
        except ValueError as error:
            raise NameInvalid(f"{raw!r} is not an IP address") from error
        if isinstance(address, ipaddress.IPv6Address):
            if address.scope_id is not None:
                raise NameInvalid(f"{raw!r} has a zone, which means something on one machine only")
            if address.ipv4_mapped is not None:
                return cls(f"::ffff:{address.ipv4_mapped}")  # RFC 5952 §5; Python's own from 3.13 on
        return cls(str(address))

    @property
    def is_reserved(self) -> bool:
        """Whether the address is private, so that no public CA can certify it."""
        address = ipaddress.ip_address(self.text)
        return any(address in network for network in RESERVED_NETWORKS)

    @property
    def is_public(self) -> bool:
        """Whether a public CA may certify it."""
        return not self.is_reserved

    def covers(self, name: "SiteName") -> bool:
        return isinstance(name, IPName) and self.text == name.text

    def __str__(self) -> str:
        return self.text


SiteName = HostName | IPName


def parse_site_name(raw: str) -> SiteName:
    """Read a host name, a wildcard or an IP address."""
    try:
        return IPName.parse(raw)
    except NameInvalid:
        return HostName.parse(raw)


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An IP address and a port that a socket can be bound or connected to."""

    address: str
    port: int

    @classmethod
    def parse(cls, raw: str) -> "Endpoint":
        """Read `192.0.2.1:443` or `[2001:db8::1]:443`."""
        if raw.strip().startswith("[") and "]" not in raw:
            raise NameInvalid(f"{raw!r} has no closing bracket", 'for example "[::1]:443"')
        host, colon, port = raw.strip().rpartition(":")
        if not colon or not PORT.fullmatch(port) or not 0 < int(port) <= 65535:
            raise NameInvalid(f"{raw!r} is not ADDRESS:PORT", 'for example "0.0.0.0:443" or "[::]:443"')
        if ":" in host and not host.startswith("["):
            raise NameInvalid(f"{raw!r} has an IPv6 address without brackets", f'write "[{host}]:{port}"')
        return cls(IPName.parse(host).text, int(port))

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """The SHA-256 of a document or certificate, in lower-case hexadecimal."""

    text: str

    @classmethod
    def of(cls, content: bytes) -> "Fingerprint":
        return cls(hashlib.sha256(content).hexdigest())

    def __str__(self) -> str:
        return self.text
