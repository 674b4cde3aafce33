"""The contract's documents: what the edge runs, as frozen values in one canonical form."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from port443.core.contract.bounds import (
    CONTRACT,
    DAY_MS,
    MAX_CHALLENGES,
    MAX_INTEGER,
    MAX_LISTENERS,
    MAX_NAMES,
    MAX_SERVERS,
    MAX_SITES,
    MAX_TICKET_KEYS,
)
from port443.core.contract.rules import (
    AcmeToken,
    Base64,
    KeyAuthorisation,
    Label,
    Named,
    OneOf,
    Pattern,
    Range,
    Size,
    SocketAddress,
    Sorted,
    TcpPort,
    Unique,
)
from port443.core.contract.tls_names import Alpn, CipherSuite, Group, Role, TlsVersion, Transport
from port443.core.x509.bounds import MAX_CERTIFICATE_BYTES, MAX_CHAIN, MAX_CLIENT_ROOTS

Port = Annotated[int, TcpPort()]
Milliseconds = Annotated[int, Range(1, DAY_MS)]
HEAD_BYTES = Range(1, 2**24)
HEADER_FIELDS = Range(1, 65535)
CONNECTIONS = Range(1, 2**20)
HANDSHAKES = Range(1, 10**6)
HeadBytes = Annotated[int, HEAD_BYTES]
Connections = Annotated[int, CONNECTIONS]
HandshakeCount = Annotated[int, HANDSHAKES]
Name = Annotated[str, Named()]
Der = Annotated[str, Base64(1, MAX_CERTIFICATE_BYTES)]
Names = Annotated[tuple[Name, ...], Size(1, MAX_NAMES), Sorted()]
Hash = Annotated[str, Pattern("[0-9a-f]{64}", "64 lower-case hexadecimal digits")]
"""The SHA-256 of a document's canonical form, 64 lower-case hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that the edge accepts connections on."""

    id: str
    """`role:address`, so that another address is another listener."""
    role: Annotated[str, OneOf(Role)]
    """Its protocol."""
    address: Annotated[str, SocketAddress()]
    """`192.0.2.1:443` or `[2001:db8::1]:443`."""
    https_port: Port
    """The port that clients use for https; redirects and the readable 400 name it."""

    @property
    def transport(self) -> Transport:
        """Its transport."""
        return Role(self.role).transport


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time-outs of clients, of all sites or of one; milliseconds."""

    handshake_timeout_ms: Milliseconds = 10000
    header_timeout_ms: Milliseconds = 10000
    """The timeout of a whole header, from its first byte."""
    body_timeout_ms: Milliseconds = 60000
    """The longest silence in the middle of a body, in either direction."""
    idle_timeout_ms: Milliseconds = 75000
    """The longest silence between two requests."""
    request_timeout_ms: Milliseconds | None = None
    """The limit of a request from its header to the response's last byte; without it a flowing body is
    unlimited."""
    tunnel_timeout_ms: Milliseconds = 3_600_000
    """The longest silence of a connection that was upgraded."""


@dataclass(frozen=True, slots=True)
class Limits(Timeouts):
    """Bounds on what a client may make the edge hold or wait for; milliseconds and bytes."""

    connections_per_worker: Connections = 16384
    connections_per_address: Connections = 4096
    """Connections of one client on one worker: an IPv4 address, or the /64 of an IPv6 one."""
    handshakes_per_second: HandshakeCount = 200
    """New connections to https that one worker takes from one client in the long run."""
    handshakes_burst: HandshakeCount = 2000
    """The most handshakes in a burst."""
    hello_bytes: HeadBytes = 65536
    hello_timeout_ms: Milliseconds = 5000
    header_bytes: HeadBytes = 65536
    header_line_bytes: HeadBytes = 16384
    """The longest header line, and the longest target of a request."""
    header_fields: Annotated[int, HEADER_FIELDS] = 128
    drain_timeout_ms: Milliseconds = 10000


@dataclass(frozen=True, slots=True)
class Root:
    """The snapshot: the root document, whose hash names what is running."""

    contract: Annotated[int, Range(CONTRACT, CONTRACT)] = field(default=CONTRACT, kw_only=True)
    listeners: Annotated[tuple[Listener, ...], Size(0, MAX_LISTENERS)]
    limits: Limits
    sites: Annotated[dict[Name, Hash], Size(0, MAX_SITES)]
    """Site id → hash of its Site part."""
    default_site: Name | None
    """The site that answers a hello with an unknown name or none; without one such hellos are refused."""
    ticket_keys: Annotated[tuple[Hash, ...], Size(0, MAX_TICKET_KEYS)]
    """Newest first: the first encrypts, all decrypt."""
    parts: Annotated[tuple[Hash, ...], Size(0, 500_000), Sorted()]
    """Every part that the snapshot needs, sorted."""
    challenges: Hash | None = None
    """The ACME challenges that are answered now."""


@dataclass(frozen=True, slots=True)
class Hsts:
    """A Strict-Transport-Security header (RFC 6797), and the names that get it."""

    names: Names
    max_age_s: Annotated[int, Range(0, MAX_INTEGER)]
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """Limits on the clients of one site; the site's settings have their names, without `_bytes`."""

    body_bytes: Annotated[int, Range(0, MAX_INTEGER)] = 100 * 2**20
    """The longest body of a request; a longer one is answered with 413."""
    requests: Annotated[int, CONNECTIONS] | None = None
    """Concurrent requests, WebSockets only until they are open; one more is answered with 503."""


