"""Bounds of the contract that no single field states; the edge has them from here."""

from port443.core import names

CONTRACT = 2
"""The version of the contract; independent of the package's version."""
MAX_INTEGER = 2**53 - 1
"""Integers stay where every JSON reader keeps them exact (RFC 8259 §6)."""
MAX_FRAME = 64 * 2**20
"""The longest frame, without its length."""
MAX_DESCRIPTORS = 253
"""`SCM_MAX_FD`: the most descriptors of one message (unix(7))."""
MAX_PUT_PARTS = 100_000
"""The most parts of one request."""
MAX_EXPECTED_PEERS = 1024
"""The most addresses of the control plane's own handshakes that one request announces."""
MAX_WORKERS = 1024
"""The most workers of an edge; they count from 0."""
MAX_LISTENERS = 256
"""The most listeners of a snapshot."""
LISTENER_BACKLOG = 4096
"""Connections that wait for a worker, or for another edge; the system's own bound is `net.core.somaxconn`."""
RESPONSE_FIELDS = 128
"""The fields that a response may have, where fewer are allowed for requests."""
MAX_HOST_NAME = names.MAX_NAME
"""The longest host name, without a final dot (RFC 1035 §2.3.4)."""
MAX_HOST_LABEL = names.MAX_LABEL
"""The longest part of a host name between dots (RFC 1035 §2.3.4)."""
MAX_ID = 512
"""The longest free text that names something, in bytes."""
DAY_MS = 86_400_000
"""The longest that anything is waited for."""
MAX_EVENT_TEXT = 512
"""The longest text from a client in an event, in bytes."""
MAX_NAMES = 4096
"""The most names of one site or certificate."""
MAX_SITES = 100_000
MAX_SERVERS = 1024
"""The most servers of one pool."""
MAX_TICKET_KEYS = 8
MAX_CHALLENGES = 4096
"""The most ACME challenges of one kind that are answered at once."""
MAX_ACME_TOKEN = 256
"""The longest token of an ACME challenge; RFC 8555 §8.1 asks for 22 characters at least."""
