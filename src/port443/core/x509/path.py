"""Find the paths from a leaf to a trusted root, through certificates in any order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from port443.core.x509.bounds import MAX_CHAIN
from port443.core.x509.directory_name import NameKey
from port443.core.x509.facts import CertFacts, CertificateUnreadable, subject_key

MAX_DEPTH = MAX_CHAIN
"""OpenSSL's own limit; no client accepts a longer chain."""
MAX_SIGNATURES = 256
"""The bound on a hostile chain of look-alikes: about 20 ms."""


@dataclass(frozen=True, slots=True)
class TrustedRoots:
    """The certificates somebody believes, found by subject.

    Of each only its subject is read before it is asked for: a store has many, and a chain needs one.
    """

    by_subject: dict[NameKey, tuple[bytes, ...]]

    @classmethod
    def of(cls, certificates: Iterable[CertFacts]) -> "TrustedRoots":
        return cls.of_der(certificate.der for certificate in certificates)

    @classmethod
    def of_der(cls, certificates: Iterable[bytes]) -> "TrustedRoots":
        """Take certificates in DER; what cannot be read is left out."""
        found: dict[NameKey, tuple[bytes, ...]] = {}
        for octets in certificates:
            try:
                key = subject_key(octets)
            except CertificateUnreadable:
                continue
            found[key] = (*found.get(key, ()), octets)
        return cls(found)

    def joined(self, certificates: Iterable[bytes]) -> "TrustedRoots":
        """Return these roots and more of them in DER."""
        known = (one for found in self.by_subject.values() for one in found)
        return TrustedRoots.of_der(dict.fromkeys((*known, *certificates)))

    def holds(self, certificate: CertFacts) -> bool:
        """Whether it is a trusted root, or another certificate of such a root's name and key."""
        return any(root.spki == certificate.spki for root in self.named(certificate.subject_key))

    def contains(self, certificate: CertFacts) -> bool:
        """Whether it is itself, to the octet, among them."""
        return certificate.der in self.by_subject.get(certificate.subject_key, ())

    def named(self, subject: NameKey) -> tuple[CertFacts, ...]:
        return tuple(_readable(self.by_subject.get(subject, ())))


def _readable(found: Iterable[bytes]) -> Iterator[CertFacts]:
    for octets in found:
        try:
            yield CertFacts.from_der(octets)
        except CertificateUnreadable:
            continue


@dataclass(slots=True)
class PathSearch:
    """One search; bounded in depth and in signatures checked."""

    sent: Sequence[CertFacts]
    roots: TrustedRoots
    now: datetime
    signatures_left: int = MAX_SIGNATURES

    def paths(self, path: tuple[CertFacts, ...]) -> Iterator[tuple[CertFacts, ...]]:
        """Yield each continuation of `path`, those to a trusted root first; a dead end is yielded too."""
        last = path[-1]
        if is_anchored(path, self.roots) or last.is_self_signed or len(path) == MAX_DEPTH:
            yield path
            return
        dead_end = True
        for issuer in self._issuers(last):
            known = any(issuer.subject_key == one.subject_key and issuer.spki == one.spki for one in path)
            if not known and self._signed(last, issuer):
                dead_end = False
                yield from self.paths((*path, issuer))
        if dead_end:
            yield path

    def _issuers(self, child: CertFacts) -> list[CertFacts]:
        """Return who could have signed it, by name: the likeliest first."""
        trusted = self.roots.named(child.issuer_key)
        found = {one.fingerprint: one for one in trusted}
        found |= {one.fingerprint: one for one in self.sent if one.subject_key == child.issuer_key}
        return sorted(
            found.values(),
            key=lambda one: (one not in trusted, not fits(child, one), not one.is_valid_at(self.now)),
        )

    def _signed(self, child: CertFacts, issuer: CertFacts) -> bool:
        if not self.signatures_left:
            return False
        self.signatures_left -= 1
        return child.was_signed_by(issuer) is not False


def is_anchored(path: Sequence[CertFacts], roots: TrustedRoots) -> bool:
    """Whether a path ends at a trusted root; a leaf counts as one only if it is a trusted certificate itself.

    Otherwise a leaf with a root's name and key, which its CA could make, would be exempt from the rules.
    """
    return roots.contains(path[0]) if len(path) == 1 else roots.holds(path[-1])


def fits(child: CertFacts, issuer: CertFacts) -> bool:
    """Whether the key identifiers allow `issuer` (RFC 5280 §4.2.1.1)."""
    wanted, own = child.authority_key_id, issuer.subject_key_id
    return wanted is None or own is None or wanted == own


def reachable(leaf: CertFacts, sent: Sequence[CertFacts]) -> frozenset[CertFacts]:
    """Return those of `sent` that can be above `leaf` on any path, by name alone."""
    found = {leaf}
    while True:
        wanted = {one.issuer_key for one in found}
        more = {one for one in sent if one.subject_key in wanted} - found
        if not more:
            return frozenset(found)
        found |= more


def arrange(leaf: CertFacts, others: Sequence[CertFacts], now: datetime) -> tuple[CertFacts, ...]:
    """Return the chain to send: leaf first, each issuer after its subject, without root or extras."""
    search = PathSearch(tuple(one for one in others if not one.is_self_signed), TrustedRoots.of(()), now)
    return max(search.paths((leaf,)), key=len)
