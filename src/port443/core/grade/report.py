"""The result of a scan: the facts, the findings of the rules, and the grade."""

from dataclasses import dataclass
from datetime import datetime

from port443.core.errors import Port443Error, ScanError
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Grade, Judgement
from port443.core.names import Endpoint, SiteName

Place = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """The server to scan."""

    host: SiteName
    port: int = 443
    server_name: SiteName | None = None
    """The server name to send, when it differs from `host`."""
    connect: Endpoint | None = None
    """The address to connect to, instead of the resolver's answer."""

    @property
    def name(self) -> SiteName:
        """The server name that is sent, and that the certificate must match."""
        return self.server_name or self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host.text else self.host.text
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Report:
    """One finished scan."""

    target: ScanTarget
    endpoint: Endpoint
    others: tuple[Endpoint, ...]
    """Further addresses of the name, which were not scanned."""
    unreached: tuple["Unreachable", ...]
    """Addresses that were tried before this one, and accepted no connection."""
    started: datetime
    took_s: float
    connections: int
    facts: ScanFacts
    judgement: Judgement
    grade: Grade


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An address of the name that takes no connection."""

    endpoint: Endpoint
    error: ScanError


@dataclass(frozen=True, slots=True)
class Failure:
    """A scan that could not be made."""

    target: ScanTarget
    started: datetime
    error: Port443Error
