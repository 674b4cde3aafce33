"""The store over any storage backend: private keys are encrypted before they reach it."""

from port443.adapters.sealed_store.envelope import SecretUnreadable
from port443.adapters.sealed_store.store import SealedStore, WrongKeyEncryptionKey

__all__ = ["SealedStore", "SecretUnreadable", "WrongKeyEncryptionKey"]
