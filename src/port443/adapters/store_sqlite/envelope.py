"""Private keys at rest: each under a key of its own, bound to the row that it belongs to."""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from port443.adapters.store_sqlite.errors import SecretUnreadable
from port443.ports import KeyWrapper

NONCE_OCTETS = 12
KEY_BITS = 256


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it lies in the database."""

    wrapped_key: bytes
    content: bytes
    """Nonce, ciphertext, tag."""


def context(lineage: str, number: int, purpose: str) -> bytes:
    """Return what binds a secret to its row, so that no row can be put in another's place."""
    return f"{lineage}|{number}|{purpose}".encode()


def seal(secret: bytes, bound_to: bytes, wrapper: KeyWrapper) -> Sealed:
    """Encrypt under a fresh key (AES-256-GCM) and have that key wrapped."""
    key = AESGCM.generate_key(KEY_BITS)
    nonce = os.urandom(NONCE_OCTETS)
    content = nonce + AESGCM(key).encrypt(nonce, secret, bound_to)
    return Sealed(wrapper.wrap(key, bound_to), content)


def unseal(sealed: Sealed, bound_to: bytes, wrapper: KeyWrapper) -> bytes:
    """Decrypt; raises `SecretUnreadable` when a bit differs or the secret belongs to another row."""
    key = wrapper.unwrap(sealed.wrapped_key, bound_to)
    nonce, content = sealed.content[:NONCE_OCTETS], sealed.content[NONCE_OCTETS:]
    try:
        return AESGCM(key).decrypt(nonce, content, bound_to)
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadable(f"the private key of {bound_to.decode()} cannot be decrypted") from error
