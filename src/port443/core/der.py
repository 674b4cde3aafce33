"""The little of DER (ITU-T X.690) that is needed to read an unusual certificate piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x04, 0x06
SEQUENCE = 0x30
CONTEXT = 0x80
CONSTRUCTED = 0x20
MAX_LENGTH_OCTETS = 4


class DERMalformed(ValueError):
    """The bytes are not DER. Never leaves `core`."""


@dataclass(frozen=True, slots=True)
class Element:
    """One tag with its content."""

    tag: int
    content: bytes
    whole: bytes
    """Tag, length and content, unchanged."""

    def children(self) -> tuple["Element", ...]:
        return tuple(elements(self.content))


def elements(octets: bytes) -> Iterator[Element]:
    """Split `octets` into the elements that are in it one after the other."""
    at = 0
    while at < len(octets):
        element = _element(octets, at)
        yield element
        at += len(element.whole)


def only(octets: bytes, tag: int) -> Element:
    """Return the one element of `octets`, which must have `tag` and leave nothing over."""
    element = _element(octets, 0)
    if element.tag != tag or len(element.whole) != len(octets):
        raise DERMalformed(f"tag {element.tag:#x} where {tag:#x} was due, or octets left over")
    return element


def public_key_info(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate, whole (RFC 5280 §4.1)."""
    fields = only(certificate, SEQUENCE).children()[0].children()
    # version [0] DEFAULT v1, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    return fields[6 if fields[0].tag == CONTEXT | CONSTRUCTED else 5].whole


def object_identifier(content: bytes) -> str:
    """Write an OBJECT IDENTIFIER in dots (X.690 §8.19)."""
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or content[-1] & 0x80:
        raise DERMalformed("an object identifier breaks off")
    first = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (first, arcs[0] - 40 * first, *arcs[1:]))


def bits(content: bytes) -> frozenset[int]:
    """Return the positions of the bits that are set in a BIT STRING (X.690 §8.6)."""
    if not content or content[0] > 7:
        raise DERMalformed("a bit string without its first octet")
    return frozenset(
        8 * index + bit
        for index, octet in enumerate(content[1:])
        for bit in range(8)
        if octet & (0x80 >> bit)
    )


def _element(octets: bytes, at: int) -> Element:
    start, end = _bounds(octets, at)
    return Element(octets[at], octets[start:end], octets[at:end])


def _bounds(octets: bytes, at: int) -> tuple[int, int]:
    if at + 2 > len(octets) or octets[at] & 0x1F == 0x1F:
        raise DERMalformed("an element breaks off, or its tag number is above 30")
    length, start = octets[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= MAX_LENGTH_OCTETS:
            raise DERMalformed("a length is indefinite or far too long")
        length = int.from_bytes(octets[start : start + count])
        start += count
    if start + length > len(octets):
        raise DERMalformed("an element is longer than what contains it")
    return start, start + length
