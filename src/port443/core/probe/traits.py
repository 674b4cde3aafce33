"""How a server negotiates: whose order counts, what it tolerates, what it proves and what it reuses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from port443.core.probe.confirm import ControlProbe, Outcome, Refused, absence_of, attempt, confirm
from port443.core.probe.facts import NO_SCHEMES, SchemeFacts, Trait, VersionFacts
from port443.core.probe.hellos import Offer, browser_offer
from port443.core.probe.legacy import PLAIN_LIST, LegacySurvey
from port443.core.probe.modern import ModernSurvey
from port443.core.probe.query import Accepted, AlertReceived, Probe, TLSQuery, describe
from port443.core.probe.read_traits import read_traits
from port443.core.probe.verdict import YES, Standing, Verdict, no, unknown
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight
from port443.core.wire.groups import GROUPS_13, SCHEMES_12, SCHEMES_13, group_name
from port443.core.wire.messages import COMPRESSIONS
from port443.core.wire.suites import suite
from port443.core.wire.versions import Version, version_label

FALLBACK_SCSV = 0x5600  # RFC 7507 §2
DRAFT = 0x7F
FALLBACK = "a fallback is refused"
REFUSED_FALLBACK = "inappropriate_fallback"
SENTINEL = b"DOWNGRD"
"""The last bytes of a random before the one that encodes the version (RFC 8446 §4.1.3)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The results of other probes that this one builds on."""

    modern: ModernSurvey
    legacy: tuple[LegacySurvey, ...]
    is_named: bool
    """Whether the scan sends a host name."""

    @property
    def offered(self) -> tuple[Version, ...]:
        """The versions that are offered, the newest first."""
        facts = (self.modern.facts, *(one.facts for one in self.legacy))
        return tuple(one.version for one in facts if one.offered.is_yes)

    @property
    def newest_legacy(self) -> LegacySurvey | None:
        found = (one for one in self.legacy if one.facts.offered.is_yes and one.base is not None)
        return next(found, None)

    @property
    def newest_offer(self) -> Offer | None:
        """A hello of the newest version that is known to be taken."""
        if self.modern.flight is not None and self.modern.flight.chain:
            return self.modern.offer
        return None if self.newest_legacy is None else offer_of(self.newest_legacy)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """All that this survey finds."""

    traits: tuple[Trait, ...] = ()
    own_order: tuple[tuple[Version, Verdict], ...] = ()
    schemes: SchemeFacts = NO_SCHEMES

    @classmethod
    def unknown(cls, reason: str) -> "Negotiation":
        """Return the result when nothing could be determined."""
        return cls((Trait("negotiation", "how the server negotiates", unknown(reason)),))

    def with_order(self, facts: VersionFacts) -> VersionFacts:
        """Return the facts of a version with whose order counts there."""
        verdict = next((one for version, one in self.own_order if version is facts.version), None)
        return facts if verdict is None else replace(facts, own_order=verdict)


def offer_of(survey: LegacySurvey) -> Offer | None:
    """Return an offer with suites that the server takes, in the shape that it takes."""
    codes = tuple(choice.code for choice in survey.facts.choices)[:PLAIN_LIST]
    return None if survey.base is None else replace(survey.base, suites=codes)


def survey_traits(seen: Seen, control: ControlProbe) -> Probe[Negotiation]:
    """Probe how the server negotiates; what earlier flights show costs no connection."""
    if not seen.offered:
        return Negotiation()
    orders = yield from _orders(seen, control)
    browser, flight = yield from _browsers(control)
    fallback = yield from _fallback(seen, control)
    unnamed = yield from _unnamed(seen, control)
    schemes = yield from _schemes(seen, control)
    found = (
        *browser,
        _compression(flight),
        fallback,
        unnamed,
        _sentinel(seen),
        *_extensions(seen),
        _reuse(seen),
        *read_traits(seen.modern, seen.legacy),
        (yield from _drafts(seen, control)),
        (yield from _newer(seen, control)),
        (yield from _chacha(seen, orders, control)),
    )
    return Negotiation(tuple(one for one in found if one is not None), orders, schemes)


def _trait(name: str, title: str, outcome: Outcome, verdict: Verdict) -> Trait:
    proof = outcome.flight.began if isinstance(outcome, Accepted) else b""
    return Trait(name, title, verdict, proof)


def _orders(seen: Seen, control: ControlProbe) -> Probe[tuple[tuple[Version, Verdict], ...]]:
    """Offer the suites of each version the other way round."""
    shape = Offer(Version.TLS_1_3, (), GROUPS_13) if seen.modern.groups.groups else None
    surveys = [(seen.modern.facts, shape), *((one.facts, one.base) for one in seen.legacy)]
    found = []
    for facts, base in surveys:
        if facts.offered.is_yes and base is not None and len(facts.choices) > 1:
            found.append((facts.version, (yield from _order(facts, base, control))))
    return tuple(found)


def _order(facts: VersionFacts, base: Offer, control: ControlProbe) -> Probe[Verdict]:
    """Compare what is chosen from the same suites in opposite orders.

    Some servers prefer ChaCha20 when the client does, whatever their order; it is left out if possible.
    """
    codes = [choice.code for choice in facts.choices]
    others = [code for code in codes if "CHACHA20" not in suite(code).name]
    codes = others if len(others) > 1 else codes
    # What was chosen from all suites would be chosen from these as well: it is among them, or left out.
    first: int | None = codes[0]
    if codes[0] != facts.choices[0].code:
        outcome = yield from confirm(TLSQuery(replace(base, suites=tuple(codes))), control)
        first = _suite_in(outcome, facts)
    back = yield from confirm(TLSQuery(replace(base, suites=tuple(reversed(codes)))), control)
    last = _suite_in(back, facts)
    if first is None or last is None:
        return unknown(absence_of(back).reason or "a hello with the suites found is not taken")
    if first == last:
        return Verdict(Standing.YES, f"{suite(first).name} is chosen at any position")
    return no("the client's first is chosen")


def _suite_in(outcome: Outcome, facts: VersionFacts) -> int | None:
    is_taken = isinstance(outcome, Accepted) and outcome.version == facts.version
    return outcome.suite if is_taken and isinstance(outcome, Accepted) else None


def _browsers(control: ControlProbe) -> Probe[tuple[tuple[Trait, ...], Flight | None]]:
    """Send a hello as browsers do, in two packets; in one as well where that is not taken."""
    split, flight = yield from _browser(control, is_split=True)
    if split.verdict.is_yes:
        return (replace(split, id="browser_hello", title=BROWSER_HELLO), split), flight
    whole, flight = yield from _browser(control, is_split=False)
    return (whole, split), flight


BROWSER_HELLO = "a hello as browsers send it"


def _browser(control: ControlProbe, *, is_split: bool) -> Probe[tuple[Trait, Flight | None]]:
    """Send it with values that mean nothing, and so large that it takes two packets."""
    outcome = yield from confirm(TLSQuery(replace(browser_offer(), split=is_split)), control)
    name, title = "browser_hello", BROWSER_HELLO
    if is_split:
        name, title = "browser_hello_split", "the same in two packets"
    if not isinstance(outcome, Accepted):
        return _trait(name, title, outcome, absence_of(outcome)), None
    group = "" if outcome.flight.group is None else f", {group_name(outcome.flight.group)}"
    words = f"{version_label(outcome.version)}, {suite(outcome.suite).name}{group}"
    return _trait(name, title, outcome, Verdict(Standing.YES, words)), outcome.flight


def _compression(flight: Flight | None) -> Trait | None:
    """Return whether the certificates are compressed for a client that supports it (RFC 8879)."""
    if flight is None or flight.hello is None or flight.hello.version != Version.TLS_1_3:
        return None
    if flight.compression is not None:
        verdict = Verdict(Standing.YES, COMPRESSIONS[flight.compression])
    elif flight.chain:
        verdict = no("the certificates are not compressed")
    else:
        verdict = unknown(flight.broken_off or "no certificate came")
    return Trait("certificate_compression", "certificates are compressed", verdict, flight.began)


def _fallback(seen: Seen, control: ControlProbe) -> Probe[Trait | None]:
    """Send TLS_FALLBACK_SCSV in an older version (RFC 7507); with one version there is none."""
    if len(seen.offered) < 2:
        return None
    survey = next(one for one in seen.legacy if one.facts.version is seen.offered[1])
    offer = offer_of(survey)
    if offer is None:
        return None
    query = TLSQuery(replace(offer, suites=(*offer.suites, FALLBACK_SCSV)))
    first = yield from attempt(query, control)
    if isinstance(first, AlertReceived) and first.alert.name == REFUSED_FALLBACK:
        # No rate limit and no lost packet says this.
        return Trait("fallback_scsv", FALLBACK, Verdict(Standing.YES, describe(first)))
    outcome = yield from confirm(query, control)
    verdict = absence_of(outcome)
    if isinstance(outcome, Accepted):
        verdict = no(f"{survey.facts.version.label} is accepted although the client signals a fallback")
    elif isinstance(outcome, Refused):
        is_meant = REFUSED_FALLBACK in outcome.how
        verdict = Verdict(Standing.YES, outcome.how) if is_meant else unknown(outcome.how)
    return _trait("fallback_scsv", FALLBACK, outcome, verdict)


def _drafts(seen: Seen, control: ControlProbe) -> Probe[Trait | None]:
    """Offer the drafts of TLS 1.3 beside TLS 1.2: who has none of them takes that."""
    survey = seen.newest_legacy
    offer = None if survey is None else offer_of(survey)
    if offer is None or offer.bare or offer.version is not Version.TLS_1_2:
        return None
    outcome = yield from confirm(TLSQuery(replace(offer, drafts=True)), control)
    verdict = absence_of(outcome)
    if isinstance(outcome, Accepted) and outcome.version >> 8 == DRAFT:
        verdict = Verdict(Standing.YES, f"draft {outcome.version & 0xFF}")
    return _trait("tls_1_3_drafts", "drafts of TLS 1.3 are spoken", outcome, verdict)


def _newer(seen: Seen, control: ControlProbe) -> Probe[Trait | None]:
    """Name a version that does not exist yet: the answer is the newest one there is (RFC 5246 §E.1)."""
    survey = seen.newest_legacy
    offer = None if survey is None else offer_of(survey)
    if offer is None:
        return None
    outcome = yield from confirm(TLSQuery(replace(offer, newer=True)), control)
    verdict = absence_of(outcome)
    if isinstance(outcome, Accepted):
        verdict = Verdict(Standing.YES, version_label(outcome.version))
    return _trait(
        "version_tolerance", "a version to come is answered with one that is there", outcome, verdict
    )


def _chacha(
    seen: Seen, orders: tuple[tuple[Version, Verdict], ...], control: ControlProbe
) -> Probe[Trait | None]:
    """Put ChaCha20 first: servers with an order of their own may heed clients without fast AES."""
    own = [version for version, verdict in orders if verdict.is_yes]
    surveys = [(seen.modern.facts, Offer(Version.TLS_1_3, (), GROUPS_13))]
    surveys += [(one.facts, one.base) for one in seen.legacy if one.base is not None]
    for facts, base in surveys:
        codes = [choice.code for choice in facts.choices]
        fast = [code for code in codes if "CHACHA20" in suite(code).name]
        if facts.version not in own or not fast or fast == codes or codes[0] in fast:
            continue
        others = [code for code in codes if code not in fast]
        outcome = yield from confirm(TLSQuery(replace(base, suites=(*fast, *others))), control)
        chosen = _suite_in(outcome, facts)
        verdict = (
            absence_of(outcome) if chosen is None else no(f"{suite(chosen).name} is chosen all the same")
        )
        if chosen in fast:
            verdict = Verdict(
                Standing.YES, f"{facts.version.label}: {suite(fast[0]).name} when it comes first"
            )
        title = "ChaCha20 is chosen for clients that put it first"
        return _trait("chacha_priority", title, outcome, verdict)
    return None


def _unnamed(seen: Seen, control: ControlProbe) -> Probe[Trait | None]:
    """Send no server name: some servers then refuse, or show another certificate."""
    offer = seen.newest_offer
    if not seen.is_named or offer is None:
        return None
    named = yield from confirm(TLSQuery(offer), control)
    outcome = yield from confirm(TLSQuery(replace(offer, unnamed=True)), control)
    verdict = absence_of(outcome)
    if isinstance(outcome, Refused):
        verdict = Verdict(Standing.YES, outcome.how)
    elif isinstance(outcome, Accepted):
        same = isinstance(named, Accepted) and _leaf(named.flight) == _leaf(outcome.flight)
        verdict = no(f"without one the server shows {'the same' if same else 'another'} certificate")
        if _leaf(outcome.flight) is None:
            verdict = unknown(outcome.flight.broken_off or "no certificate came")
    return _trait("name_required", "a server name is required", outcome, verdict)


def _leaf(flight: Flight) -> bytes | None:
    return flight.chain[0].der if flight.chain else None


def _schemes(seen: Seen, control: ControlProbe) -> Probe[SchemeFacts]:
    """Strike out each signature scheme that the server signs with, until it has none left."""
    offer = seen.newest_offer
    if offer is None or offer.version < Version.TLS_1_2:
        return NO_SCHEMES
    left = list(SCHEMES_13 if offer.version is Version.TLS_1_3 else SCHEMES_12)
    found: list[int] = []
    while left:
        outcome = yield from confirm(TLSQuery(replace(offer, schemes=tuple(left))), control)
        scheme = _scheme(outcome.flight) if isinstance(outcome, Accepted) else None
        if scheme not in left or scheme is None:
            return SchemeFacts(offer.version, tuple(found), _end_of_schemes(outcome, scheme))
        found.append(scheme)
        left.remove(scheme)
    return SchemeFacts(offer.version, tuple(found), YES)


def _scheme(flight: Flight) -> int | None:
    return flight.scheme if flight.signed is None else flight.signed.scheme


def _end_of_schemes(outcome: Outcome, scheme: int | None) -> Verdict:
    """Return whether a search is complete; some servers sign with a scheme that was not offered."""
    if isinstance(outcome, Refused):
        return YES
    if not isinstance(outcome, Accepted):
        return absence_of(outcome)
    if scheme is not None:
        return unknown(f"the server signs with 0x{scheme:04x} although it was not offered")
    return unknown(outcome.flight.broken_off or "the server signs nothing in this handshake")


def _sentinel(seen: Seen) -> Trait | None:
    """Read the random of an older version: a newer server marks it (RFC 8446 §4.1.3)."""
    older = next((one for one in seen.legacy if one.facts.version in seen.offered[1:]), None)
    if older is None or not older.flights or older.flights[0].hello is None:
        return None
    newest, version = seen.offered[0], older.facts.version
    if newest < Version.TLS_1_2:
        return None
    random = older.flights[0].hello.random
    wanted = SENTINEL + (b"\x01" if version is Version.TLS_1_2 else b"\x00")
    marked = random.endswith(wanted)
    words = f"the random of {version.label} ends with {random[-8:].hex()}"
    verdict = Verdict(Standing.YES, words) if marked else no(words)
    return Trait("downgrade_sentinel", "a downgrade is marked", verdict, older.flights[0].began)


EXTENSIONS = (
    ("extended_master_secret", "extended master secret", ExtensionType.EXTENDED_MASTER_SECRET),
    ("session_ticket", "session tickets up to TLS 1.2", ExtensionType.SESSION_TICKET),
)


def _extensions(seen: Seen) -> Iterator[Trait]:
    """Read which extensions that were offered the server answers."""
    survey = seen.newest_legacy
    if survey is None or survey.base is None or survey.base.plain or survey.facts.version is Version.SSL_3:
        return
    hello = survey.flights[0].hello
    for name, title, kind in EXTENSIONS:
        is_there = hello is not None and hello.extension(kind) is not None
        verdict = YES if is_there else no(f"not answered in {survey.facts.version.label}")
        yield Trait(name, title, verdict, survey.flights[0].began)


def _reuse(seen: Seen) -> Trait | None:
    """Compare the server's keys of all handshakes up to TLS 1.2: an ephemeral key is for one."""
    keys = [
        flight.signed.public for one in seen.legacy for flight in one.flights if flight.signed is not None
    ]
    if len(keys) < 2:
        return None
    different = len(set(keys))
    verdict = no(f"{different} handshakes had {different} keys")
    if different < len(keys):
        verdict = Verdict(Standing.YES, f"{len(keys)} handshakes had {different} keys")
    return Trait("key_reuse", "keys of the key exchange are used again", verdict)
