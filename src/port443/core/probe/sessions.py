"""What becomes of whole handshakes: resumption, tickets, early data, renegotiation and HTTP/2."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from port443.core.probe.confirm import ControlProbe, attempt
from port443.core.probe.facts import NOT_LOOKED, Trait
from port443.core.probe.hellos import HANDSHAKE_GROUPS_12, Offer
from port443.core.probe.http2 import PREFACE, settings_of
from port443.core.probe.legacy import PLAIN_LIST, LegacySurvey
from port443.core.probe.modern import ModernSurvey
from port443.core.probe.query import Accepted, Probe, SessionQuery, describe
from port443.core.probe.verdict import YES, Standing, Verdict, no, unknown
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.schedule import SUITES_13
from port443.core.wire.schedule_12 import is_endable
from port443.core.wire.session import KEY_NAME, Session
from port443.core.wire.versions import Version

TRIES = 2
TOO_EARLY = b"425"
RENEGOTIATION = "clients may renegotiate"
BY_TICKET, BY_ID = "sessions are resumed by ticket up to TLS 1.2", "sessions are resumed by id"
BY_PSK = "sessions are resumed in TLS 1.3"


@dataclass(frozen=True, slots=True)
class Requests:
    """What is said over HTTP/1.1 to the server that is asked."""

    get: bytes
    post: bytes
    """Something that must not be done twice, to a place where nothing is."""


_Begun: TypeAlias = tuple[SessionQuery, Flight | str, Session | None]
"""A query for whole handshakes up to TLS 1.2, what came of the first, and its session."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """All that this survey finds."""

    traits: tuple[Trait, ...] = ()
    insecure_renegotiation: Verdict = NOT_LOOKED
    tickets: tuple[bytes, ...] = field(default=(), repr=False)
    older: _Begun | None = field(default=None, repr=False)
    """What `finish_sessions` goes on with."""

    @classmethod
    def unknown(cls, reason: str) -> "SessionFacts":
        """Say that nothing could be found out."""
        return cls((Trait("sessions", "whole handshakes", unknown(reason)),), unknown(reason))


@dataclass(slots=True)
class _Found:
    """Traits as they are found, and the tickets of different connections."""

    traits: list[Trait] = field(default_factory=list)
    tickets: list[bytes] = field(default_factory=list)

    def add(self, name: str, title: str, verdict: Verdict, flight: Flight | str = "") -> None:
        proof = flight.began if isinstance(flight, Flight) else b""
        self.traits.append(Trait(name, title, verdict, proof))

    def keep(self, flight: Flight | str) -> Session | None:
        """Note a ticket of a connection; return the session."""
        session = next(iter(flight.sessions), None) if isinstance(flight, Flight) else None
        if session is not None and session.ticket:
            self.tickets.append(session.ticket)
        return session


def survey_sessions(
    modern: ModernSurvey, legacy: LegacySurvey | None, requests: Requests, control: ControlProbe
) -> Probe[SessionFacts]:
    """Bring handshakes of the newest older version, and of TLS 1.3, to their ends and go on from there."""
    found, older, insecure = _Found(), None, NOT_LOOKED
    if legacy is not None and legacy.base is not None and legacy.facts.version > Version.SSL_3:
        older = yield from _older(legacy, legacy.base, found, control)
        insecure = found.traits[-1].verdict if older is None else NOT_LOOKED
    is_modern = modern.facts.offered.is_yes
    if not is_modern and legacy is not None and legacy.base is not None:
        yield from _old_http2(legacy, legacy.base, found, control)
    if modern.flight is not None and modern.flight.chain and modern.offer is not None:
        yield from _modern(modern.offer, modern.flight, requests, found, control)
    return SessionFacts(tuple(found.traits), insecure, tuple(found.tickets), older)


def finish_sessions(facts: SessionFacts, control: ControlProbe) -> Probe[SessionFacts]:
    """Renegotiate when nothing else is asked any more: some servers of one process pause after it."""
    found, insecure = _Found(list(facts.traits), list(facts.tickets)), facts.insecure_renegotiation
    if facts.older is not None:
        insecure = yield from _renegotiated(*facts.older, found, control)
    found.traits += _ticket_key(found.tickets)
    return SessionFacts(tuple(found.traits), insecure)


def _whole(query: SessionQuery, control: ControlProbe) -> Probe[Flight | str]:
    """Return the flight of a handshake that came to its end, or why none did."""
    reason = ""
    for number in range(TRIES):
        response = yield from attempt(replace(query, number=query.number + number), control)
        if isinstance(response, Accepted) and response.flight.stage is Stage.COMPLETE:
            return response.flight
        reason = response.flight.broken_off if isinstance(response, Accepted) else describe(response)
    return reason or "the handshake did not come to its end"


def _older(legacy: LegacySurvey, base: Offer, found: _Found, control: ControlProbe) -> Probe[_Begun | None]:
    """Make a session, and resume one by its id; None where no handshake is ended here."""
    codes = tuple(choice.code for choice in legacy.facts.choices if is_endable(choice.code))[:PLAIN_LIST]
    if not codes:
        why = unknown(f"no suite of {legacy.facts.version.label} with which a handshake is ended here")
        found.add("client_renegotiation", RENEGOTIATION, why)
        return None
    query = SessionQuery(replace(base, suites=codes, groups=base.groups or HANDSHAKE_GROUPS_12, alpn=()))
    first = yield from _whole(query, control)
    session = found.keep(first)
    yield from _by_id(query, first, session, found, control)
    return query, first, session


def _renegotiated(
    query: SessionQuery, first: Flight | str, session: Session | None, found: _Found, control: ControlProbe
) -> Probe[Verdict]:
    """Resume by ticket, and renegotiate over that; return whether that works without being bound."""
    again = yield from _by_ticket(query, first, session, found, control)
    renegotiated = _renegotiation(again)
    found.add("client_renegotiation", RENEGOTIATION, renegotiated, again)
    if renegotiated.is_unknown:
        return renegotiated
    return (yield from _insecure(query, renegotiated, first, control))


def _is_secured(flight: Flight | str) -> bool:
    hello = flight.hello if isinstance(flight, Flight) else None
    return hello is not None and hello.extension(ExtensionType.RENEGOTIATION_INFO) is not None


def _by_ticket(
    query: SessionQuery, first: Flight | str, session: Session | None, found: _Found, control: ControlProbe
) -> Probe[Flight | str]:
    """Resume what the first handshake gave, and renegotiate over that."""
    again = replace(query, renegotiates=True, is_bound=_is_secured(first))
    if isinstance(first, str):
        found.add("ticket_resumption", BY_TICKET, unknown(first))
        return first
    if session is None:
        found.add("ticket_resumption", BY_TICKET, no("neither a ticket nor a session id is given"), first)
        return (yield from _whole(again, control))
    verdict, flight = yield from _resumed(replace(again, session=session), control)
    if session.ticket:
        found.add("ticket_resumption", BY_TICKET, verdict, flight)
        found.add("ticket_lifetime", "the lifetime of tickets up to TLS 1.2", _lifetime(session), first)
    else:
        found.add("ticket_resumption", BY_TICKET, no("no ticket is given"), first)
        found.add("id_resumption", BY_ID, verdict, flight)
    return flight


def _by_id(
    query: SessionQuery, first: Flight | str, session: Session | None, found: _Found, control: ControlProbe
) -> Probe[None]:
    """Resume a session by its id, where the first one was of a ticket."""
    if isinstance(first, str) or session is None or not session.ticket:
        return
    query = replace(query, wants_ticket=False)
    one = yield from _whole(query, control)
    known = found.keep(one)
    if isinstance(one, str) or known is None:
        verdict = unknown(one) if isinstance(one, str) else no("no session id is given")
        found.add("id_resumption", BY_ID, verdict, one)
        return
    found.add("id_resumption", BY_ID, *(yield from _resumed(replace(query, session=known), control)))


def _resumed(query: SessionQuery, control: ControlProbe) -> Probe[tuple[Verdict, Flight | str]]:
    """Offer to resume; twice, as one of several servers may not know the session."""
    flight: Flight | str = ""
    for number in range(TRIES):
        flight = yield from _whole(replace(query, number=TRIES * number), control)
        if isinstance(flight, str):
            return unknown(flight), flight
        if flight.is_resumed:
            return YES, flight
    return no(f"{TRIES} times the server began a new session"), flight


def _lifetime(session: Session) -> Verdict:
    told = Verdict(Standing.YES, f"{session.lifetime_s} s")
    return told if session.lifetime_s else no("the server leaves it to the client")


def _renegotiation(flight: Flight | str) -> Verdict:
    if isinstance(flight, str):
        return unknown(flight)
    if flight.renegotiated is None:
        return unknown("the server says nothing to a second handshake")
    return (
        Verdict(Standing.YES, "a second ServerHello came")
        if flight.renegotiated
        else no(flight.refused_again)
    )


def _insecure(
    query: SessionQuery, renegotiated: Verdict, first: Flight | str, control: ControlProbe
) -> Probe[Verdict]:
    """Judge whether a renegotiation that is bound to nothing works; it has to work once more."""
    if renegotiated.is_no:
        return no(f"no renegotiation is taken: {renegotiated.reason}")
    offer = replace(query.offer, unsecured=_is_secured(first))
    bare = replace(query, offer=offer, renegotiates=True, is_bound=False, number=TRIES)
    verdict = _renegotiation((yield from _whole(bare, control)))
    if verdict.is_yes:
        return Verdict(Standing.YES, "the server took a second handshake that was bound to nothing")
    return verdict


def _modern(
    offer: Offer, seen: Flight, requests: Requests, found: _Found, control: ControlProbe
) -> Probe[None]:
    """Speak over TLS 1.3, resume it, and send early data where that is offered."""
    groups = () if seen.group is None else (seen.group,)
    offer = replace(offer, suites=tuple(SUITES_13), groups=groups, share_groups=groups)
    query = SessionQuery(offer, says=PREFACE if seen.alpn == "h2" else requests.get)
    first = yield from _whole(query, control)
    session = found.keep(first)
    if seen.alpn == "h2":
        yield from _http2(query, first, found, control)
    if isinstance(first, str) or session is None:
        why = unknown(first) if isinstance(first, str) else no("no ticket came")
        found.add("psk_resumption", BY_PSK, why, first)
        return
    verdict, again = yield from _resumed(replace(query, session=session), control)
    found.keep(again)
    found.add("psk_resumption", BY_PSK, verdict, again)
    found.add("psk_lifetime", "the lifetime of tickets of TLS 1.3", _lifetime(session), first)
    yield from _early_data(query, first, requests, found, control)


def _http2(query: SessionQuery, first: Flight | str, found: _Found, control: ControlProbe) -> Probe[None]:
    """Read the SETTINGS that a server of HTTP/2 begins with (RFC 9113 §3.4); twice, if none come."""
    flight = first
    if not _has_settings(flight):
        flight = yield from _whole(replace(query, number=TRIES), control)
    if isinstance(flight, str):
        verdict = unknown(flight)
    elif (settings := settings_of(flight.heard)) is not None:
        verdict = Verdict(Standing.YES, ", ".join(f"{name}={value}" for name, value in settings))
    elif not flight.heard:
        verdict = no("h2 is chosen, and no SETTINGS come")
    else:
        verdict = no(f"h2 is chosen, and what comes are no SETTINGS: {flight.heard[:16].hex()}")
    found.add("http2", "HTTP/2 works", verdict, flight)


def _old_http2(legacy: LegacySurvey, base: Offer, found: _Found, control: ControlProbe) -> Probe[None]:
    """Speak HTTP/2 over TLS 1.2, where that is the newest version."""
    codes = tuple(choice.code for choice in legacy.facts.choices if is_endable(choice.code))[:PLAIN_LIST]
    if not codes or base.bare or legacy.facts.version < Version.TLS_1_2:
        return
    groups = base.groups or HANDSHAKE_GROUPS_12
    offer = replace(base, suites=codes, groups=groups, alpn=("h2", "http/1.1"))
    query = SessionQuery(offer, says=PREFACE)
    first = yield from _whole(query, control)
    if isinstance(first, Flight) and first.alpn == "h2":
        yield from _http2(query, first, found, control)


def _has_settings(flight: Flight | str) -> bool:
    return isinstance(flight, Flight) and settings_of(flight.heard) is not None


def _early_data(
    query: SessionQuery, first: Flight, requests: Requests, found: _Found, control: ControlProbe
) -> Probe[None]:
    """Send a POST as early data, which a server has to refuse or to hold back (RFC 8470 §3)."""
    most = max((one.max_early_data for one in first.sessions), default=0)
    offered = Verdict(Standing.YES, f"up to {most} bytes") if most else no("tickets allow none")
    found.add("early_data", "early data (0-RTT) is offered", offered, first)
    if not most:
        return
    # Early data is of the protocol that the session was of (RFC 8446 §4.2.10): HTTP/1.1.
    plain = replace(query, offer=replace(query.offer, alpn=("http/1.1",) if query.offer.alpn else ()))
    one = yield from _whole(replace(plain, says=requests.get, number=2 * TRIES), control)
    sessions = one.sessions if isinstance(one, Flight) else []
    session = next((each for each in sessions if each.max_early_data), None)
    if session is None:
        why = one if isinstance(one, str) else "no such ticket came with HTTP/1.1"
        found.add("early_data_taken", "early data is taken", unknown(why))
        return
    flight = yield from _whole(replace(plain, says=b"", session=session, early=requests.post), control)
    if isinstance(flight, str):
        found.add("early_data_taken", "early data is taken", unknown(flight))
        return
    taken = YES if flight.took_early else no("it is offered, and refused when it comes")
    found.add("early_data_taken", "early data is taken", taken, flight)
    if flight.took_early:
        found.add("early_data_post", "a POST in early data is answered", _post(flight), flight)


def _post(flight: Flight) -> Verdict:
    said = flight.heard_early or flight.heard
    status = said[9:12]
    if not said.startswith(b"HTTP/1."):
        return unknown("no HTTP answer came")
    if status == TOO_EARLY:
        return no("the server answers 425 (Too Early)")
    if not flight.heard_early:
        return no(f"it is answered ({status.decode('latin-1')}) after the handshake only")
    return Verdict(Standing.YES, f"it is answered ({status.decode('latin-1')}) before the handshake is whole")


def _ticket_key(tickets: list[bytes]) -> Iterator[Trait]:
    """Read what tickets of several connections begin with alike: the name of their key (RFC 5077 §4)."""
    names = {ticket[:KEY_NAME] for ticket in tickets}
    if len(tickets) < TRIES or min(map(len, tickets)) <= KEY_NAME:
        return
    verdict = no("tickets have no beginning in common")
    if len(names) == 1:
        verdict = Verdict(Standing.YES, next(iter(names)).hex())
    yield Trait("ticket_key", "tickets name their key", verdict)
