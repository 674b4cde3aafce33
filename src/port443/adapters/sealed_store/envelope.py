"""Envelope encryption: each private key under its own data key, bound to its generation."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from port443.core.errors import StoreError
from port443.ports import KeyWrapper, SealedKey

NONCE_OCTETS = 12
KEY_BITS = 256
PURPOSE = "private_key"


class SecretUnreadable(StoreError):
    """A private key in the store cannot be decrypted: it is damaged, or it was moved from another row.

    Restore the state directory from a backup. The certificate of that site can also be made again:
    move the directory away and start again.
    """

    code = "P443-E619"
    fault = "machine"


def seal(secret: bytes, lineage: str, number: int, wrapper: KeyWrapper) -> SealedKey:
    """Encrypt under a fresh data key (AES-256-GCM) and wrap that key."""
    context = _context(lineage, number)
    key = AESGCM.generate_key(KEY_BITS)
    nonce = os.urandom(NONCE_OCTETS)
    content = nonce + AESGCM(key).encrypt(nonce, secret, context)
    return SealedKey(wrapper.id, wrapper.wrap(key, context), content)


def unseal(sealed: SealedKey, lineage: str, number: int, wrapper: KeyWrapper) -> bytes:
    """Decrypt; raises a `StoreError` when a bit differs or the secret belongs to another generation."""
    context = _context(lineage, number)
    key = wrapper.unwrap(sealed.wrapped_key, context)
    nonce, content = sealed.content[:NONCE_OCTETS], sealed.content[NONCE_OCTETS:]
    try:
        return AESGCM(key).decrypt(nonce, content, context)
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadable(f"the private key of {context.decode()} cannot be decrypted") from error


def _context(lineage: str, number: int) -> bytes:
    """Return the associated data that keeps a sealed key from being put in another row."""
    return f"{lineage}|{number}|{PURPOSE}".encode()
