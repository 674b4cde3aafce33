"""The adapters of a scan: beside `wiring`, so that a scan does not load all that serves."""

from datetime import UTC, datetime
from pathlib import Path

from port443 import BUILT
from port443.adapters.clock import SystemClock
from port443.adapters.dial import Dialler
from port443.adapters.roots import SystemRoots, load_roots
from port443.core.renew.clock import clock_fault
from port443.core.x509.path import TrustedRoots

__all__ = ["believable_now", "make_dial", "make_roots"]

BUILT_AT = datetime.fromisoformat(BUILT).replace(tzinfo=UTC)


def make_dial() -> Dialler:
    """Make the way to other machines."""
    return Dialler()


def make_roots(path: Path | None) -> TrustedRoots:
    """Read the roots of a file, or those of the system."""
    return SystemRoots()() if path is None else load_roots(path)


def believable_now() -> datetime:
    """Return the time; raises `ClockWrong` when it cannot be that."""
    now = SystemClock().now()
    if wrong := clock_fault(now, BUILT_AT):
        raise wrong
    return now