@dataclass(frozen=True, slots=True)
class Site:
    """A set of names with one policy and one pool behind it."""

    id: Name
    names: Names
    """Host names in A-labels, `*.` wildcards of one label, IP addresses without brackets; sorted."""
    tls: Hash
    certificates: Annotated[tuple[Hash, ...], Size(0, 16), Unique()]
    """To choose from by the hello. Without any the site's last good version is kept; if it never had one, it
    is pending, and its names are refused."""
    pool: Hash
    hsts: Hsts | None
    redirect_cacheable: bool
    """Whether clients may cache the 308 from port 80."""
    limits: SiteLimits = SiteLimits()
    timeouts: Timeouts | None = None
    """Its own time-outs; those of the limits when there are none."""
    kind: Literal["site"] = "site"


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """The possible results of a handshake; IANA names, in order of preference."""

    versions: Annotated[tuple[Annotated[str, OneOf(TlsVersion)], ...], Size(1, len(TlsVersion)), Unique()]
    suites: Annotated[tuple[Annotated[str, OneOf(CipherSuite)], ...], Size(1, len(CipherSuite)), Unique()]
    groups: Annotated[tuple[Annotated[str, OneOf(Group)], ...], Size(1, len(Group)), Unique()]
    alpn: Annotated[tuple[Annotated[str, OneOf(Alpn)], ...], Size(1, len(Alpn)), Unique()]
    tickets: bool
    client_roots: Annotated[tuple[Der, ...], Size(0, MAX_CLIENT_ROOTS), Unique()] | None = None
    """Base64 of DER: the CAs of which a client must show a certificate; empty: no client is accepted; null:
    none is requested."""
    kind: Literal["tls_policy"] = "tls_policy"


