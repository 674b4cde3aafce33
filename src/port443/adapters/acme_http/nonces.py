"""The nonces that a CA has given and nobody has used (RFC 8555 §6.5)."""

import re
from collections import deque

NONCE = re.compile(r"[A-Za-z0-9_-]{1,512}")
KEPT = 64


class NoncePool:
    """Gives the newest first: CAs forget the old ones."""

    def __init__(self) -> None:
        self._unused: deque[str] = deque(maxlen=KEPT)

    def put(self, nonce: str | None) -> None:
        """Keep a nonce for a later request; what is none is passed over."""
        if nonce and NONCE.fullmatch(nonce):
            self._unused.append(nonce)

    def take(self) -> str | None:
        return self._unused.pop() if self._unused else None
