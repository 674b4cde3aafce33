"""What flights that came for other reasons show of how a server negotiates: it costs no connection."""

from collections.abc import Iterator

from port443.core.probe.facts import Trait
from port443.core.probe.legacy import LegacySurvey
from port443.core.probe.modern import ModernSurvey
from port443.core.probe.verdict import Standing, Verdict, no
from port443.core.wire.common_primes import common_prime
from port443.core.wire.extensions import ExtensionType, extension_name, read_protocols
from port443.core.wire.flight import Flight
from port443.core.wire.reading import Malformed, Reader
from port443.core.wire.suites import suite


def read_traits(modern: ModernSurvey, legacy: tuple[LegacySurvey, ...]) -> tuple[Trait, ...]:
    """Read every trait that flights show by themselves."""
    flights = tuple(flight for survey in legacy for flight in survey.flights)
    surveyed = tuple(
        flight for one in legacy if one.base is not None and one.base.survey for flight in one.flights
    )
    found = (*_encrypt_then_mac(surveyed), *_npn(surveyed), *_primes(flights), *_extensions(modern, flights))
    return tuple(found)


def _encrypt_then_mac(flights: tuple[Flight, ...]) -> Iterator[Trait]:
    """Look at the flights with a CBC suite, where the extension means something (RFC 7366)."""
    blocks = [one for one in flights if one.hello is not None and suite(one.hello.suite).is_cbc]
    hellos = [one.hello for one in blocks if one.hello is not None]
    if not blocks:
        return
    lacking = [hello for hello in hellos if hello.extension(ExtensionType.ENCRYPT_THEN_MAC) is None]
    verdict = no(f"not with {suite(lacking[0].suite).name}") if lacking else Verdict(Standing.YES)
    yield Trait("encrypt_then_mac", "CBC suites authenticate what was encrypted", verdict, blocks[0].began)


def _npn(flights: tuple[Flight, ...]) -> Iterator[Trait]:
    """Read the protocols of what was before ALPN; the server names them in its hello."""
    hellos = [(one, one.hello.extension(ExtensionType.NPN)) for one in flights if one.hello is not None]
    answered = next(((flight, body) for flight, body in hellos if body is not None), None)
    if answered is not None:
        flight, body = answered
        words = " ".join(read_protocols(body)) or "without any protocol"
        yield Trait(
            "npn", "NPN is answered, which ALPN has replaced", Verdict(Standing.YES, words), flight.began
        )
    elif hellos:
        yield Trait("npn", "NPN is answered, which ALPN has replaced", no(), hellos[0][0].began)


def _primes(flights: tuple[Flight, ...]) -> Iterator[Trait]:
    """Name the primes of DHE: one that many share is worth the work of breaking it."""
    primes: dict[int, Flight] = {}
    for flight in flights:
        if flight.signed is not None and flight.signed.prime_bits is not None:
            primes.setdefault(_prime(flight.signed.parameters), flight)
    if not primes:
        return
    weakest = min(primes)
    name = common_prime(weakest)
    words = f"{name or 'none that is known'}, {weakest.bit_length()} bits"
    verdict = no(words) if name is None else Verdict(Standing.YES, words)
    yield Trait("dh_prime", "the prime of DHE is one that many servers share", verdict, primes[weakest].began)


def _prime(parameters: bytes) -> int:
    try:
        return int.from_bytes(Reader(parameters, "the ServerKeyExchange").vector(2, 1))
    except Malformed:
        return 0


def _extensions(modern: ModernSurvey, flights: tuple[Flight, ...]) -> Iterator[Trait]:
    """List what is answered of all that was offered, in whatever version."""
    seen = (*((modern.flight,) if modern.flight else ()), *flights)
    hellos = [one.chosen for one in seen if one.chosen is not None]
    kinds = {one.kind for hello in hellos for one in hello.extensions or ()}
    kinds |= {kind for one in seen for kind in one.extensions}
    if seen:
        words = " ".join(extension_name(kind) for kind in sorted(kinds))
        verdict = Verdict(Standing.YES, words) if kinds else no("none")
        yield Trait("extensions", "extensions are answered", verdict, seen[0].began)
