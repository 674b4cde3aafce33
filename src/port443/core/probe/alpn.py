"""Find which application protocols a server takes (RFC 7301): each is offered alone."""

from dataclasses import replace
from typing import assert_never

from port443.core.probe.confirm import ControlProbe, Inconclusive, Outcome, Refused, confirm
from port443.core.probe.facts import ApplicationProtocol
from port443.core.probe.hellos import Offer
from port443.core.probe.query import Accepted, AcceptedSSL2, Probe, TLSQuery
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.flight import Flight, Stage

PROTOCOLS = ("h2", "http/1.1")
NONE_OF_THESE = "no_application_protocol"


def survey_alpn(
    base: Offer, full: Flight | None, control: ControlProbe
) -> Probe[tuple[ApplicationProtocol, ...]]:
    """Probe with the hello of `base`; `full` has already answered for both protocols, if present."""
    found = []
    for name in PROTOCOLS:
        verdict = _told_already(full, name)
        if verdict is None:
            outcome = yield from confirm(TLSQuery(replace(base, alpn=(name,))), control)
            verdict = _verdict(outcome, name)
        found.append(ApplicationProtocol(name, verdict))
    return tuple(found)


def unknown_alpn(reason: str) -> tuple[ApplicationProtocol, ...]:
    """Return the result when nothing could be determined."""
    return tuple(ApplicationProtocol(name, unknown(reason)) for name in PROTOCOLS)


def _told_already(full: Flight | None, name: str) -> Verdict | None:
    """Return what the first handshake has shown: the one protocol that was chosen, or that none ever is."""
    if full is None or full.stage is not Stage.COMPLETE:
        return None
    if full.alpn is None:
        return no("the server answers no ALPN")
    return YES if full.alpn == name else None


def _verdict(outcome: Outcome, name: str) -> Verdict:
    match outcome:
        case Accepted(flight) if flight.alpn == name:
            return YES
        case Accepted(flight) if flight.stage is Stage.COMPLETE:
            return no(f"the server chose {flight.alpn or 'none'}")
        case Accepted(flight) if flight.alerts and flight.alerts[-1].name == NONE_OF_THESE:
            return no(f"alert {NONE_OF_THESE}")  # after a retry
        case Accepted() | AcceptedSSL2():
            return unknown("the handshake broke off")
        case Refused(how):
            return no(how)
        case Inconclusive(reason):
            return unknown(reason)
        case kind:
            assert_never(kind)
