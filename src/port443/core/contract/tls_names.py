"""The closed sets of names in documents: those of a TLS policy as IANA spells them, and those of listeners.

The edge has them from here.
"""

from enum import StrEnum
from typing import assert_never


class TlsVersion(StrEnum):
    """A version of TLS that the edge supports."""

    TLS12 = "1.2"
    TLS13 = "1.3"


class CipherSuite(StrEnum):
    """A forward-secret AEAD cipher suite (RFC 8446, RFC 5289, RFC 7905)."""

    TLS13_AES_128_GCM_SHA256 = "TLS_AES_128_GCM_SHA256"
    TLS13_AES_256_GCM_SHA384 = "TLS_AES_256_GCM_SHA384"
    TLS13_CHACHA20_POLY1305_SHA256 = "TLS_CHACHA20_POLY1305_SHA256"
    ECDHE_ECDSA_AES_128_GCM_SHA256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    ECDHE_ECDSA_AES_256_GCM_SHA384 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    ECDHE_ECDSA_CHACHA20_POLY1305_SHA256 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    ECDHE_RSA_AES_128_GCM_SHA256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    ECDHE_RSA_AES_256_GCM_SHA384 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    ECDHE_RSA_CHACHA20_POLY1305_SHA256 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"


class Group(StrEnum):
    """A key exchange group."""

    X25519_MLKEM768 = "X25519MLKEM768"
    X25519 = "x25519"
    SECP256R1 = "secp256r1"
    SECP384R1 = "secp384r1"
    SECP256R1_MLKEM768 = "SecP256r1MLKEM768"


class Alpn(StrEnum):
    """An application protocol (RFC 7301)."""

    H2 = "h2"
    HTTP11 = "http/1.1"


class Transport(StrEnum):
    """The transport of a listener."""

    TCP = "tcp"
    """Connections, accepted from a listening socket."""


class Role(StrEnum):
    """The protocol of a listener."""

    HTTPS = "https"
    """TLS, with HTTP inside."""
    REDIRECT = "redirect"
    """Plain HTTP, answered by redirects to https."""

    @property
    def transport(self) -> Transport:
        """Its transport: another transport is another role, and so another listener."""
        match self:
            case Role.HTTPS | Role.REDIRECT:
                return Transport.TCP
            case _:
                assert_never(self)
