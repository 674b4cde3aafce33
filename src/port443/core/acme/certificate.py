"""Whether what a CA gave is what was ordered, and which of its chains to send."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from port443.core.acme.errors import CertificateUnfit
from port443.core.acme.reply import Reply
from port443.core.acme.urls import host_of
from port443.core.names import Fingerprint, SiteName
from port443.core.x509.bounds import MAX_CERTIFICATE_BYTES
from port443.core.x509.chain import HARMLESS, explain_chain, judge_sent
from port443.core.x509.facts import CertFacts, CertificateUnreadable
from port443.core.x509.path import TrustedRoots, arrange
from port443.core.x509.pem import certificates_in

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far our clock may be behind the CA's: one that does not date back begins when it signs."""
MAX_SENT = 10
"""Certificates in one chain of a CA; two or three are usual."""
TELL_THE_CA = "it is not used; tell the CA, and look at what else it certified for these names"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the certificate must be."""

    names: tuple[SiteName, ...]
    spki: Fingerprint
    """Of our key."""
    now: datetime


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that is what was ordered. Only `checked` makes its chains."""

    chain: tuple[CertFacts, ...]
    """Leaf first, each issuer after what it signed, without root and extras."""
    url: str
    """Where the CA keeps it."""
    chains_offered: int
    is_believed: bool
    """Whether all the roots that were asked about believe the chain."""


def checked(reply: Reply, expected: Expected) -> tuple[CertFacts, ...]:
    """Return the chain in `reply`, in order; raises `CertificateUnfit` when it is not what was ordered."""
    found = _certificates(reply)
    ca = host_of(reply.url)
    leaf = next((one for one in found if one.spki == expected.spki), None)
    if leaf is None:
        raise CertificateUnfit(f"{ca} gave a certificate for a key that is not ours", TELL_THE_CA)
    for why in _faults(leaf, expected):
        raise CertificateUnfit(f"{ca} gave a certificate that {why}", TELL_THE_CA)
    # One that begins within the tolerance is judged as of its beginning.
    now = max(expected.now, leaf.not_before)
    chain = arrange(leaf, found, now)
    for why in _chain_faults(chain, found, now):
        raise CertificateUnfit(f"{ca} gave a chain that no client believes: {why}", TELL_THE_CA)
    return chain


def shortest_believed(
    chains: Sequence[tuple[CertFacts, ...]], roots: Sequence[TrustedRoots], now: datetime
) -> tuple[tuple[CertFacts, ...], bool]:
    """Return the shortest chain that all `roots` believe, the CA's first choice among equals, and true.

    When there is none, the one that most of them believe, and false.
    """

    def believers(chain: tuple[CertFacts, ...]) -> int:
        return sum(explain_chain(chain, one, now).is_trusted for one in roots)

    best = max(chains, key=lambda chain: (believers(chain), -len(chain)))
    return best, believers(best) == len(roots)


def _certificates(reply: Reply) -> tuple[CertFacts, ...]:
    try:
        octets = certificates_in(reply.body)
        if not 0 < len(octets) <= MAX_SENT or any(len(one) > MAX_CERTIFICATE_BYTES for one in octets):
            raise reply.invalid(f"holds {len(octets)} certificates, or one that is far too long")
        return tuple(CertFacts.from_der(one) for one in octets)
    except CertificateUnreadable as error:
        raise reply.invalid(f"holds what is no certificate: {error.message}"[:200]) from error


def _faults(leaf: CertFacts, expected: Expected) -> Iterator[str]:
    ordered, given = set(expected.names), set(leaf.names)
    if missing := ordered - given:
        yield f"lacks {_listed(missing)}"
    if extra := given - ordered:
        yield f"is also for {_listed(extra)}, which was not ordered"
    if leaf.other_names:
        yield f"is also for {leaf.other_names[0][:80]!r}, which was not ordered"
    if leaf.is_ca:
        yield "is one of a CA"
    if leaf.not_after <= expected.now:
        yield f"ended {leaf.not_after:%Y-%m-%d %H:%M} UTC"
    if leaf.not_before > expected.now + CLOCK_TOLERANCE:
        yield f"begins {leaf.not_before:%Y-%m-%d %H:%M} UTC, unless this machine's clock is wrong"


def _chain_faults(chain: tuple[CertFacts, ...], found: tuple[CertFacts, ...], now: datetime) -> Iterator[str]:
    top = chain[-1]
    above = [one for one in found if one not in chain and one.subject_key == top.issuer_key]
    if above and not any(top.was_signed_by(one) for one in above):
        yield f"the signature on {top.subject or 'the certificate'} was not made by the {top.issuer} in it"
    elif len(chain) == 1 and len(found) > 1 and not above:
        yield f"nothing in it signed the certificate, whose issuer is {top.issuer}"
    for note in judge_sent(chain, found, now):
        if note.fault not in HARMLESS:
            yield note.message


def _listed(names: set[SiteName]) -> str:
    return ", ".join(sorted(map(str, names)))
