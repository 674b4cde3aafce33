"""Bounds of the contract that no single field states; the edge has them from here."""

CONTRACT = 1
"""The version of the contract; independent of the package's version."""
MAX_INTEGER = 2**53 - 1
"""Integers stay where every JSON reader keeps them exact (RFC 8259 §6)."""
MAX_FRAME = 64 * 2**20
"""The longest frame, without its length."""
MAX_DESCRIPTORS = 253
"""`SCM_MAX_FD`: one message carries no more (unix(7))."""
MAX_PUT_PARTS = 100_000
"""The most parts that one request brings."""
MAX_EXPECTED_PEERS = 1024
"""The most addresses of the control plane's own handshakes that one request announces."""
MAX_WORKERS = 1024
"""The greatest number of a worker."""
DAY_MS = 86_400_000
"""The longest that anything is waited for."""
MAX_EVENT_TEXT = 512
"""The longest text that a client can bring into an event, in bytes."""
MAX_NAMES = 4096
"""The most names of one site or certificate."""
MAX_SITES = 100_000
MAX_SERVERS = 1024
"""The most servers of one pool."""
MAX_TICKET_KEYS = 8
