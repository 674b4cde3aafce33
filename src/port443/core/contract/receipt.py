"""The edge's answer to an apply: what runs, what does not, and why."""

from dataclasses import dataclass, field

from port443.core.contract.reasons import ListenerState, QuarantineCode
from port443.core.contract.snapshot import Hash


@dataclass(frozen=True, slots=True)
class SiteRunning:
    """The site runs as in the snapshot."""


@dataclass(frozen=True, slots=True)
class SitePending:
    """The site has no certificate yet: its names are refused, its challenges answered."""


@dataclass(frozen=True, slots=True)
class SiteQuarantined:
    """The site could not be taken over; the others run."""

    code: QuarantineCode
    path: str
    """Where the fault lies, as seen from the site: `certificates[0].key`."""
    message: str
    serves: Hash | None
    """The last good version, which is still served; without one the site's names are refused."""


SiteState = SiteRunning | SitePending | SiteQuarantined


@dataclass(frozen=True, slots=True)
class ChallengeRefused:
    """The edge cannot answer a challenge with what it was given."""

    code: QuarantineCode
    path: str
    """Where the fault lies, as seen from the challenge: `certificate.key`."""
    message: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an apply."""

    root: Hash
    """The snapshot that runs now."""
    sites: dict[str, SiteState]
    listeners: dict[str, ListenerState]
    refused_challenges: dict[str, ChallengeRefused] = field(default_factory=dict)
    """Those of tls-alpn-01, by the name in the hello."""

    @property
    def quarantined(self) -> dict[str, SiteQuarantined]:
        """The sites that do not run as planned."""
        return {id_: state for id_, state in self.sites.items() if isinstance(state, SiteQuarantined)}

    @property
    def is_whole(self) -> bool:
        """Whether everything runs as planned."""
        return all(isinstance(state, SiteRunning) for state in self.sites.values()) and all(
            state is ListenerState.LISTENING for state in self.listeners.values()
        )
