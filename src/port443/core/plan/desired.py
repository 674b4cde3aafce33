"""The desired state: parsed and complete; settings make it and the planner reads it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from typing import Literal

from port443.core.acme.challenges import PendingAnswer
from port443.core.contract.snapshot import (
    STANDARD_POOL_LIMITS,
    Limits,
    PoolLimits,
    SiteLimits,
)
from port443.core.errors import Port443Error
from port443.core.names import Endpoint, SiteName

TlsName = Literal["modern", "intermediate"]
STANDARD_LIMITS = Limits()
STANDARD_SITE_LIMITS = SiteLimits()


@dataclass(frozen=True, slots=True)
class Upstream:
    """A plain HTTP server behind a site."""

    host: str
    """A host name or an IP address without brackets."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HstsFixed:
    """The operator's own value."""

    max_age_s: int
    include_subdomains: bool = False
    preload: bool = False


HstsWord = Literal["ladder", "none"]
HstsWish = HstsFixed | HstsWord


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """The built-in CA signs; `unconstrained` when the site has a name outside the reserved ones."""

    unconstrained: bool = False


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The operator's own chain and key, as PEM files."""

    chain: PurePath
    key: PurePath


@dataclass(frozen=True, slots=True)
class ExternalAccountFile:
    """A customer's account at a CA, to which our account there is bound."""

    key_id: str
    key_file: PurePath
    """Holds its MAC key, in base64url as the CA prints it."""


@dataclass(frozen=True, slots=True)
class AcmeCA:
    """A CA that certificates are ordered from, and how."""

    name: str
    """What it is called in the settings, or the host of its directory."""
    directory: str
    """URL of its ACME directory."""
    email: str = ""
    """Where it writes to about the account; empty: nowhere."""
    agree_tos: bool = False
    """Whether the operator agrees to its terms of service."""
    trust: PurePath | None = None
    """PEM of the roots to believe when speaking to it; None: those of the system."""
    eab: ExternalAccountFile | None = None
    profile: str | None = None
    """The kind of certificate, by the CA's own name for it."""


@dataclass(frozen=True, slots=True)
class AcmeCertificate:
    """Ordered from the first of these CAs that gives it."""

    cas: tuple[AcmeCA, ...]
    answers_http: bool
    """Whether a plain port is listened on, on which http-01 can be answered."""


CertificateOrigin = LocalIssuer | OwnCertificate | AcmeCertificate


@dataclass(frozen=True, slots=True)
class SiteTimeouts:
    """A site's own timeouts in milliseconds; None is the value for all sites."""

    handshake_ms: int | None = None
    header_ms: int | None = None
    body_ms: int | None = None
    idle_ms: int | None = None
    request_ms: int | None = None
    """0 is no timeout, whatever the value for all sites."""
    tunnel_ms: int | None = None
    connect_ms: int | None = None
    first_byte_ms: int | None = None
    upstream_idle_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DesiredSite:
    """One site as it should be served."""

    id: str
    """Its first name, as written in A-labels."""
    names: tuple[SiteName, ...]
    upstreams: tuple[Upstream, ...]
    certificate: CertificateOrigin
    tls: TlsName = "intermediate"
    hsts: HstsWish = "ladder"
    limits: SiteLimits = STANDARD_SITE_LIMITS
    client_ca: PurePath | None = None
    """PEM of the CAs of which a client must show a certificate."""
    timeouts: SiteTimeouts = SiteTimeouts()


LogLevel = Literal["error", "warning", "info", "debug"]
LogFormat = Literal["auto", "text", "json"]


@dataclass(frozen=True, slots=True)
class LogWish:
    """What `serve` logs, where to, and in which form."""

    level: LogLevel = "info"
    file: PurePath | None = None
    """Nothing is the standard error."""
    format: LogFormat = "auto"
    """auto: text on a terminal, else JSON."""


STANDARD_LOG = LogWish()


@dataclass(frozen=True, slots=True)
class Desired:
    """All that should run."""

    https: tuple[Endpoint, ...]
    http: tuple[Endpoint, ...]
    sites: tuple[DesiredSite, ...]
    workers: int
    default_site: str | None = None
    limits: Limits = STANDARD_LIMITS
    pool_limits: PoolLimits = STANDARD_POOL_LIMITS
    log: LogWish = STANDARD_LOG


def without_ipv6(desired: Desired) -> Desired:
    """Return the state for a machine without IPv6: `[::]` is left out where `0.0.0.0` is present too."""
    return replace(desired, https=_without_ipv6(desired.https), http=_without_ipv6(desired.http))


def _without_ipv6(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    ports = {endpoint.port for endpoint in endpoints if endpoint.address == "0.0.0.0"}  # noqa: S104 - compared
    return tuple(one for one in endpoints if one.address != "::" or one.port not in ports)


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential of a site: a chain that starts at its leaf, and the leaf's key."""

    names: tuple[SiteName, ...]
    chain: tuple[bytes, ...]
    """DER, leaf first, without the root."""
    key_pkcs8: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SiteNeeds:
    """What a site needs besides its settings, as far as it is known: a site may exist before its certificate.

    Without a credential the edge keeps the site's last good version; if it never had one, the site is
    pending: its names are refused, its challenges answered.
    """

    credential: Credential | None = None
    client_roots: tuple[bytes, ...] | None = None
    """DER of the CAs of which clients must show a certificate. None: none is requested; empty: no CA is
    known yet, and no client is accepted."""
    answers: tuple[PendingAnswer, ...] = ()
    """What an ACME server is to be answered, as long as it may ask."""
    waits_for: str | None = None
    """What the first certificate waits for, in words, while it is on order."""
    fault: Port443Error | None = None
    """Why something is missing, or the last good one is served in place of a newer one."""
    warnings: tuple[str, ...] = ()
    """What is valid now and will not stay so."""
    renews_at: datetime | None = None
    """When its issuer is asked for the next one; None: nobody knows here."""
