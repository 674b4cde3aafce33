"""An operator's own certificate: whether a site can be served with it, and warnings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath

from port443.core.errors import CertificateError
from port443.core.names import SiteName
from port443.core.x509.bounds import MAX_CERTIFICATE_BYTES, MAX_CHAIN
from port443.core.x509.chain import HARMLESS, ChainFault, ChainNote, judge_sent
from port443.core.x509.contents import recognise
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import KeyUnreadable, ServerKey, pkcs8, read_key, signs_for, spki_of
from port443.core.x509.path import TrustedRoots, arrange, reachable
from port443.core.x509.pem import certificates_in

NAMED_AT_MOST = 5
SOON = timedelta(days=14)
USELESS = frozenset({ChainFault.USAGE_WRONG, ChainFault.UNKNOWN_CRITICAL, ChainFault.EXTENSION_INVALID})
"""Faults of a server's own certificate that no client accepts."""
PRIVATE_KEY = b"PRIVATE KEY-----"


class ChainFileEmpty(CertificateError):
    """The file named as `chain` holds no certificate in PEM.

    It should be PEM text: the site's certificate first, then the intermediates, without the root. The message
    names what was found instead, and the hint the command that converts it.
    """

    code = "P443-E225"
    fault = "operator"


class KeyDoesNotFit(CertificateError):
    """The private key belongs to none of the certificates in the chain file.

    One of the two files is of another certificate, or only one of them was replaced. Install both of one
    order; the old pair is served until then.
    """

    code = "P443-E222"
    fault = "operator"


class NamesNotCovered(CertificateError):
    """The certificate is not good for all names of the site, so clients would refuse some of them.

    Get one that names them all in its subjectAltName (the common name does not count), or take the other
    names from the site.
    """

    code = "P443-E223"
    fault = "operator"


class CertificateOutOfDate(CertificateError):
    """The certificate has ended, or has not begun yet.

    Replace it by a current one. If it should be current, check this machine's clock.
    """

    code = "P443-E224"
    fault = "operator"


class CertificateUseless(CertificateError):
    """No client accepts the certificate of a server, whatever it trusts.

    Its extKeyUsage does not allow servers, or an extension of it is broken, a duplicate, or is critical and
    known to no client (RFC 5280 §4.2). Order another one; the message has the fault of this one.
    """

    code = "P443-E228"
    fault = "operator"


class ChainTooLarge(CertificateError):
    """The chain has more certificates, or a larger one, than clients accept.

    A chain may have 100 certificates, and each of them 65536 bytes. Remove from the file what is not of this
    chain, or order a certificate with fewer names.
    """

    code = "P443-E230"
    fault = "operator"


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The two files of an operator's certificate."""

    chain_path: PurePath
    chain: bytes
    key_path: PurePath
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnChecked:
    """A certificate that a site can be served with. Only `check_own` makes one."""

    chain: tuple[CertFacts, ...]
    """Leaf first, each issuer after its subject, without root and extras."""
    key_pkcs8: bytes = field(repr=False)
    warnings: tuple[str, ...]


def check_own(
    files: OwnFiles, names: tuple[SiteName, ...], now: datetime | None, roots: TrustedRoots
) -> OwnChecked:
    """Check that the key fits, the names are covered and the dates hold; put the chain in order.

    Without `now`, when the clock is wrong, dates are not checked.
    """
    octets = _certificates(files)
    keys = read_key(files.key, files.key_path)
    found = tuple(CertFacts.from_der(one) for one in octets)
    key = next((one for one in keys if _fitting(one, found)), keys[0])
    fitting = _fitting(key, found)
    if not fitting:
        kinds = ", ".join(dict.fromkeys(str(one.key) for one in found))
        raise KeyDoesNotFit(
            f"the key {files.key_path} fits none of the certificates in {files.chain_path}, "
            f"whose keys are {kinds}",
            "put chain and key of one certificate in place",
        )
    if not signs_for(key):
        raise KeyUnreadable(f"the private key {files.key_path} is damaged", "copy it again")
    # An old certificate of the same key may have been left in the file.
    leaf = max(
        fitting,
        key=lambda one: (all(map(one.covers, names)), now is None or one.is_valid_at(now), one.not_after),
    )
    now = now or leaf.not_before
    _check_leaf(leaf, names, now, files.chain_path)
    chain = arrange(leaf, found, now)
    _check_size(chain, found, files.chain_path)
    notes = judge_sent(chain, (*found, *roots.named(chain[-1].issuer_key)), now)
    _check_use(leaf, notes, files.chain_path)
    texts = (*_warnings(chain, found, now, roots), *_refusals(notes))
    return OwnChecked(chain, pkcs8(key), tuple(f"{files.chain_path}: {text}" for text in texts))


def _certificates(files: OwnFiles) -> tuple[bytes, ...]:
    """Return the DER of every certificate in the chain file; raises when there is none."""
    found = certificates_in(files.chain)
    if found:
        return found
    if PRIVATE_KEY in files.chain and certificates_in(files.key):
        raise ChainFileEmpty(
            f"chain and key are exchanged: {files.chain_path} holds a private key",
            f"write: certificate: {{chain: {files.key_path}, key: {files.chain_path}}}",
        )
    what = recognise(files.chain, files.chain_path)
    raise ChainFileEmpty(f"{files.chain_path} holds no certificate in PEM: it is {what.what}", what.hint)


def _fitting(key: ServerKey, found: tuple[CertFacts, ...]) -> list[CertFacts]:
    spki = spki_of(key)
    return [one for one in found if one.spki == spki]


