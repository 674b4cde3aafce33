"""Cipher suites: key exchange, authentication, cipher and strength, parsed from the name."""

from dataclasses import dataclass
from functools import cache

from port443.core.wire.suite_names import suite_names

RENEGOTIATION_SCSV = 0x00FF  # RFC 5746 §3.3
CODES_13 = frozenset((*range(0x1301, 0x1308), 0x00C6, 0x00C7, 0xC0B4, 0xC0B5, *range(0xC103, 0xC107)))
BITS = (  # the first part found in the name decides
    ("NULL", 0), ("RC4_40", 40), ("RC2_CBC_40", 40), ("DES40", 40), ("DES_CBC_40", 40),
    ("RC4_56", 56), ("RC2_CBC_56", 56), ("3DES", 112), ("DES_CBC", 56), ("RC4_128", 128), ("IDEA", 128),
    ("FORTEZZA_CBC", 80), ("SEED", 128), ("CHACHA20", 256), ("AEGIS_256", 256), ("AEGIS_128L", 128),
    ("SM4", 128), ("28147", 256), ("KUZNYECHIK", 256), ("MAGMA", 256), ("SHA256_SHA256", 0),
    ("SHA384_SHA384", 0), ("_128", 128), ("_256", 256),
)  # fmt: skip
AEAD_MARKS = ("_GCM", "_CCM", "CHACHA20_POLY1305", "AEGIS", "_MGM_")
BLOCK_64_MARKS = ("3DES", "DES_CBC", "DES40", "IDEA", "RC2", "28147", "MAGMA")


COMMON = (
    0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009E, 0x009F, 0xC009, 0xC013, 0xC014, 0x0033,
    0x002F, 0x0035, 0x000A, 0x0005, 0xC00A, 0x009C, 0x009D, 0x0039, 0x003C, 0x003D, 0x0016, 0x0004,
    0xC023, 0xC024, 0xC027, 0xC028, 0x0067, 0x006B, 0xC012, 0xC011, 0x0032, 0x0038, 0x0009, 0x0003,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite."""

    code: int
    name: str
    key_exchange: str
    authentication: str
    bits: int

    @property
    def is_anonymous(self) -> bool:
        """Whether the server is not authenticated."""
        return self.authentication == "anon"

    @property
    def is_null(self) -> bool:
        """Whether it does not encrypt."""
        return self.bits == 0

    @property
    def is_export(self) -> bool:
        return "_EXPORT" in self.name

    @property
    def is_aead(self) -> bool:
        return any(mark in self.name for mark in AEAD_MARKS)

    @property
    def is_rc4(self) -> bool:
        return "_RC4_" in self.name

    @property
    def is_cbc(self) -> bool:
        return "_CBC" in self.name

    @property
    def has_64_bit_blocks(self) -> bool:
        return any(mark in self.name for mark in BLOCK_64_MARKS)

    @property
    def is_forward_secret(self) -> bool:
        """Whether a key stolen later opens nothing that was recorded; an anonymous suite has no such key."""
        return self.is_anonymous or self.key_exchange in {"ECDHE", "DHE", "ECCPWD", "TLS 1.3"}


@cache
def all_suites() -> dict[int, Suite]:
    """Return every suite known here, by code point."""
    return {code: _read(code, name) for code, name in suite_names().items()}


def suite(code: int) -> Suite:
    """Return a suite, also one without a registered name."""
    return all_suites().get(code) or Suite(code, f"0x{code:04X}", "unknown", "unknown", 128)


@cache
def suites_13() -> tuple[int, ...]:
    """Return what a TLS 1.3 hello can offer, the common ones first."""
    return tuple(code for code in all_suites() if code >> 8 == 0x13) + tuple(
        code for code in all_suites() if code in CODES_13 and code >> 8 != 0x13
    )


@cache
def suites_legacy() -> tuple[int, ...]:
    """Return what a hello up to TLS 1.2 can offer, the strong ones first."""
    return tuple(sorted((c for c in all_suites() if c not in CODES_13), key=lambda code: _rank(suite(code))))


@cache
def suites_by_use() -> tuple[int, ...]:
    """Return the same with those first that servers of all ages use: a short hello has to fit them all."""
    return tuple(dict.fromkeys((*COMMON, *suites_legacy())))


def _rank(known: Suite) -> tuple[bool, bool, bool, bool, int, int]:
    # A server that reads only the start of a long list should find what it supports there.
    common = known.authentication in {"RSA", "ECDSA"}
    swift = known.key_exchange == "ECDHE"
    secret = known.is_forward_secret
    return (not common, not secret, not known.is_aead, not swift, -known.bits, known.code)


def _read(code: int, name: str) -> Suite:
    bits = next(bits for mark, bits in BITS if mark in name)
    if code in CODES_13:
        return Suite(code, name, "TLS 1.3", "certificate", bits)
    exchange, authentication = _exchange(name.removeprefix("TLS_").partition("_WITH_")[0])
    return Suite(code, name, exchange, authentication, bits)


def _exchange(text: str) -> tuple[str, str]:
    """Part `ECDHE_RSA` into key exchange and authentication."""
    bare = text.replace("_EXPORT1024", "").replace("_EXPORT", "").replace("_FIPS", "")
    if bare in {"RSA", "PSK", "KRB5", "ECCPWD"} or bare.startswith(("GOST", "FORTEZZA")):
        return bare, bare
    if bare.startswith("SRP_SHA"):
        return "SRP", bare.removeprefix("SRP_SHA").removeprefix("_") or "SRP"
    if bare == "PSK_DHE":
        return "DHE", "PSK"
    exchange, _, authentication = bare.partition("_")
    return exchange, authentication
