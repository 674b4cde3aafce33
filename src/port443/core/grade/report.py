"""What a scan hands over: the facts, what the rules say of them, and the grade."""

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
    """Whom to look at."""

    host: SiteName
    port: int = 443
    server_name: SiteName | None = None
    """The name to ask for, when it is another one than `host`."""
    connect: Endpoint | None = None
    """Where to connect to, in place of what the resolver says."""

    @property
    def name(self) -> SiteName:
        """The name that is asked for, and that the certificate must be good for."""
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
    """Further addresses of the name, which were not looked at."""
    unreached: tuple["Unreachable", ...]
    """Addresses that came before this one, and took no connection."""
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
