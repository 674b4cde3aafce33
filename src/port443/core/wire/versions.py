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
        return LABELS[self]


LABELS = {
    Version.SSL_2: "SSL 2.0",
    Version.SSL_3: "SSL 3.0",
    Version.TLS_1_0: "TLS 1.0",
    Version.TLS_1_1: "TLS 1.1",
    Version.TLS_1_2: "TLS 1.2",
    Version.TLS_1_3: "TLS 1.3",
}


def version_label(code: int) -> str:
    """Name a code point, known or not."""
    return LABELS[Version(code)] if code in set(LABELS) else f"0x{code:04x}"
