"""The protocol versions, by their code points."""

from enum import IntEnum


class Version(IntEnum):
    """A version of SSL or TLS, in the order of its age."""

    SSL_2 = 0x0002
    SSL_3 = 0x0300
    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304

    @property
    def label(self) -> str:
        """The version as people write it."""
        family, _, number = self.name.partition("_")
        return f"{family} {number.replace('_', '.')}"


KNOWN = frozenset(int(version) for version in Version)


def version_label(code: int) -> str:
    """Name a code point, known or not."""
    return Version(code).label if code in KNOWN else f"0x{code:04x}"
