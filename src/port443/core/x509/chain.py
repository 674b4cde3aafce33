"""Explain a chain: what is right with it, what is wrong, and where a client's path ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice, pairwise

from port443.core.x509.constraints import names_refused
from port443.core.x509.facts import CertFacts
from port443.core.x509.path import PathSearch, TrustedRoots, fits, reachable

MAX_PATHS = 32
MAX_SENT = 64
"""More than any server has reason to send; what is beyond is not looked at."""


class ChainFault(StrEnum):
    """What can be wrong with a chain; those in HARMLESS stop no client."""

    EMPTY = "empty"
    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    ROOT_SENT = "root_sent"
    UNRELATED = "unrelated"
    INCOMPLETE = "incomplete"
    UNKNOWN_ISSUER = "unknown_issuer"
    SELF_SIGNED = "self_signed"
    UNTRUSTED_ROOT = "untrusted_root"
    SIGNATURE_BROKEN = "signature_broken"
    SIGNATURE_UNKNOWN = "signature_unknown"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER_NOT_CA = "issuer_not_ca"
    PATH_TOO_LONG = "path_too_long"
    NAME_NOT_PERMITTED = "name_not_permitted"
    USAGE_WRONG = "usage_wrong"
    UNKNOWN_CRITICAL = "unknown_critical"


HARMLESS = frozenset(
    {ChainFault.OUT_OF_ORDER, ChainFault.DUPLICATE, ChainFault.ROOT_SENT, ChainFault.UNRELATED}
)
"""RFC 8446 §4.4.2 lets a client put up with these, and today's do."""
ENDINGS = frozenset(
    {
        ChainFault.INCOMPLETE,
        ChainFault.UNKNOWN_ISSUER,
        ChainFault.SELF_SIGNED,
        ChainFault.UNTRUSTED_ROOT,
        ChainFault.SIGNATURE_BROKEN,
    }
)
"""Where a path ends that does not end at a trusted root."""


