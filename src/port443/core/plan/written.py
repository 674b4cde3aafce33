"""How settings write what a plan holds."""

from collections.abc import Iterator
from dataclasses import fields

from port443.core.contract.snapshot import SiteLimits

BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
NO_LIMIT = "none"
WAITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def size(count: int) -> str:
    """Return a number of bytes in its largest whole unit."""
    fits = (unit for unit in reversed(BYTES) if count >= BYTES[unit] and count % BYTES[unit] == 0)
    unit = next(fits, "B")
    return f"{count // BYTES[unit]}{unit}"


def wait(milliseconds: int | None) -> str:
    """Return a wait in its largest whole unit."""
    if milliseconds is None:
        return NO_LIMIT
    unit = next(unit for unit in WAITS if milliseconds % WAITS[unit] == 0)
    return f"{milliseconds // WAITS[unit]}{unit}"


def setting_of(field: str) -> str:
    """Return the setting of a site that one of its limits has."""
    return field.removesuffix("_bytes")


def site_limits(limits: SiteLimits) -> Iterator[tuple[str, str]]:
    """Return each limit as its setting and what is written there."""
    for field in fields(SiteLimits):
        value: int | None = getattr(limits, field.name)
        yield setting_of(field.name), _written(field.name, value)


def _written(field: str, value: int | None) -> str:
    if value is None:
        return NO_LIMIT
    return size(value) if field.endswith("_bytes") else str(value)
