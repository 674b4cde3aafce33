"""Connections to other machines, for probes."""

from port443.adapters.dial.dialler import Dialler

__all__ = ["Dialler"]
