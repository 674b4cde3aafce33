"""The facts of a server's TLS, without judgement."""

from dataclasses import dataclass, field, replace

from port443.core.probe.verdict import LEFT_OUT, YES, Verdict, no, unknown
from port443.core.wire.flight import Flight
from port443.core.wire.suites import Suite, suite
from port443.core.wire.versions import Version

NOT_LOOKED = unknown("not looked at")
NOT_ASKED = unknown(LEFT_OUT)
VERSIONS = frozenset(Version)


@dataclass(frozen=True, slots=True)
class Choice:
    """A suite that the server chose, with the key exchange that went with it."""

    code: int
    group: int | None = None
    prime_bits: int | None = None
    scheme: int | None = None
    """The scheme of a ServerKeyExchange of TLS 1.2."""

    @property
    def suite(self) -> Suite:
        return suite(self.code)

    @property
    def is_ecdhe(self) -> bool:
        """Whether its keys are made in a group that the client can choose, signed or not."""
        kind = (self.suite.key_exchange, self.suite.authentication)
        return kind[0] == "ECDHE" or kind == ("ECDH", "anon")


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One protocol version."""

    version: Version
    offered: Verdict
    choices: tuple[Choice, ...] = ()
    complete: Verdict = NOT_LOOKED
    """Whether `choices` are all that it takes; unknown when it stopped answering in between."""
    own_order: Verdict = NOT_LOOKED
    """Whether the server follows its own order, and not the client's."""

    @property
    def preferred(self) -> Suite | None:
        """What was chosen from an offer of all suites, the good ones first; None when nothing was."""
        return self.choices[0].suite if self.choices else None

    @classmethod
    def unknown(cls, version: Version, reason: str) -> "VersionFacts":
        """Return the result when nothing could be determined."""
        return cls(version, unknown(reason))


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """The groups a server exchanges keys in."""

    groups: tuple[int, ...] = ()
    complete: Verdict = NOT_LOOKED
    refused: tuple[int, ...] = ()
    """Groups that are known not to be taken, although `complete` does not say so of all."""

    def lacks(self, groups: tuple[int, ...]) -> Verdict:
        """Whether none of these is taken."""
        if set(groups) & set(self.groups):
            return no()
        return YES if set(groups) <= set(self.refused) else self.complete


NO_GROUPS = GroupFacts()


@dataclass(frozen=True, slots=True)
class ServedChain:
    """A chain that the server showed, and whether it proved that it holds the leaf's key."""

    certificates: tuple[bytes, ...]
    key_proved: bool | None
    version: Version
    staple: bytes | None = field(default=None, repr=False)


MAX_CHAINS = 64
"""More different chains than a cluster of servers has; each takes time to evaluate."""


@dataclass(slots=True)
class SeenChains:
    """Every chain of any handshake of a scan, once."""

    more: bool = False
    """Whether there were more than `MAX_CHAINS`."""
    _found: dict[tuple[bytes, ...], ServedChain] = field(default_factory=dict)

    def add(self, flight: Flight) -> None:
        """Note a flight's chain; a handshake that shows more of its key counts more, a wrong one most."""
        chain = tuple(entry.der for entry in flight.chain)
        if not chain or flight.hello is None or flight.hello.version not in VERSIONS:
            return
        known = self._found.get(chain)
        if known is None and len(self._found) == MAX_CHAINS:
            self.more = True
        elif known is None or known.key_proved is None or flight.key_proved is False:
            version, staple = (
                Version(flight.hello.version),
                flight.staple or (None if known is None else known.staple),
            )
            self._found[chain] = ServedChain(chain, flight.key_proved, version, staple)
        elif known.staple is None and flight.staple is not None:
            self._found[chain] = replace(known, staple=flight.staple)  # not every hello requests one

    @property
    def chains(self) -> tuple[ServedChain, ...]:
        """The chains, those of the newest version first."""
        return tuple(sorted(self._found.values(), key=lambda served: -served.version))


@dataclass(frozen=True, slots=True)
class ApplicationProtocol:
    """A protocol of ALPN, and whether the server takes it."""

    name: str
    taken: Verdict


