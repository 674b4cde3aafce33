"""What `port443 cert` prints: the certificates of all sites, and the story of one."""

from dataclasses import dataclass
from typing import Literal, get_args

from port443.core.control.status import CertificateStatus, JobStatus, ProofStatus
from port443.core.renew.when import RenewalReason

CertificateState = Literal["good", "pending", "failing", "missing", "ended"]
"""`good`: it is served and nothing is wrong. `pending`: the first one is on order. `failing`: it is served,
and attempts to renew it failed. `missing`: there is none, and attempts failed. `ended`: it has ended, and is
served on."""
RevocationWord = Literal["unspecified", "key-compromise", "superseded", "cessation"]
REVOCATION_WORDS: tuple[RevocationWord, ...] = get_args(RevocationWord)


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """The certificate of one site."""

    site: str
    names: tuple[str, ...]
    origin: str
    """Where it comes from: `local CA`, `own files`, or the CAs that it is ordered from."""
    state: CertificateState
    certificate: CertificateStatus | None
    life_left_percent: int | None
    """How much of its life is left; null without one."""
    failures: int
    """How often in a row an attempt came to nothing."""
    fault: str | None
    """Why the last attempt came to nothing."""
    next_step: str
    """What happens next, in words."""
    next_at: str | None
    """When; null when it happens now, or somebody else decides."""


@dataclass(frozen=True, slots=True)
class CertificatesDocument:
    """What `port443 cert list --json` prints: the one at the greatest risk first."""

    schema: Literal["port443.cert.list/1"]
    at: str
    certificates: tuple[CertificateLine, ...]


@dataclass(frozen=True, slots=True)
class RenewalStatus:
    """When a certificate that was ordered is renewed, and why then."""

    at: str
    reason: RenewalReason
    window_start: str | None
    """What the CA suggests; null when it suggests nothing."""
    window_end: str | None
    explanation: str | None
    """A page of the CA about it."""
    next_poll: str | None
    """When the CA is asked again."""


@dataclass(frozen=True, slots=True)
class AttemptStatus:
    """One attempt to get a certificate."""

    ca: str
    directory: str
    started_at: str
    ended_at: str
    reason: str
    """`first`, `ordered` (somebody asked for it), or why the one before was renewed."""
    step: str
    """What was being done when it ended."""
    code: str | None
    """The code of the error; null when it brought a certificate."""
    message: str
    hint: str
    generation: int | None
    """What it brought."""
    facts: dict[str, str]
    """What is known of it: URLs of account, order and certificate, and how each name was validated."""


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """The order that is under way."""

    directory: str
    since: str
    url: str | None
    """Null until the CA has it."""


@dataclass(frozen=True, slots=True)
class CertificateDocument:
    """What `port443 cert show NAME --json` prints: all that is known of a site's certificate."""

    schema: Literal["port443.cert.show/1"]
    at: str
    line: CertificateLine
    renewal: RenewalStatus | None
    """Null for what was not ordered from a CA."""
    order: OrderStatus | None
    attempts: tuple[AttemptStatus, ...]
    """The oldest first, as far as they are remembered."""
    job: JobStatus | None
    served: tuple[ProofStatus, ...]
    """What the last handshakes showed."""


@dataclass(frozen=True, slots=True)
class CertificateOrdered:
    """What came of an order that somebody asked for, as `port443 cert issue` and `renew` print it."""

    schema: Literal["port443.cert.order/1"]
    site: str
    issued: bool
    code: str | None
    """The code of the error, when no certificate came of it."""
    message: str
    """The certificate, or why there is none."""
    hint: str
    next_at: str | None
    """When something is done again by itself."""


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """What one look before an order came to."""

    about: str
    """What was looked at: listening, CA, account, profile, clock, rate limit, DNS or address."""
    verdict: Literal["good", "warning", "failed"]
    """`failed`: an order would fail; `warning`: that cannot be seen from here."""
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class PreflightDocument:
    """What `port443 cert issue --dry-run --json` prints: an order would be made with this, and was not."""

    schema: Literal["port443.cert.preflight/1"]
    site: str
    ca: str
    checks: tuple[PreflightCheck, ...]


@dataclass(frozen=True, slots=True)
class CertificateRevoked:
    """What came of a revocation, as `port443 cert revoke --json` prints it."""

    schema: Literal["port443.cert.revoke/1"]
    site: str
    serial: str
    was_revoked_before: bool
    ordered: bool
    """Whether another certificate was ordered in its place at once."""
