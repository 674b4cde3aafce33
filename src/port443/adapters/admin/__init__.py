"""The admin socket: one JSON line asks, one JSON line answers."""

from port443.adapters.admin.client import NoAnswer, NotRunning, ask, holder_of
from port443.adapters.admin.server import AdminSocket

__all__ = ["AdminSocket", "NoAnswer", "NotRunning", "ask", "holder_of"]