@dataclass(frozen=True, slots=True)
class ChainNote:
    """One thing that is wrong, and with which certificate."""

    fault: ChainFault
    certificate: CertFacts | None
    message: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What a client makes of a chain."""

    sent: tuple[CertFacts, ...]
    path: tuple[CertFacts, ...]
    """The best way found from the leaf upwards; its last is a trusted root when `reaches_root`."""
    notes: tuple[ChainNote, ...]

    @property
    def faults(self) -> frozenset[ChainFault]:
        return frozenset(note.fault for note in self.notes)

    @property
    def is_trusted(self) -> bool:
        """Whether a client with these roots, at this time, would believe it."""
        return self.faults <= HARMLESS

    @property
    def reaches_root(self) -> bool:
        return not self.faults & (ENDINGS | {ChainFault.EMPTY})

    @property
    def is_in_order(self) -> bool:
        return ChainFault.OUT_OF_ORDER not in self.faults

    @property
    def missing_issuer(self) -> str | None:
        """The subject of the certificate that was not sent and is no trusted root."""
        ends_early = self.faults & {ChainFault.INCOMPLETE, ChainFault.UNKNOWN_ISSUER}
        return self.path[-1].issuer if ends_early else None

    @property
    def not_after(self) -> datetime | None:
        """When the first certificate of the path ends: the chain ends with it."""
        return min((one.not_after for one in self.path), default=None)


def explain_chain(chain: Sequence[CertFacts], roots: TrustedRoots, now: datetime) -> ChainVerdict:
    """Say what a client that believes `roots` makes of `chain`, whose first is the leaf."""
    if not chain:
        return ChainVerdict((), (), (ChainNote(ChainFault.EMPTY, None, "no certificate was sent"),))
    sent = tuple(chain[:MAX_SENT])
    search = PathSearch(sent, roots, now)
    judged = (
        ChainVerdict(sent, path, (*_ending(path, sent, roots), *_faults_on(path, now)))
        for path in islice(search.paths((sent[0],)), MAX_PATHS)
    )
    best = min(judged, key=lambda verdict: (not verdict.reaches_root, len(verdict.notes), -len(verdict.path)))
    return ChainVerdict(sent, best.path, (*best.notes, *_sending(sent, best.path)))


def _ending(
    path: tuple[CertFacts, ...], sent: Sequence[CertFacts], roots: TrustedRoots
) -> Iterator[ChainNote]:
    last = path[-1]
    if roots.holds(last):
        return
    namesakes = [*roots.named(last.issuer_key), *(one for one in sent if one.subject_key == last.issuer_key)]
    if last.is_self_signed and len(path) == 1:
        yield ChainNote(ChainFault.SELF_SIGNED, last, f"{_called(last)} was signed by its own key only")
    elif last.is_self_signed:
        yield ChainNote(ChainFault.UNTRUSTED_ROOT, last, f"the root {_called(last)} is not a trusted one")
    elif any(fits(last, one) for one in namesakes if one not in path):
        issuer = f"the signature on {_called(last)} was not made by the key of {last.issuer}"
        yield ChainNote(ChainFault.SIGNATURE_BROKEN, last, issuer)
    elif last.extensions.issuer_urls or namesakes:
        missing = f"the issuer of {_called(last)} was not sent and is no trusted root: {last.issuer}"
        yield ChainNote(ChainFault.INCOMPLETE, last, missing)
    else:
        # The issuer may be a private root, which no server has to send (RFC 8446 §4.4.2).
        foreign = f"{_called(last)} was issued by a CA that is not a trusted one: {last.issuer}"
        yield ChainNote(ChainFault.UNKNOWN_ISSUER, last, foreign)


def _faults_on(path: tuple[CertFacts, ...], now: datetime) -> Iterator[ChainNote]:
    """Check each certificate of the path (RFC 5280 §6.1)."""
    for depth, one in enumerate(path):
        yield from _dates(one, now)
        if one.extensions.unknown_critical:
            listed = ", ".join(one.extensions.unknown_critical)
            yield ChainNote(
                ChainFault.UNKNOWN_CRITICAL, one, f"{_called(one)} has critical extensions: {listed}"
            )
        usages = one.extended_key_usages
        if usages is not None and not usages & {"server_auth", "any"}:
            yield ChainNote(ChainFault.USAGE_WRONG, one, f"{_called(one)} is not meant for servers")
        if depth:
            yield from _as_issuer(one, path[:depth], is_anchor=depth == len(path) - 1)
    for child, issuer in pairwise(path):
        if child.was_signed_by(issuer) is None:
            unknown = f"the signature on {_called(child)} cannot be checked: {child.signature.name}"
            yield ChainNote(ChainFault.SIGNATURE_UNKNOWN, child, unknown)


def _dates(one: CertFacts, now: datetime) -> Iterator[ChainNote]:
    if now > one.not_after:
        ended = f"{_called(one)} ended {one.not_after:%Y-%m-%d %H:%M} UTC"
        yield ChainNote(ChainFault.EXPIRED, one, ended)
    if now < one.not_before:
        begins = f"{_called(one)} begins {one.not_before:%Y-%m-%d %H:%M} UTC"
        yield ChainNote(ChainFault.NOT_YET_VALID, one, begins)


def _as_issuer(one: CertFacts, below: tuple[CertFacts, ...], *, is_anchor: bool) -> Iterator[ChainNote]:
    usages = one.key_usages
    # Roots of version 1 have no basicConstraints; being trusted makes them what they are.
    is_v1_root = is_anchor and one.is_self_issued and not one.is_ca and one.key_usages is None
    if not (one.is_ca or is_v1_root) or (usages is not None and "key_cert_sign" not in usages):
        yield ChainNote(ChainFault.ISSUER_NOT_CA, one, f"{_called(one)} may not sign certificates")
    between = sum(not member.is_self_issued for member in below[1:])
    if one.path_length is not None and between > one.path_length:
        allowed = f"{_called(one)} allows {one.path_length} certificates below it before the leaf"
        yield ChainNote(ChainFault.PATH_TOO_LONG, one, f"{allowed}, there are {between}")
    if one.name_constraints and (refused := names_refused(below[0].names, one.name_constraints)):
        listed = ", ".join(str(name) for name in refused)
        yield ChainNote(ChainFault.NAME_NOT_PERMITTED, one, f"{_called(one)} may not sign for {listed}")


def _sending(sent: tuple[CertFacts, ...], path: tuple[CertFacts, ...]) -> Iterator[ChainNote]:
    """Judge how it was sent (RFC 8446 §4.4.2), apart from whether it is believed."""
    connected = reachable(sent[0], sent)
    for index, one in enumerate(sent):
        if one in sent[:index]:
            yield ChainNote(ChainFault.DUPLICATE, one, f"{_called(one)} was sent twice")
        elif index and one.is_self_signed:
            yield ChainNote(ChainFault.ROOT_SENT, one, f"the root {_called(one)} was sent; nobody needs it")
        elif one not in connected:
            yield ChainNote(ChainFault.UNRELATED, one, f"{_called(one)} has nothing to do with this chain")
    places = [sent.index(one) for one in path if one in sent]
    for (before, _), (after, one) in pairwise(zip(places, (p for p in path if p in sent), strict=True)):
        if after < before:
            yield ChainNote(ChainFault.OUT_OF_ORDER, one, f"{_called(one)} was sent before what it signed")


def _called(one: CertFacts) -> str:
    names = ", ".join(str(name) for name in one.names[:1])
    return one.subject or names or f"certificate {one.fingerprint.text[:12]}"
