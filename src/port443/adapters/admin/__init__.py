"""The admin socket: a request is one JSON line, and so is its answer."""

from port443.adapters.admin.client import ask
from port443.adapters.admin.server import AdminSocket, lease_of
from port443.adapters.admin.verbs import AdminClient, RequestUnknown, answerer

__all__ = [
    "AdminClient",
    "AdminSocket",
    "RequestUnknown",
    "answerer",
    "ask",
    "lease_of",
]
