"""The admin socket: one JSON line asks, one JSON line answers."""

from port443.adapters.admin.client import NotRunning, ask, is_held
from port443.adapters.admin.server import AdminSocket

__all__ = ["AdminSocket", "NotRunning", "ask", "is_held"]
