"""The events of `port443 serve`, as values, for the log and for readers of `App.events`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

Level = Literal["info", "warning", "error"]
CertificateEventName = Literal[
    "certificate_issued", "certificate_loaded", "certificate_refused", "certificate_warned"
]


@dataclass(frozen=True, slots=True)
class CertificateEvent:
    """Something that happened to a site's certificate."""

    name: CertificateEventName
    site: str
    detail: str

    @property
    def level(self) -> Level:
        """The level of the log line."""
        return "info" if self.name in {"certificate_issued", "certificate_loaded"} else "warning"


@dataclass(frozen=True, slots=True)
class SnapshotChanged:
    """What runs differs from the round before; `what` is one difference as a sentence."""

    name: ClassVar[str] = "changed"
    level: ClassVar[Level] = "info"
    what: str


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store was of no use to a round."""

    name: ClassVar[str] = "store_unusable"
    level: ClassVar[Level] = "error"
    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class CertificatePending:
    """A site's first certificate is on order; its names are refused until then."""

    name: ClassVar[str] = "certificate_pending"
    level: ClassVar[Level] = "info"
    site: str
    waits_for: str


@dataclass(frozen=True, slots=True)
class ChallengeUnanswered:
    """The edge cannot answer an ACME challenge with what it was given."""

    name: ClassVar[str] = "challenge_unanswered"
    level: ClassVar[Level] = "error"
    server_name: str
    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class SiteDegraded:
    """A site does not run as planned; the others do."""

    name: ClassVar[str] = "site_degraded"
    level: ClassVar[Level] = "error"
    site: str
    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class ProofRecovered:
    """A handshake matches the settings, and the one before did not."""

    name: ClassVar[str] = "served_as_issued_again"
    level: ClassVar[Level] = "info"
    site: str
    endpoint: str
    server_name: str


@dataclass(frozen=True, slots=True)
class ProofFailed:
    """A handshake does not match the settings, or failed."""

    level: ClassVar[Level] = "error"
    name: Literal["served_is_not_issued", "not_proved"]
    site: str
    endpoint: str
    server_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class SettingsReloaded:
    """The settings were read again, and run."""

    name: ClassVar[str] = "reloaded"
    level: ClassVar[Level] = "info"
    changes: int
    running: str


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """The settings were read again, and changed nothing."""

    name: ClassVar[str] = "reload_refused"
    level: ClassVar[Level] = "error"
    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class RoundFailed:
    """A round failed; what ran before still runs."""

    name: ClassVar[str] = "round_failed"
    level: ClassVar[Level] = "error"
    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class EdgeRestarted:
    """The edge had died, and runs again."""

    name: ClassVar[str] = "edge_restarted"
    level: ClassVar[Level] = "warning"
    boot: str


@dataclass(frozen=True, slots=True)
class OwnScanDiffers:
    """A scan of our own listener saw something else than the settings mean."""

    name: ClassVar[str] = "observed_is_not_intended"
    level: ClassVar[Level] = "error"
    place: str
    cause: str


@dataclass(frozen=True, slots=True)
class OwnScanDrifted:
    """A scan of our own listener saw something else than the one before, and nothing was changed."""

    name: ClassVar[str] = "observed_has_drifted"
    level: ClassVar[Level] = "warning"
    place: str
    cause: str


@dataclass(frozen=True, slots=True)
class OwnGradeFell:
    """The grade of our own listener is lower than in the scan before."""

    name: ClassVar[str] = "grade_fell"
    level: ClassVar[Level] = "warning"
    place: str
    before: str
    now: str


AppEvent = (
    CertificateEvent
    | SnapshotChanged
    | StoreFailed
    | CertificatePending
    | ChallengeUnanswered
    | SiteDegraded
    | ProofRecovered
    | ProofFailed
    | SettingsReloaded
    | ReloadRefused
    | RoundFailed
    | EdgeRestarted
    | OwnScanDiffers
    | OwnScanDrifted
    | OwnGradeFell
)
