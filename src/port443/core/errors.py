"""The tree of all errors. It must not know who prints them.

Port443Error
├── SettingsError      P443-E1xx   the settings file, or a flag
├── CertificateError   P443-E2xx   certificates, keys, the local CA
├── EdgeError          P443-E3xx   the edge process and its socket
├── ServeError         P443-E4xx   `port443 serve` and its admin socket
├── ScanError          P443-E5xx   the scanner
└── StoreError         P443-E6xx   the state directory and its database

Codes are never reused. What the edge itself answers is P443-E35x and up: `contract/errors.json`.
"""

from datetime import datetime
from typing import ClassVar, Literal

Fault = Literal["operator", "peer", "machine", "port443"]


class Port443Error(Exception):
    """An error that a person can act on: a stable code, whose fault it is, and the next step."""

    code: ClassVar[str] = "P443-E000"
    fault: ClassVar[Fault] = "port443"
    retry: ClassVar[bool] = False
    retry_at: datetime | None = None
    """Before this moment trying again can only fail; None: nothing is known of that."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def report(self) -> str:
        """Return the text before the message: positions and excerpts, or nothing."""
        return ""

    def facts(self) -> dict[str, object]:
        """Return the members of a JSON answer besides code, message and hint."""
        return {}


class SettingsError(Port443Error):
    """The settings file or a flag is wrong."""

    code = "P443-E100"
    fault = "operator"


class CertificateError(Port443Error):
    """A certificate or a key cannot be made, read or used."""

    code = "P443-E200"


class EdgeError(Port443Error):
    """The edge process cannot be reached, or refused a request."""

    code = "P443-E300"


class ServeError(Port443Error):
    """`port443 serve` cannot start or continue."""

    code = "P443-E400"


class ScanError(Port443Error):
    """A scan could not be made."""

    code = "P443-E500"


class StoreError(Port443Error):
    """The state directory or its database cannot be used."""

    code = "P443-E600"
