"""The status document: the output of `port443 status --json`, with its reader."""

from dataclasses import dataclass
from typing import Literal

from port443.core.contract.reasons import ListenerState
from port443.core.contract.stats import EdgeStats

Severity = Literal["warning", "error"]
Verdict = Literal["good", "warning", "error"]
ProofVerdict = Literal["same", "different", "unknown"]
CertificateSource = Literal["local CA", "own files", "ACME CA"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A deviation from the settings, or one that will come."""

    code: str
    severity: Severity
    """`error`: clients are affected, or it is unknown; `warning`: they are not yet."""
    site: str | None
    """The site it belongs to; null for all of them."""
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
    """The certificate that a site should be served with."""

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
    """What is valid now and will not stay so."""


@dataclass(frozen=True, slots=True)
class HstsStatus:
    """The Strict-Transport-Security policy that clients receive."""

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
    """The result of one handshake."""

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
    state: Literal["running", "pending", "last_good", "refused"]
    """It runs as in the round before, not as planned; or its names are refused, as they are while its first
    certificate is on order (pending)."""
    waits_for: str | None
    """What the first certificate waits for; null unless the site is pending."""
    verdict: Verdict
    """The gravest of the problems that name this site; error as well while no edge answers."""
    upstreams: tuple[str, ...]
    servers: tuple[ServerStatus, ...]
    """Those of the servers that were probed for this document."""
    tls: str
    certificate: CertificateStatus | None
    hsts: HstsStatus
    client_cas: tuple[str, ...]
    """The subjects of the CAs of which clients must show a certificate; empty: none is requested."""
    proofs: tuple[ProofStatus, ...]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Something that `port443 serve` does again and again beside the rounds, or the round itself."""

    name: str
    """Its kind, and a slash with its subject."""
    state: Literal["waiting", "running"]
    progress: str | None
    """Its progress; null while it waits."""
    next_at: str | None
    """When it runs again; null when something else makes it run."""
    failures: int
    """The number of consecutive failures."""
    last_at: str | None
    """When it ended last; null before its first run."""
    last_code: str | None
    """The code of the error that it ended with; null when it went well."""
    last_message: str | None
    """The outcome, as a text."""


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """The last round whose snapshot was applied."""

    at: str
    running: str
    """The hash of the applied snapshot."""
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
    """The output of `port443 status --json`. Times are ISO 8601 in UTC."""

    schema: Literal["port443.status/1"]
    at: str
    verdict: Verdict
    """The gravest of all problems."""
    version: str
    pid: int | None
    """Null, as is what only it knows, when no `port443 serve` runs, but an edge does."""
    since: str | None
    settings: str | None
    state: str | None
    runtime: str
    edge: EdgeStatus | None
    """Null while the edge does not answer."""
    listeners: tuple[ListenerStatus, ...]
    starting: str | None
    """The progress of the start, as a text; null once the first round is complete."""
    sites: tuple[SiteStatus, ...]
    jobs: tuple[JobStatus, ...]
    """The jobs beside the rounds, by name."""
    last_round: RoundStatus | None
    last_reload: ReloadStatus | None
    problems: tuple[Problem, ...]
    """Empty when everything matches the settings."""
    stats: EdgeStats | None
    """The edge's counters since its boot."""