@dataclass(frozen=True, slots=True)
class Server:
    """One upstream server; `host` is a name or an IP address without brackets."""

    host: Annotated[str, Named(wildcard=False)]
    port: Port


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Settings of every pool: part of a `Pool`, under the same names."""

    connect_timeout_ms: Milliseconds = 5000
    response_timeout_ms: Milliseconds = 60_000
    idle_timeout_ms: Milliseconds = 30_000
    connections_per_worker: Connections = 4096
    """A quarter of a worker's connections of clients, each of which may send many requests: some workers
    together stay below the 28,232 ports that Linux has for one server (ip_local_port_range), and descriptors
    are left for clients. Servers that answer quickly never need so many; a site of very many tunnels needs
    more."""


STANDARD_POOL_LIMITS = PoolLimits()


@dataclass(frozen=True, slots=True)
class Pool:
    """Upstream servers that can replace each other, used in rotation."""

    id: Annotated[str, Label()]
    """Its name in events and counters."""
    servers: Annotated[tuple[Server, ...], Size(1, MAX_SERVERS)]
    connect_timeout_ms: Milliseconds = STANDARD_POOL_LIMITS.connect_timeout_ms
    """The wait for a connection, the look-up of the server's name included."""
    response_timeout_ms: Milliseconds = STANDARD_POOL_LIMITS.response_timeout_ms
    """The wait for the first byte of a response."""
    idle_timeout_ms: Milliseconds = STANDARD_POOL_LIMITS.idle_timeout_ms
    """How long a silent connection is kept warm."""
    idle_per_worker: Annotated[int, Range(0, 65536)] = 64
    """Warm connections that one worker keeps for one server, however few the last seconds needed."""
    connections_per_worker: Connections = STANDARD_POOL_LIMITS.connections_per_worker
    """A worker's connections to all servers, idle ones and tunnels too; beyond it the answer is 503."""
    kind: Literal["pool"] = "pool"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain as it is sent, leaf first, and the part that holds its key."""

    names: Names
    """The names of the leaf, in the spelling of `Site.names`."""
    chain: Annotated[tuple[Der, ...], Size(1, MAX_CHAIN)]
    """Base64 of DER, leaf first, without the root."""
    key: Hash
    kind: Literal["certificate"] = "certificate"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A secret part: PKCS#8 DER in base64."""

    pkcs8: Annotated[str, Base64(1, 16384)] = field(repr=False)
    kind: Literal["private_key"] = "private_key"


@dataclass(frozen=True, slots=True)
class TicketKey:
    """A secret part: 32 random bytes in base64, from which each site's ticket key is derived."""

    secret: Annotated[str, Base64(32, 32)] = field(repr=False)
    kind: Literal["ticket_key"] = "ticket_key"


@dataclass(frozen=True, slots=True)
class TlsAlpnChallenge:
    """A tls-alpn-01 challenge (RFC 8737): its hello is shown this certificate."""

    site: Name
    """The site that the challenge is for; events name it."""
    certificate: Hash


@dataclass(frozen=True, slots=True)
class HttpChallenge:
    """An http-01 challenge (RFC 8555 §8.3): its request is answered with this text."""

    site: Name
    """The site that the challenge is for; events name it."""
    key_authorisation: Annotated[str, KeyAuthorisation()]


@dataclass(frozen=True, slots=True)
class Challenges:
    """The ACME challenges that are answered now, on every listener and whatever runs of their sites."""

    tls_alpn: Annotated[dict[Name, TlsAlpnChallenge], Size(0, MAX_CHALLENGES)]
    """By the name in the hello: a host name, or the reverse name of an IP address (RFC 8738 §6)."""
    http: Annotated[dict[Annotated[str, AcmeToken()], HttpChallenge], Size(0, MAX_CHALLENGES)]
    """By token."""
    kind: Literal["challenges"] = "challenges"


Part = Site | TlsPolicy | Pool | Certificate | PrivateKey | TicketKey | Challenges
Document = Root | Part


def canonical(document: Document) -> bytes:
    """Return the one form of a document: UTF-8, keys sorted, no spaces, integers only."""
    return json.dumps(
        document, default=_fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def _fields(document: Any) -> dict[str, Any]:
    # Not dataclasses.asdict: its deep copies cost most of the time that a plan of many sites takes.
    return {field.name: getattr(document, field.name) for field in dataclasses.fields(document)}


def hash_of(document: Document) -> Hash:
    """Return the name of a document: the SHA-256 of its canonical form."""
    return hashlib.sha256(canonical(document)).hexdigest()


def plain(document: Document) -> dict[str, Any]:
    """Return the document as the JSON object that goes into a frame."""
    fields: dict[str, Any] = json.loads(canonical(document))
    return fields
