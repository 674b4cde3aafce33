"""The contract's documents: what the edge runs, as frozen values in one canonical form."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

CONTRACT = 1
"""The version of the contract; independent of the package's version."""
MAX_INTEGER = 2**53 - 1
"""Integers stay where every JSON reader keeps them exact (RFC 8259 §6)."""

Hash = str
"""The SHA-256 of a document's canonical form, 64 lower-case hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that the edge accepts connections on."""

    id: str
    """`role:address`, so that another address is another listener."""
    role: Literal["https", "redirect"]
    address: str
    """`192.0.2.1:443` or `[2001:db8::1]:443`."""
    https_port: int
    """The port that clients use for https; redirects and the readable 400 name it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a stranger may make the edge hold or wait for; milliseconds and bytes."""

    connections_per_worker: int = 16384
    hello_bytes: int = 65536
    hello_timeout_ms: int = 5000
    handshake_timeout_ms: int = 10000
    header_bytes: int = 65536
    header_timeout_ms: int = 10000
    body_timeout_ms: int = 60000
    """The longest silence in the middle of a body, in either direction."""
    idle_timeout_ms: int = 75000
    drain_timeout_ms: int = 10000


@dataclass(frozen=True, slots=True)
class Root:
    """The snapshot: the root document, whose hash names what is running."""

    listeners: tuple[Listener, ...]
    limits: Limits
    sites: dict[str, Hash]
    """Site id → hash of its Site part."""
    default_site: str | None
    """The site that answers a hello with an unknown name or none; without one such hellos are refused."""
    ticket_keys: tuple[Hash, ...]
    """Newest first: the first encrypts, all decrypt."""
    parts: tuple[Hash, ...]
    """Every part that the snapshot needs, sorted."""
    contract: int = CONTRACT


@dataclass(frozen=True, slots=True)
class Hsts:
    """A Strict-Transport-Security header (RFC 6797), and the names that get it."""

    names: tuple[str, ...]
    max_age_s: int
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True, slots=True)
class Site:
    """A set of names with one policy and one pool behind it."""

    id: str
    names: tuple[str, ...]
    """Host names in A-labels, `*.` wildcards of one label, IP addresses without brackets; sorted."""
    tls: Hash
    certificates: tuple[Hash, ...]
    pool: Hash
    hsts: Hsts | None
    redirect_cacheable: bool
    """Whether clients may remember the 308 from port 80."""
    kind: Literal["site"] = "site"


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What a handshake may end in; IANA names, in order of preference."""

    versions: tuple[str, ...]
    suites: tuple[str, ...]
    groups: tuple[str, ...]
    alpn: tuple[str, ...]
    tickets: bool
    kind: Literal["tls_policy"] = "tls_policy"


@dataclass(frozen=True, slots=True)
class Server:
    """One upstream server; `host` is a name or an IP address without brackets."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Upstream servers that can stand in for each other, taken in turn."""

    id: str
    servers: tuple[Server, ...]
    connect_timeout_ms: int = 5000
    response_timeout_ms: int = 60000
    """The wait for the first byte of a response."""
    idle_timeout_ms: int = 30000
    idle_per_worker: int = 64
    """Warm connections that one worker keeps for one server."""
    kind: Literal["pool"] = "pool"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain as it is sent, leaf first, and the part that holds its key."""

    names: tuple[str, ...]
    """What the leaf covers, in the spelling of `Site.names`."""
    chain: tuple[str, ...]
    """Base64 of DER, leaf first, without the root."""
    key: Hash
    kind: Literal["certificate"] = "certificate"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A secret part: PKCS#8 DER in base64."""

    pkcs8: str = field(repr=False)
    kind: Literal["private_key"] = "private_key"


@dataclass(frozen=True, slots=True)
class TicketKey:
    """A secret part: 32 random bytes in base64, from which each site's ticket key is derived."""

    secret: str = field(repr=False)
    kind: Literal["ticket_key"] = "ticket_key"


Part = Site | TlsPolicy | Pool | Certificate | PrivateKey | TicketKey
Document = Root | Part
SECRET_KINDS = frozenset({"private_key", "ticket_key"})


def canonical(document: Document) -> bytes:
    """Return the one form of a document: UTF-8, keys sorted, no spaces, integers only."""
    return json.dumps(
        dataclasses.asdict(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def hash_of(document: Document) -> Hash:
    """Return the name of a document: the SHA-256 of its canonical form."""
    return hashlib.sha256(canonical(document)).hexdigest()


def plain(document: Document) -> dict[str, Any]:
    """Return the document as the JSON object that goes into a frame."""
    fields: dict[str, Any] = json.loads(canonical(document))
    return fields
