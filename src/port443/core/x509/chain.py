"""Explain a chain: what is right and wrong with it, and where a client's path ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice, pairwise

from port443.core.x509.constraints import certified_wrongly
from port443.core.x509.extensions import (
    DNS_NAME,
    IP_ADDRESS,
    NAME_CONSTRAINTS,
    POLICY_EXTENSIONS,
    RFC822_NAME,
    URI,
)
from port443.core.x509.facts import EXPLICIT_CURVE, CertFacts
from port443.core.x509.path import MAX_SIGNATURES, PathSearch, TrustedRoots, fits, is_anchored, reachable
from port443.core.x509.policies import lacks_policy

MAX_PATHS = 32
MAX_SENT = 128
"""More than any server has reason to send; the rest is not evaluated, which is noted."""
WEBPKI_INTERMEDIATES = 6
GO_CONSTRAINTS = {DNS_NAME, IP_ADDRESS, RFC822_NAME, URI}


class ChainFault(StrEnum):
    """The faults of a chain; those in HARMLESS stop no client."""

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
    EXTENSION_INVALID = "extension_invalid"
    EXTENSION_DOUBTFUL = "extension_doubtful"
    POLICY_MISSING = "policy_missing"
    SEARCH_ENDED = "search_ended"
    SOME_REFUSE = "some_refuse"
    KEY_MAY_NOT_SIGN = "key_may_not_sign"
    KEY_INVALID = "key_invalid"


HARMLESS = frozenset(
    {
        ChainFault.OUT_OF_ORDER,
        ChainFault.DUPLICATE,
        ChainFault.ROOT_SENT,
        ChainFault.UNRELATED,
        ChainFault.SOME_REFUSE,
        ChainFault.KEY_MAY_NOT_SIGN,
    }
)
"""RFC 8446 §4.4.2 lets a client tolerate these; the last two are valid, and name the clients that refuse."""
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
    """How a client evaluates a chain."""

    sent: tuple[CertFacts, ...]
    path: tuple[CertFacts, ...]
    """The best way found from the leaf upwards; its last is a trusted root when `reaches_root`."""
    notes: tuple[ChainNote, ...]

    @property
    def faults(self) -> frozenset[ChainFault]:
        return frozenset(note.fault for note in self.notes)

    @property
    def is_trusted(self) -> bool:
        """Whether a client with these roots accepts it at this time."""
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
    """Return how a client that trusts `roots` evaluates `chain`, whose first is the leaf."""
    if not chain:
        return ChainVerdict((), (), (ChainNote(ChainFault.EMPTY, None, "no certificate was sent"),))
    sent = tuple(dict.fromkeys(chain))[:MAX_SENT]
    search = PathSearch(sent, roots, now)
    judged = [
        ChainVerdict(
            sent, path, (*_ending(path, sent, roots), *_faults_on(path, _below_root(path, roots), now))
        )
        for path in islice(search.paths((sent[0],)), MAX_PATHS)
    ]
    best = min(
        judged,
        key=lambda verdict: (
            not verdict.reaches_root, not verdict.is_trusted, len(verdict.notes), -len(verdict.path)
        ),
    )  # fmt: skip
    notes = (
        *best.notes,
        *_unfinished(best, chain, search, len(judged)),
        *_sending(tuple(chain), best.path, now),
    )
    return ChainVerdict(tuple(chain), best.path, notes)


def _unfinished(
    best: ChainVerdict, chain: Sequence[CertFacts], search: PathSearch, paths: int
) -> Iterator[ChainNote]:
    """Note where the evaluation is incomplete, so that silence is no verdict."""
    if best.is_trusted:
        return
    if len(dict.fromkeys(chain)) > MAX_SENT:
        yield ChainNote(
            ChainFault.SEARCH_ENDED, None, f"only the first {MAX_SENT} certificates were evaluated"
        )
    if paths == MAX_PATHS:
        yield ChainNote(ChainFault.SEARCH_ENDED, None, f"only the first {MAX_PATHS} paths were evaluated")
    if not search.signatures_left:
        ended = f"the search for a path ended after {MAX_SIGNATURES} signatures"
        yield ChainNote(ChainFault.SEARCH_ENDED, None, ended)


def _ending(
    path: tuple[CertFacts, ...], sent: Sequence[CertFacts], roots: TrustedRoots
) -> Iterator[ChainNote]:
    last = path[-1]
    if is_anchored(path, roots):
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


def judge_sent(
    chain: tuple[CertFacts, ...], issuers: Sequence[CertFacts], now: datetime
) -> tuple[ChainNote, ...]:
    """Yield the faults that clients find in a chain in its order, whichever root they trust.

    `issuers` may hold the root; one that is absent is assumed to be without faults.
    """
    top = chain[-1]
    named = (one for one in issuers if one.subject_key == top.issuer_key and one not in chain)
    root = next((one for one in named if top.was_signed_by(one) is not False), None)
    return tuple(_faults_on((*chain, root) if root else chain, chain, now))


def _below_root(path: tuple[CertFacts, ...], roots: TrustedRoots) -> tuple[CertFacts, ...]:
    """Return the path without the root at its end; a certificate whose issuer is missing is no root."""
    return path[:-1] if is_anchored(path, roots) or path[-1].is_self_signed else path


def _faults_on(path: tuple[CertFacts, ...], below: Sequence[CertFacts], now: datetime) -> Iterator[ChainNote]:
    """Check each certificate of the path (RFC 5280 §6.1); `below` is the path without the root at its end."""
    for depth, one in enumerate(path):
        yield from _dates(one, now)
        yield from _extensions(one)
        if depth:
            yield from _as_issuer(one, path[:depth], is_anchor=depth == len(below))
    for one in below:
        if one.key.algorithm == EXPLICIT_CURVE:
            spelt = f"the key of {_called(one)} spells its curve out, which RFC 5480 §2.1.1 forbids"
            yield ChainNote(ChainFault.KEY_INVALID, one, spelt)
    for child, issuer in pairwise(path):
        if child.was_signed_by(issuer) is None:
            unknown = f"the signature on {_called(child)} cannot be checked: {child.signature.name}"
            yield ChainNote(ChainFault.SIGNATURE_UNKNOWN, child, unknown)
    if where := lacks_policy(below):
        missing = f"a policy is required, and at {_called(where)} none is left (RFC 5280 §6.1.3)"
        yield ChainNote(ChainFault.POLICY_MISSING, where, missing)
    yield from _refused_by_some(path, below)


def _extensions(one: CertFacts) -> Iterator[ChainNote]:
    for why in one.extensions.invalid:
        yield ChainNote(ChainFault.EXTENSION_INVALID, one, f"{_called(one)}: {why}")
    for why in one.extensions.doubtful:
        yield ChainNote(ChainFault.EXTENSION_DOUBTFUL, one, f"{_called(one)}: {why}")
    if one.extensions.unknown_critical:
        listed = ", ".join(one.extensions.unknown_critical)
        critical = f"{_called(one)} has critical extensions that clients do not process: {listed}"
        yield ChainNote(ChainFault.UNKNOWN_CRITICAL, one, critical)
    usages = one.extended_key_usages
    # RFC 5280 §4.2.1.12 lets clients refuse anyExtendedKeyUsage alone, and OpenSSL does.
    if usages is not None and "server_auth" not in usages:
        but_any = (
            " by name: its extKeyUsage is anyExtendedKeyUsage, which OpenSSL refuses"
            if "any" in usages
            else ""
        )
        yield ChainNote(ChainFault.USAGE_WRONG, one, f"{_called(one)} is not for servers{but_any}")


def _refused_by_some(path: tuple[CertFacts, ...], below: Sequence[CertFacts]) -> Iterator[ChainNote]:
    """Name the clients that refuse what RFC 5280 and OpenSSL accept; they do not check the root itself."""
    for one in below:
        critical = sorted(one.extensions.critical & POLICY_EXTENSIONS.keys())
        if policies := ", ".join(POLICY_EXTENSIONS[oid] for oid in critical):
            refused = f"{_called(one)} has a critical {policies}, which webpki (rustls) refuses"
            yield ChainNote(ChainFault.SOME_REFUSE, one, refused)
        if why := one.subject_name.unread_by_go or one.issuer_name.unread_by_go:
            yield ChainNote(ChainFault.SOME_REFUSE, one, f"Go cannot read a name in {_called(one)}: {why}")
        limits = one.name_constraints
        if limits and one.extensions.critical & {NAME_CONSTRAINTS} and limits.kinds - GO_CONSTRAINTS:
            unprocessed = (
                f"{_called(one)} has name constraints of a kind that Go does not process, so it refuses"
            )
            yield ChainNote(ChainFault.SOME_REFUSE, one, unprocessed)
    for child, issuer in pairwise(path):
        if child.issuer_der != issuer.subject_der:
            spelt = f"{_called(child)} spells the name of its issuer otherwise; Go and webpki refuse it"
            yield ChainNote(ChainFault.SOME_REFUSE, child, spelt)
    if len(below) - 1 > WEBPKI_INTERMEDIATES:
        many = f"there are {len(below) - 1} intermediates; webpki (rustls) accepts {WEBPKI_INTERMEDIATES}"
        yield ChainNote(ChainFault.SOME_REFUSE, path[0], many)
    usages = path[0].key_usages
    if usages is not None and "digital_signature" not in usages:
        unsigned = f"the keyUsage of {_called(path[0])} allows no signature; browsers and GnuTLS refuse it"
        yield ChainNote(ChainFault.KEY_MAY_NOT_SIGN, path[0], unsigned)


def _dates(one: CertFacts, now: datetime) -> Iterator[ChainNote]:
    if now > one.not_after:
        ended = f"{_called(one)} ended {one.not_after:%Y-%m-%d %H:%M} UTC"
        yield ChainNote(ChainFault.EXPIRED, one, ended)
    if now < one.not_before:
        begins = f"{_called(one)} begins {one.not_before:%Y-%m-%d %H:%M} UTC"
        yield ChainNote(ChainFault.NOT_YET_VALID, one, begins)


def _as_issuer(one: CertFacts, below: tuple[CertFacts, ...], *, is_anchor: bool) -> Iterator[ChainNote]:
    usages = one.key_usages
    # Roots of version 1 have no basicConstraints; being a trust anchor makes them a CA.
    is_v1_root = is_anchor and one.is_self_issued and not one.is_ca and one.key_usages is None
    if not (one.is_ca or is_v1_root) or (usages is not None and "key_cert_sign" not in usages):
        yield ChainNote(ChainFault.ISSUER_NOT_CA, one, f"{_called(one)} may not sign certificates")
    between = sum(not member.is_self_issued for member in below[1:])
    if one.path_length is not None and between > one.path_length:
        allowed = f"{_called(one)} allows {one.path_length} certificates below it before the leaf"
        yield ChainNote(ChainFault.PATH_TOO_LONG, one, f"{allowed}, there are {between}")
    if one.name_constraints:
        # RFC 5280 §6.1.3 b, c: of those between, the self-issued ones are passed over.
        bound = (member for place, member in enumerate(below) if not place or not member.is_self_issued)
        for member in bound:
            if refused := certified_wrongly(member, one.name_constraints):
                wrong = f"{_called(one)} may not sign for {', '.join(refused)}"
                yield ChainNote(ChainFault.NAME_NOT_PERMITTED, one, wrong)


def _sending(sent: tuple[CertFacts, ...], path: tuple[CertFacts, ...], now: datetime) -> Iterator[ChainNote]:
    """Note how it was sent (RFC 8446 §4.4.2), apart from whether it is trusted."""
    connected = reachable(sent[0], sent)
    for index, one in enumerate(sent):
        if one in sent[:index]:
            yield ChainNote(ChainFault.DUPLICATE, one, f"{_called(one)} was sent twice")
        elif index and one.is_self_signed:
            yield ChainNote(ChainFault.ROOT_SENT, one, f"the root {_called(one)} was sent needlessly")
        elif one not in connected:
            yield ChainNote(ChainFault.UNRELATED, one, f"{_called(one)} has nothing to do with this chain")
        elif one not in path and now > one.not_after:
            # Such as an old cross-signature: clients that do not look for another path refuse the chain.
            ended = f"{_called(one)} ended {one.not_after:%Y-%m-%d}, and the path does not need it"
            yield ChainNote(ChainFault.UNRELATED, one, ended)
    places = [sent.index(one) for one in path if one in sent]
    for (before, _), (after, one) in pairwise(zip(places, (p for p in path if p in sent), strict=True)):
        if after < before:
            yield ChainNote(ChainFault.OUT_OF_ORDER, one, f"{_called(one)} was sent before what it signed")


def _called(one: CertFacts) -> str:
    names = ", ".join(str(name) for name in one.names[:1])
    return one.subject or names or f"certificate {one.fingerprint.text[:12]}"
