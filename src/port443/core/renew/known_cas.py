"""The public CAs that settings may name, with what their documentation said at `AS_OF`.

A CA that is not here is used by the URL of its directory, and nothing is known of its limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from port443.core.names import IPName, SiteName

AS_OF = date(2026, 11, 30)

SpentKind = Literal["account", "order", "certificate", "failed_validation"]
"""What CAs count: `account`: one was registered; `order`: one was made, by account; `certificate`: one was
issued, by its exact set of names; `failed_validation`: of a name."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What a CA lets a client do: so often within any such time."""

    kind: SpentKind
    count: int
    within: timedelta
    is_waived_by_replaces: bool = True
    """Whether a renewal in its window that says what it replaces is exempt (RFC 9773 §5)."""


@dataclass(frozen=True, slots=True)
class KnownCA:
    """One public CA."""

    name: str
    """What settings call it."""
    title: str
    directory: str
    staging: str | None = None
    """The directory of its test environment, whose certificates nobody trusts."""
    caa: str = ""
    """The domain by which CAA records name it (RFC 8659 §4.2)."""
    needs_eab: bool = False
    """Whether an account has to be bound to a customer's (RFC 8555 §7.3.4)."""
    max_names: int = 100
    ip_profile: str | None = None
    """The profile under which it certifies IP addresses; None: it does not."""
    limits: tuple[RateLimit, ...] = ()
    is_trusted: bool = True
    """Whether clients believe its certificates; they do not believe those of a test environment."""

    def why_not(self, names: Sequence[SiteName]) -> str | None:
        """Return why it certifies no such set of names; None when it does, as far as is known."""
        if any(isinstance(name, IPName) for name in names) and self.ip_profile is None:
            return f"{self.title} certifies no IP addresses"
        if len(names) > self.max_names:
            most = f"{self.max_names} name{'s' if self.max_names > 1 else ''}"
            return f"{self.title} puts at most {most} in a certificate, and this site has {len(names)}"
        return None


_HOURS, _WEEK = timedelta(hours=3), timedelta(days=7)
LETSENCRYPT_LIMITS = (
    RateLimit("account", 10, _HOURS, is_waived_by_replaces=False),
    RateLimit("order", 300, _HOURS),
    RateLimit("certificate", 5, _WEEK),
    RateLimit("failed_validation", 5, timedelta(hours=1), is_waived_by_replaces=False),
)
"""letsencrypt.org/docs/rate-limits. The limit by registered domain is not among them: which domain that is,
only the Public Suffix List says."""
STAGING_LIMITS = (RateLimit("failed_validation", 200, timedelta(hours=1), is_waived_by_replaces=False),)

KNOWN_CAS = (
    KnownCA(
        "letsencrypt",
        "Let's Encrypt",
        "https://acme-v02.api.letsencrypt.org/directory",
        staging="https://acme-staging-v02.api.letsencrypt.org/directory",
        caa="letsencrypt.org",
        ip_profile="shortlived",
        limits=LETSENCRYPT_LIMITS,
    ),
    KnownCA(
        "letsencrypt-staging",
        "Let's Encrypt (staging)",
        "https://acme-staging-v02.api.letsencrypt.org/directory",
        caa="letsencrypt.org",
        ip_profile="shortlived",
        limits=STAGING_LIMITS,
        is_trusted=False,
    ),
    KnownCA(
        "google",
        "Google Trust Services",
        "https://dv.acme-v02.api.pki.goog/directory",
        staging="https://dv.acme-v02.test-api.pki.goog/directory",
        caa="pki.goog",
        needs_eab=True,
    ),
    KnownCA("zerossl", "ZeroSSL", "https://acme.zerossl.com/v2/DV90", caa="sectigo.com", needs_eab=True),
    KnownCA(
        "sslcom",
        "SSL.com",
        "https://acme.ssl.com/sslcom-dv-ecc",
        caa="ssl.com",
        needs_eab=True,
        max_names=2,
    ),
    KnownCA(
        "actalis",
        "Actalis",
        "https://acme-api.actalis.com/acme/directory",
        caa="actalis.it",
        needs_eab=True,
        max_names=1,
    ),
)
BY_NAME = {ca.name: ca for ca in KNOWN_CAS}
BY_DIRECTORY = {ca.directory: ca for ca in KNOWN_CAS}
