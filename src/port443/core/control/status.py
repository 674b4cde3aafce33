"""The status document: what `port443 status --json` prints, and what reads it again."""

from dataclasses import dataclass
from typing import Literal

from port443.core.contract.reasons import ListenerState
from port443.core.contract.stats import EdgeStats

Severity = Literal["warning", "error"]
Verdict = Literal["good", "warning", "error"]
ProofVerdict = Literal["same", "different", "unknown"]
CertificateSource = Literal["local CA", "own files"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was meant to be, or will not be for long."""

    code: str
    severity: Severity
    """`error`: clients are harmed, or nobody knows; `warning`: they are not yet."""
    site: str | None
    """The site it belongs to; null when it is everybody's."""
    about: str
    cause: str
    hint: str


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, and why it takes no connection; null when it does."""

    address: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class EdgeStatus:
    """The edge that answers."""

    version: str
    contract: int
    boot: str
    """Another one after each start of the program."""
    pid: int
    workers: int
    epoch: int
    running: str | None
    """The hash of the snapshot that runs."""
    boot_copy_in_memory: bool
    adopted: bool
    """Whether this `port443 serve` found it running."""
    since: str
    restarts: int
    """How often this `port443 serve` had to restart it."""
    restarted_at: str | None
    """When it did so last."""


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """An address that the edge accepts connections on."""

    id: str
    state: ListenerState | Literal["unknown"]
    """Unknown while no edge answers."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What a site is meant to be served with."""

    source: CertificateSource
    subject: str
    issuer: str
    names: tuple[str, ...]
    key: str
    fingerprint: str
    """SHA-256 of the certificate."""
    not_before: str
    not_after: str
    seconds_left: int
    renews_at: str | None
    """Null when its owner renews it."""
    warnings: tuple[str, ...]
    """What is not wrong with it, but will be."""


@dataclass(frozen=True, slots=True)
class HstsStatus:
    """What browsers are told about plain HTTP."""

    origin: Literal["ladder", "settings"]
    max_age_s: int | None
    """Null when no header is sent."""
    include_subdomains: bool
    preload: bool
    step: int | None
    """Counted from 0; null when the site is not on the ladder."""
    since: str | None
    next_at: str | None
    """When the next step is taken at the earliest; null on the last one, and off the ladder."""


@dataclass(frozen=True, slots=True)
class ProofStatus:
    """What one handshake showed."""

    endpoint: str
    name: str
    verdict: ProofVerdict
    detail: str
    at: str


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site of the settings."""

    id: str
    names: tuple[str, ...]
    state: Literal["running", "last_good", "refused"]
    """Not running as meant, but as it did before; or its names are refused."""
    verdict: Verdict
    """The gravest of the problems that name this site; error as well while no edge answers."""
    upstreams: tuple[str, ...]
    servers: tuple[ServerStatus, ...]
    """Those of the servers that were asked for a connection just now."""
    tls: str
    certificate: CertificateStatus | None
    hsts: HstsStatus
    client_cas: tuple[str, ...]
    """The subjects of the CAs of which clients must show a certificate; none, and they are not asked."""
    proofs: tuple[ProofStatus, ...]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Something that `port443 serve` does again and again beside the rounds, or the round itself."""

    name: str
    """Its kind, and a slash with what it is for."""
    state: Literal["waiting", "running"]
    progress: str | None
    """What it is at; null while it waits."""
    next_at: str | None
    """When it runs again; null when something else makes it run."""
    failures: int
    """How often in a row it came to nothing."""
    last_at: str | None
    """When it ended last; null before its first run."""
    last_code: str | None
    """The code of the error that it ended with; null when it went well."""
    last_message: str | None
    """What came of it, in words."""


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """The last time that all was brought to what was wanted."""

    at: str
    running: str
    """The hash of the snapshot that the edge took."""
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last time that the settings were read again."""

    at: str
    ok: bool
    code: str | None
    message: str | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """What `port443 status --json` prints. Times are ISO 8601 in UTC."""

    schema: Literal["port443.status/1"]
    at: str
    verdict: Verdict
    """The gravest of all problems."""
    version: str
    pid: int | None
    """Null, as is what only it knows, when no `port443 serve` runs, but an edge goes on without it."""
    since: str | None
    settings: str | None
    state: str | None
    runtime: str
    edge: EdgeStatus | None
    """Null while the edge does not answer."""
    listeners: tuple[ListenerStatus, ...]
    starting: str | None
    """What a start is at, in words; null as soon as the first round is through."""
    sites: tuple[SiteStatus, ...]
    jobs: tuple[JobStatus, ...]
    """What goes on beside the rounds, by name."""
    last_round: RoundStatus | None
    last_reload: ReloadStatus | None
    problems: tuple[Problem, ...]
    """Empty when everything is as it was meant to be."""
    stats: EdgeStats | None
    """The edge's counters since its boot."""
