"""The admin socket: one JSON line asks, one JSON line answers."""

from port443.adapters.admin.client import NoAnswer, NotRunning, ask
from port443.adapters.admin.server import AdminSocket, lease_of

__all__ = ["AdminSocket", "NoAnswer", "NotRunning", "ask", "lease_of"]
