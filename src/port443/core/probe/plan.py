"""Which probes a scan runs, and how their findings come together."""

from dataclasses import dataclass, field, replace

from port443.core.probe.facts import (
    NOT_LOOKED,
    ApplicationProtocol,
    GroupFacts,
    SeenChains,
    ServerFacts,
    VersionFacts,
)
from port443.core.probe.hellos import Offer
from port443.core.probe.legacy import PLAIN_LIST, LegacySurvey, ecdhe_suites
from port443.core.probe.modern import ModernSurvey, handshake_query
from port443.core.probe.sessions import SessionFacts
from port443.core.probe.traits import Negotiation
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight
from port443.core.wire.groups import CURVES_12, group_name
from port443.core.wire.versions import Version

LEGACY = (Version.TLS_1_2, Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3)
CURVE_OF_KEY = {group_name(code): code for code in CURVES_12} | {"P-256": 23, "P-384": 24, "P-521": 25}


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of all probes."""

    modern: ModernSurvey
    legacy: tuple[LegacySurvey, ...]
    ssl2: VersionFacts
    curves: GroupFacts
    application_protocols: tuple[ApplicationProtocol, ...] = ()
    chains: SeenChains = field(default_factory=SeenChains)
    negotiation: Negotiation = field(default_factory=Negotiation)
    sessions: SessionFacts = field(default_factory=SessionFacts)

    @property
    def legacy_flights(self) -> tuple[Flight, ...]:
        return tuple(flight for survey in self.legacy for flight in survey.flights)


def curve_offer(survey: LegacySurvey) -> tuple[Offer, bool] | None:
    """Return the offer to look for curves with, and whether it hangs on an ECDSA certificate's own curve.

    None for a version that has no ECDHE here, or no extension to name a curve in.
    """
    suites, by_ecdsa = ecdhe_suites(survey.facts.choices)
    if not suites or survey.base is None or survey.facts.version <= Version.SSL_3:
        return None
    return replace(survey.base, suites=suites), by_ecdsa


def assemble(findings: Findings) -> ServerFacts:
    """Put the facts of all probes together."""
    flights = findings.legacy_flights
    full = findings.modern.flight
    all_flights = (*((full,) if full else ()), *flights)
    requests = [flight.request for flight in all_flights if flight.request is not None]
    return ServerFacts(
        versions=tuple(
            findings.negotiation.with_order(facts)
            for facts in (findings.modern.facts, *(one.facts for one in findings.legacy), findings.ssl2)
        ),
        groups_13=findings.modern.groups,
        groups_12=_with_seen(findings.curves, findings.legacy),
        chains=findings.chains.chains,
        more_chains=findings.chains.more,
        compression=_compression(findings.legacy),
        secure_renegotiation=_renegotiation(flights),
        unseen=_unseen(findings),
        alpn=_preferred(findings.modern, findings.application_protocols),
        application_protocols=findings.application_protocols,
        wants_client_certificate=bool(requests),
        client_authorities=tuple(dict.fromkeys(name for one in requests for name in one.authorities)),
        schemes=findings.negotiation.schemes,
        insecure_renegotiation=findings.sessions.insecure_renegotiation,
        traits=(*findings.negotiation.traits, *findings.sessions.traits),
    )


def alpn_offer(modern: ModernSurvey, legacy: tuple[LegacySurvey, ...]) -> Offer | None:
    """Return the offer to find application protocols with: of the newest version; None without any."""
    if modern.facts.offered.is_yes:
        return modern.offer or handshake_query().offer
    offered = [survey for survey in legacy if survey.facts.offered.is_yes]
    newest = max(offered, key=lambda survey: survey.facts.version, default=None)
    if newest is None or newest.base is None or newest.facts.version == Version.SSL_3 or newest.base.bare:
        return None
    return replace(newest.base, suites=tuple(choice.code for choice in newest.facts.choices)[:PLAIN_LIST])


def _with_seen(curves: GroupFacts, surveys: tuple[LegacySurvey, ...]) -> GroupFacts:
    """Add the groups that suites were keyed in; a search that has missed one has not seen all."""
    keyed = [choice for survey in surveys for choice in survey.facts.choices if choice.is_ecdhe]
    seen = dict.fromkeys(choice.group for choice in keyed if choice.group is not None)
    missed = tuple(group for group in seen if group not in curves.groups)
    if not keyed or (curves.groups and not missed):
        return curves
    is_told = curves.complete.is_unknown and curves.complete != NOT_LOOKED
    complete = curves.complete if is_told else unknown("the search for groups missed one that suites use")
    return GroupFacts((*curves.groups, *missed), complete)


def _preferred(modern: ModernSurvey, found: tuple[ApplicationProtocol, ...]) -> str | None:
    """Return the choice for a client that offers all; h2 comes first there."""
    if modern.flight is not None and modern.offer is not None and modern.offer.alpn:
        return modern.flight.alpn
    return next((protocol.name for protocol in found if protocol.taken.is_yes), None)


def _unseen(findings: Findings) -> str:
    """Return why a handshake showed no certificate; empty when each did."""
    bare = (one.broken_off or "the server sent none" for one in findings.legacy_flights if not one.chain)
    return findings.modern.unseen or next(bare, "")


def _compression(surveys: tuple[LegacySurvey, ...]) -> Verdict:
    """Conclude from the first flights, which offered DEFLATE; TLS 1.3 has no compression."""
    first = [survey.flights[0].hello for survey in surveys if survey.flights]
    if any(hello is not None and hello.compression for hello in first):
        return YES
    return _over_all(surveys, "no version that was answered compresses")


def _renegotiation(flights: tuple[Flight, ...]) -> Verdict:
    """Conclude from all flights up to TLS 1.2; TLS 1.3 has no renegotiation."""
    hellos = [flight.hello for flight in flights if flight.hello is not None]
    if not hellos:
        return NOT_LOOKED
    missing = [hello for hello in hellos if hello.extension(ExtensionType.RENEGOTIATION_INFO) is None]
    return no("renegotiation_info is not answered") if missing else YES


def _over_all(surveys: tuple[LegacySurvey, ...], reason: str) -> Verdict:
    doubt = next((survey.facts.offered for survey in surveys if survey.facts.offered.is_unknown), None)
    return no(reason) if doubt is None else doubt
