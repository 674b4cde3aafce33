"""The input of all rules: a scan's facts, complete and dated."""

from dataclasses import dataclass
from datetime import date, datetime

from port443.core.grade.hsts import WebFacts
from port443.core.names import SiteName
from port443.core.probe.facts import ServedChain, ServerFacts, Trait
from port443.core.wire.suites import Suite
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainVerdict
from port443.core.x509.facts import CertFacts
from port443.core.x509.ocsp import Answer, Revocation


@dataclass(frozen=True, slots=True)
class JudgedChain:
    """A chain as served, and its evaluation by a client with the chosen roots."""

    served: ServedChain
    verdict: ChainVerdict
    staple: Answer | None = None
    """What the stapled response says; None without one."""
    asked: Answer | str | None = None
    """What its CA says of the leaf, or why it says nothing; None when nobody asked."""

    @property
    def revocation(self) -> Answer | None:
        """What is known of the leaf, the worst first."""
        known = [one for one in (self.staple, self.asked) if isinstance(one, Answer)]
        revoked = next((one for one in known if one.state is Revocation.REVOKED), None)
        return revoked or next(iter(reversed(known)), None)

    @property
    def leaf(self) -> CertFacts:
        return self.verdict.sent[0]


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """One server, scanned under one name, at one time."""

    name: SiteName
    port: int
    now: datetime
    server: ServerFacts
    chains: tuple[JudgedChain, ...]
    unreadable_chain: str | None
    """Why a chain that was sent is not evaluated, such as a certificate that cannot be read."""
    web: WebFacts
    roots_are_public: bool
    """Whether the roots are the system's store; else a file that the user gave."""
    rules_as_of: date | None = None
    """The day for which the rules are evaluated, if it is not that of `now`."""

    @property
    def no_chain(self) -> str:
        """That no certificate was seen, and why, for when there is none."""
        return ": ".join(filter(None, ("no certificate was seen", self.server.unseen)))

    def trait(self, name: str) -> Trait | None:
        """Return how the server negotiates in one respect, where that was looked at."""
        return next((one for one in self.server.traits if one.id == name), None)

    @property
    def suites(self) -> tuple[tuple[Version, Suite], ...]:
        """Every suite found, with its version."""
        return tuple(
            (facts.version, choice.suite) for facts in self.server.versions for choice in facts.choices
        )