TRAITS = (
    "browser_hello", "browser_hello_split", "certificate_compression", "fallback_scsv", "name_required",
    "downgrade_sentinel", "extended_master_secret", "session_ticket", "key_reuse", "negotiation",
    "client_renegotiation", "ticket_resumption", "ticket_lifetime", "id_resumption", "psk_resumption",
    "psk_lifetime", "ticket_key", "early_data", "early_data_taken", "early_data_post", "http2", "sessions",
    "tls_1_3_drafts", "version_tolerance", "chacha_priority", "encrypt_then_mac", "npn", "extensions",
    "dh_prime",
)  # fmt: skip
"""The id of each trait; none is ever used for anything else."""


@dataclass(frozen=True, slots=True)
class Trait:
    """How a server negotiates, in one respect."""

    id: str
    title: str
    verdict: Verdict
    proof: bytes = b""
    """The first bytes that the server answered with, where an answer decides."""


@dataclass(frozen=True, slots=True)
class SchemeFacts:
    """The signature schemes of handshakes in the newest version, in the order in which they were chosen."""

    version: Version | None = None
    schemes: tuple[int, ...] = ()
    complete: Verdict = NOT_LOOKED


NO_SCHEMES = SchemeFacts()


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """All that the probes have found."""

    versions: tuple[VersionFacts, ...]
    groups_13: GroupFacts = NO_GROUPS
    groups_12: GroupFacts = NO_GROUPS
    chains: tuple[ServedChain, ...] = ()
    more_chains: bool = False
    """Whether chains were seen beyond those."""
    unseen: str = ""
    """Why no certificate was seen in a version, where none was."""
    compression: Verdict = NOT_LOOKED
    """Whether the server compresses what it encrypts (CRIME)."""
    secure_renegotiation: Verdict = NOT_LOOKED
    """Whether a renegotiation would be bound to its connection (RFC 5746)."""
    insecure_renegotiation: Verdict = NOT_LOOKED
    """Whether a renegotiation that is not bound to its connection really works."""
    alpn: str | None = None
    """The server's choice when h2 was offered before http/1.1."""
    application_protocols: tuple[ApplicationProtocol, ...] = ()
    wants_client_certificate: bool = False
    client_authorities: tuple[bytes, ...] = ()
    """The names in DER of the CAs from which it accepts client certificates."""
    schemes: SchemeFacts = NO_SCHEMES
    traits: tuple[Trait, ...] = ()

    def version(self, version: Version) -> VersionFacts:
        """Return the facts of one version."""
        found = (facts for facts in self.versions if facts.version is version)
        return next(found, VersionFacts(version, NOT_LOOKED))

    @property
    def offered(self) -> tuple[Version, ...]:
        """The versions that the server certainly supports."""
        return tuple(facts.version for facts in self.versions if facts.offered.is_yes)

    @property
    def groups(self) -> tuple[int, ...]:
        """Every group seen, once: looked for on its own, or chosen along with a suite."""
        chosen = (choice.group for facts in self.versions for choice in facts.choices)
        seen = (*self.groups_13.groups, *self.groups_12.groups, *chosen)
        return tuple(dict.fromkeys(group for group in seen if group is not None))

    @property
    def unknown_versions(self) -> tuple[VersionFacts, ...]:
        return tuple(facts for facts in self.versions if facts.offered.is_unknown)

    @property
    def incomplete_versions(self) -> tuple[VersionFacts, ...]:
        """Versions that may take suites beyond those found."""
        return tuple(
            f for f in self.versions if f.offered.is_unknown or (f.offered.is_yes and f.complete.is_unknown)
        )


def choice_of(flight: Flight) -> Choice:
    """Read the choice out of a flight that has a ServerHello or a retry."""
    chosen = flight.chosen
    code = 0 if chosen is None else chosen.suite
    signed = flight.signed
    if signed is None:
        return Choice(code, flight.group)
    return Choice(code, flight.group, signed.prime_bits, signed.scheme)
