"""Distinguished names (X.501), read leniently: a text to show, and a form to compare.

Real certificates hold what the standard does not allow: a PrintableString with `*`, `&`, `_` or `@`, Latin-1
in a TeletexString, UTF-8 in anything. No client refuses them for that, so nothing here does; what departs
from the standard is noted as a flaw.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from port443.core import der

UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, VISIBLE, UNIVERSAL, BMP = 12, 18, 19, 20, 22, 26, 28, 30
STRING_NAMES = {
    UTF8: "UTF8String",
    NUMERIC: "NumericString",
    PRINTABLE: "PrintableString",
    TELETEX: "TeletexString",
    IA5: "IA5String",
    VISIBLE: "VisibleString",
    UNIVERSAL: "UniversalString",
    BMP: "BMPString",
}
ENCODINGS = {UTF8: "utf-8", UNIVERSAL: "utf-32-be", BMP: "utf-16-be"}
ALLOWED = {
    PRINTABLE: re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*"),
    NUMERIC: re.compile(r"[0-9 ]*"),
    IA5: re.compile(r"[\x00-\x7f]*"),
    VISIBLE: re.compile(r"[\x20-\x7e]*"),
}
GO_REFUSES = {
    PRINTABLE: re.compile(r"[^A-Za-z0-9 '()+,\-./:=?*&]"),
    IA5: re.compile(r"[^\x00-\x7f]"),
    UNIVERSAL: re.compile(r""),
}
COMMON_NAME, EMAIL = "2.5.4.3", "1.2.840.113549.1.9.1"
# RFC 4514 §3; the rest stands in dots.
SHORT_NAMES = {
    COMMON_NAME: "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
SPECIAL = re.compile(r'([\\"+,;<>])')


@dataclass(frozen=True, slots=True)
class Attribute:
    """One type and value of a name."""

    oid: str
    tag: int
    text: str | None
    """None when the value is no string."""
    whole: bytes
    """The value with tag and length."""

    def __str__(self) -> str:
        """Write it as RFC 4514 has it."""
        value = f"#{self.whole.hex()}" if self.text is None else _escaped(self.text)
        return f"{SHORT_NAMES.get(self.oid, self.oid)}={value}"

    @property
    def compared(self) -> tuple[str, str | bytes]:
        """The form in which two matching attributes are equal (RFC 5280 §7.1, RFC 4518)."""
        return self.oid, self.whole if self.text is None else _prepared(self.text)


RDN = tuple[Attribute, ...]
NameKey = tuple[frozenset[tuple[str, str | bytes]], ...]
"""A name in its form for comparing: string types, case and white space make no difference."""


@dataclass(frozen=True, slots=True)
class DirectoryName:
    """A name as its relative parts, the most general first."""

    parts: tuple[RDN, ...] = ()

    @classmethod
    def read(cls, octets: bytes) -> "DirectoryName":
        """Read the DER of a Name; raises `DERMalformed` when its structure is broken."""
        return cls(
            tuple(
                tuple(_attribute(one) for one in part.children())
                for part in der.only(octets, der.SEQUENCE).children()
            )
        )

    def __str__(self) -> str:
        """Write it as RFC 4514 has it: the most special part first."""
        return ",".join("+".join(map(str, part)) for part in reversed(self.parts))

    @property
    def key(self) -> NameKey:
        return tuple(frozenset(one.compared for one in part) for part in self.parts)

    def values(self, oid: str) -> tuple[str, ...]:
        """Return the texts of every attribute of a type."""
        return tuple(
            one.text for part in self.parts for one in part if one.oid == oid and one.text is not None
        )

    @property
    def unread_by_go(self) -> str | None:
        """Return why Go's parser refuses the name, and the whole certificate with it."""
        for one in (one for part in self.parts for one in part):
            refused = GO_REFUSES.get(one.tag)
            if one.text is not None and refused and refused.search(one.text):
                return f"{one}, a {STRING_NAMES[one.tag]}"
        return None

    @property
    def flaws(self) -> tuple[str, ...]:
        """The deviations from the standard."""
        return tuple(_flaws(one for part in self.parts for one in part))


def _attribute(pair: der.Element) -> Attribute:
    oid, value = pair.children()
    return Attribute(der.object_identifier(oid.content), value.tag, _text(value), value.whole)


def _text(value: der.Element) -> str | None:
    if value.tag not in STRING_NAMES:
        return None
    try:
        return value.content.decode(ENCODINGS.get(value.tag, "utf-8"))
    except UnicodeDecodeError:
        # A TeletexString is nearly always Latin-1, which loses no octet.
        return value.content.decode("latin-1")


def _flaws(attributes: Iterable[Attribute]) -> Iterator[str]:
    for one in attributes:
        allowed = ALLOWED.get(one.tag)
        if one.text is not None and allowed and not allowed.fullmatch(one.text):
            strange = "".join(dict.fromkeys(char for char in one.text if not allowed.fullmatch(char)))
            yield f"{STRING_NAMES[one.tag]} may not hold {strange!r}, as in {one}"


def _escaped(text: str) -> str:
    """Escape the characters of RFC 4514 §2.4."""
    escaped = SPECIAL.sub(r"\\\1", text).replace("\x00", "\\00")
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    if escaped[-1:] == " " and len(text) > 1:
        escaped = escaped[:-1] + "\\ "
    return escaped


def _prepared(text: str) -> str:
    """Fold case, forms and white space (RFC 4518 §2)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