def _check_leaf(leaf: CertFacts, names: tuple[SiteName, ...], now: datetime, path: PurePath) -> None:
    missing = [str(name) for name in names if not leaf.covers(name)]
    if missing:
        raise NamesNotCovered(
            f"the certificate in {path} is not good for {', '.join(missing)}; "
            f"it is for {', '.join(str(name) for name in leaf.names) or 'no name at all'}",
            "get one for all names of the site",
        )
    if now > leaf.not_after:
        raise CertificateOutOfDate(
            f"the certificate in {path} ended {leaf.not_after:%Y-%m-%d %H:%M} UTC", "put a current one there"
        )
    if now < leaf.not_before:
        raise CertificateOutOfDate(
            f"the certificate in {path} begins {leaf.not_before:%Y-%m-%d %H:%M} UTC",
            "wait until then, or check this machine's clock",
        )


def _check_size(chain: tuple[CertFacts, ...], found: tuple[CertFacts, ...], path: PurePath) -> None:
    goes_on = any(
        one.subject_key == chain[-1].issuer_key and not one.is_self_signed and one not in chain
        for one in found
    )
    if len(chain) == MAX_CHAIN and goes_on:
        raise ChainTooLarge(
            f"the chain in {path} has more than {MAX_CHAIN} certificates", "put a shorter chain there"
        )
    for one in chain:
        if len(one.der) > MAX_CERTIFICATE_BYTES:
            raise ChainTooLarge(
                f"the certificate of {one.subject} in {path} has {len(one.der)} bytes; "
                f"{MAX_CERTIFICATE_BYTES} is the most",
                "order one with fewer names",
            )


def _check_use(leaf: CertFacts, notes: tuple[ChainNote, ...], path: PurePath) -> None:
    for note in notes:
        if (
            note.certificate == leaf
            and note.fault in USELESS
            and "any" not in (leaf.extended_key_usages or ())
        ):
            raise CertificateUseless(
                f"no client accepts the certificate in {path}: {note.message}", "order another one"
            )


def _refusals(notes: tuple[ChainNote, ...]) -> Iterator[str]:
    """Yield what clients will refuse, except dates: those are among the other warnings."""
    for note in notes:
        if note.fault not in (ChainFault.EXPIRED, ChainFault.NOT_YET_VALID):
            yield note.message if note.fault in HARMLESS else f"clients refuse the chain: {note.message}"


def _warnings(
    chain: tuple[CertFacts, ...], found: tuple[CertFacts, ...], now: datetime, roots: TrustedRoots
) -> Iterator[str]:
    leaf, top = chain[0], chain[-1]
    if tuple(one for one in dict.fromkeys(found) if one in chain) != chain:
        yield "the certificates are in the wrong order; they are sent in the right one"
    if leaf.is_ca:
        yield "the certificate is one of a CA, which many clients refuse from a server"
    if leaf.extensions.must_staple:
        yield (
            "the certificate demands a stapled OCSP response (RFC 7633), and port443 staples none: "
            "clients that enforce it refuse; order one without must-staple"
        )
    if leaf.key.kind == "ed25519":
        yield "the key is Ed25519, which browsers do not take"
    if leaf.key.curve == "P-521":
        yield "the key is ECDSA P-521, which Chrome and Edge do not take"
    above = [one for one in found if one.subject_key == top.issuer_key and one not in chain]
    if above and not any(top.was_signed_by(one) for one in above):
        yield f"the signature on {top.subject} was not made by the {top.issuer} that is in the file"
    elif stray := _stray(chain, found):
        yield _unlinked(top, stray, is_open=not (above or top.is_self_signed or roots.named(top.issuer_key)))
    elif not _is_complete(chain, found, roots):
        yield f"the chain may be incomplete: the certificate of {top.issuer} is not in it"
    for one in chain[1:]:
        if not one.is_valid_at(now):
            yield f"the intermediate {one.subject} ended {one.not_after:%Y-%m-%d} or has not begun"
    ends = min(one.not_after for one in chain)
    if now < ends < now + SOON:
        yield f"it ends {ends:%Y-%m-%d %H:%M} UTC"


def _stray(chain: tuple[CertFacts, ...], found: tuple[CertFacts, ...]) -> list[CertFacts]:
    """Return what cannot be above the leaf; another certificate of its key is an old or a new one."""
    linked = reachable(chain[0], found)
    return [one for one in dict.fromkeys(found) if one not in linked and one.spki != chain[0].spki]


def _unlinked(top: CertFacts, stray: list[CertFacts], *, is_open: bool) -> str:
    """Name the certificates that are left out; `is_open` when the issuer of `top` is not known."""
    issuers = {one.issuer_key for one in stray if not one.is_self_signed}
    lowest = next((one for one in stray if one.is_ca and one.subject_key not in issuers), None)
    listed = ", ".join(str(one.subject) for one in stray[:NAMED_AT_MOST])
    more = f" and {len(stray) - NAMED_AT_MOST} more" if len(stray) > NAMED_AT_MOST else ""
    left_out = f"what does not link into the chain is not sent: {listed}{more}"
    if not (is_open and lowest):
        return left_out
    return (
        f"{left_out}; one is missing between {top.subject} and {lowest.subject}: {top.issuer}, "
        f"or {lowest.subject} is of another chain"
    )


def _is_complete(chain: tuple[CertFacts, ...], found: tuple[CertFacts, ...], roots: TrustedRoots) -> bool:
    """Whether a client can find its root from here, as far as that is known without that client's roots."""
    top = chain[-1]
    issuers = [*roots.named(top.issuer_key), *(one for one in found if one.subject_key == top.issuer_key)]
    if top.is_self_signed or any(top.was_signed_by(one) for one in issuers):
        return True
    # Some unknown root may have signed an intermediate; hardly any signs a leaf.
    return len(chain) > 1
