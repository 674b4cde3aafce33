"""How the settings for the values of a plan are written."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from port443.core.contract.snapshot import Limits, PoolLimits, SiteLimits

BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
NO_LIMIT = "none"
WAITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


@dataclass(frozen=True, slots=True)
class LimitSetting:
    """A number below `limits`, and the field that holds it."""

    group: str
    key: str
    holder: type[Limits | PoolLimits]
    field: str


LIMIT_SETTINGS = (
    LimitSetting("connections", "per_worker", Limits, "connections_per_worker"),
    LimitSetting("connections", "per_address", Limits, "connections_per_address"),
    LimitSetting("connections", "per_pool", PoolLimits, "connections_per_worker"),
    LimitSetting("handshakes", "per_second", Limits, "handshakes_per_second"),
    LimitSetting("handshakes", "burst", Limits, "handshakes_burst"),
    LimitSetting("header", "size", Limits, "header_bytes"),
    LimitSetting("header", "line", Limits, "header_line_bytes"),
    LimitSetting("header", "count", Limits, "header_fields"),
    LimitSetting("timeouts", "hello", Limits, "hello_timeout_ms"),
    LimitSetting("timeouts", "handshake", Limits, "handshake_timeout_ms"),
    LimitSetting("timeouts", "header", Limits, "header_timeout_ms"),
    LimitSetting("timeouts", "body", Limits, "body_timeout_ms"),
    LimitSetting("timeouts", "idle", Limits, "idle_timeout_ms"),
    LimitSetting("timeouts", "tunnel", Limits, "tunnel_timeout_ms"),
    LimitSetting("timeouts", "connect", PoolLimits, "connect_timeout_ms"),
    LimitSetting("timeouts", "first_byte", PoolLimits, "response_timeout_ms"),
    LimitSetting("timeouts", "upstream_idle", PoolLimits, "idle_timeout_ms"),
    LimitSetting("timeouts", "request", Limits, "request_timeout_ms"),
    LimitSetting("timeouts", "drain", Limits, "drain_timeout_ms"),
)
"""In the order in which they are shown. `hello_bytes` has no setting."""


def settings_of(holder: type[Limits | PoolLimits], below: str = "") -> dict[str, str]:
    """Return the setting of each field; one without a setting goes by its own name."""
    known = {one.field: f"{below}{one.group}.{one.key}" for one in LIMIT_SETTINGS if one.holder is holder}
    return {field.name: known.get(field.name, field.name) for field in fields(holder)}


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


def timeout_setting(field: str) -> str:
    """Return the setting, below `timeouts`, of a site's time-out."""
    return field.removesuffix("_timeout_ms")


def site_limits(limits: SiteLimits) -> Iterator[tuple[str, str]]:
    """Return each limit as its setting and its value as written."""
    for field in fields(SiteLimits):
        yield setting_of(field.name), written(field.name, getattr(limits, field.name))


def written(field: str, value: int | None) -> str:
    """Return a field's value as written, with the unit from the field's name."""
    if value is None:
        return NO_LIMIT
    if field.endswith("_ms"):
        return wait(value)
    return size(value) if field.endswith("_bytes") else str(value)


def in_contract(field: str, value: int) -> int | None:
    """Return the field's value for a setting as it is read: whole seconds, of which 0 are no limit."""
    return value * 1000 or None if field.endswith("_ms") else value
