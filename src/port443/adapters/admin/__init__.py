"""The admin socket: one JSON line asks, one JSON line answers."""

from port443.adapters.admin.client import ask
from port443.adapters.admin.server import AdminSocket

__all__ = ["AdminSocket", "ask"]
