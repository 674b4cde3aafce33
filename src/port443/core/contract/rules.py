"""Rules on a document's fields: what the reader checks and what the JSON Schema declares."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from port443.core.contract.bounds import MAX_ACME_TOKEN, MAX_ID, MAX_WORKERS
from port443.core.names import Endpoint, HostName, NameInvalid, parse_site_name

CONTROL = r"[\x00-\x1f\x7f-\x9f]"


@runtime_checkable
class Rule(Protocol):
    """One check of one value whose type is right already."""

    def fault(self, value: Any) -> "Fault | None":
        """Return the fault of a value, or nothing."""
        ...

    def keywords(self) -> dict[str, Any]:
        """Return the rule in JSON Schema, as far as it can be expressed."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """The fault, and its path below the value (`[3]`, or empty for the value itself)."""

    why: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """An integer between two bounds, both included."""

    least: int
    most: int

    def fault(self, value: int) -> Fault | None:
        inside = self.least <= value <= self.most
        return None if inside else Fault(f"must be from {self.least} to {self.most}")

    def keywords(self) -> dict[str, Any]:
        return {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class TcpPort(Range):
    """A port that something can listen on."""

    least: int = 1
    most: int = 65535


@dataclass(frozen=True, slots=True)
class WorkerIndex(Range):
    """One of the edge's workers, which count from 0."""

    least: int = 0
    most: int = MAX_WORKERS - 1


@dataclass(frozen=True, slots=True)
class Size:
    """How many entries an array or object holds."""

    least: int
    most: int

    def fault(self, value: Sequence[Any]) -> Fault | None:
        inside = self.least <= len(value) <= self.most
        return None if inside else Fault(f"must have {self.least} to {self.most} entries, not {len(value)}")

    def keywords(self) -> dict[str, Any]:
        return {"minItems": self.least, "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class Unique:
    """No entry is a duplicate."""

    def fault(self, value: Sequence[Any]) -> Fault | None:
        twice = (index for index, entry in enumerate(value) if entry in value[:index])
        index = next(twice, None)
        return None if index is None else Fault("is a duplicate", f"[{index}]")

    def keywords(self) -> dict[str, Any]:
        return {"uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Sorted:
    """Entries are sorted by code point, without duplicates."""

    def fault(self, value: Sequence[str]) -> Fault | None:
        falls = (index for index in range(1, len(value)) if value[index - 1] >= value[index])
        index = next(falls, None)
        return None if index is None else Fault("must come after the entry before it", f"[{index}]")

    def keywords(self) -> dict[str, Any]:
        return {"uniqueItems": True}


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text out of a closed set."""

    choices: type[StrEnum]

    def fault(self, value: str) -> Fault | None:
        return None if value in list(self.choices) else Fault(f"must be one of {', '.join(self.choices)}")

    def keywords(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that a regular expression describes whole."""

    expression: str
    meaning: str

    def fault(self, value: str) -> Fault | None:
        return None if re.fullmatch(self.expression, value) else Fault(f"must be {self.meaning}")

    def keywords(self) -> dict[str, Any]:
        return {"pattern": f"^{self.expression}$"}


@dataclass(frozen=True, slots=True)
class AcmeToken(Pattern):
    """The token of an ACME challenge (RFC 8555 §8.1)."""

    expression: str = f"[A-Za-z0-9_-]{{1,{MAX_ACME_TOKEN}}}"
    meaning: str = f"1 to {MAX_ACME_TOKEN} characters of base64url"


@dataclass(frozen=True, slots=True)
class KeyAuthorisation(Pattern):
    """A token, and behind a dot the SHA-256 thumbprint of an account key (RFC 8555 §8.1)."""

    expression: str = f"[A-Za-z0-9_-]{{1,{MAX_ACME_TOKEN}}}\\.[A-Za-z0-9_-]{{43}}"
    meaning: str = "a token, a dot and 43 characters of base64url"


@dataclass(frozen=True, slots=True)
class Named:
    """A host name in A-labels or an IP address, in the one spelling of the contract."""

    wildcard: bool = True

    def fault(self, value: str) -> Fault | None:
        try:
            name = parse_site_name(value)
        except NameInvalid:
            return Fault("must be a host name in lower-case A-labels or an IP address")
        if name.text != value:
            return Fault(f"must be spelled {name.text}")
        if isinstance(name, HostName) and name.is_wildcard and not self.wildcard:
            return Fault("must not be a wildcard")
        return None

    def keywords(self) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": 255}


@dataclass(frozen=True, slots=True)
class Label:
    """A free text that names something: not empty, bounded, and without control characters."""

    most_bytes: int = MAX_ID

    def fault(self, value: str) -> Fault | None:
        fits = 1 <= len(value.encode()) <= self.most_bytes and not re.search(CONTROL, value)
        return None if fits else Fault(f"must be 1 to {self.most_bytes} bytes of visible text")

    def keywords(self) -> dict[str, Any]:
        return {
            "minLength": 1,
            "maxLength": self.most_bytes,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        }


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """`192.0.2.1:443` or `[2001:db8::1]:443`."""

    def fault(self, value: str) -> Fault | None:
        try:
            endpoint = Endpoint.parse(value)
        except NameInvalid:
            return Fault("must be an IP address and a port, as in 192.0.2.1:443 or [2001:db8::1]:443")
        return None if str(endpoint) == value else Fault(f"must be spelled {endpoint}")

    def keywords(self) -> dict[str, Any]:
        return {"pattern": r"^([0-9.]+|\[[0-9a-f:.]+\]):[0-9]{1,5}$"}


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a connection comes from: an IP address, which may have a scope (RFC 4007 §11), and a port."""

    def fault(self, value: str) -> Fault | None:
        address, _, port = value.rpartition(":")
        return None if address and port.isdecimal() else Fault("must be an IP address and a port")

    def keywords(self) -> dict[str, Any]:
        return {"pattern": "^.+:[0-9]{1,5}$"}


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes in base64 with its padding and without a stray bit (RFC 4648 §3.5)."""

    least: int
    most: int

    def fault(self, value: str) -> Fault | None:
        try:
            content = base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            return Fault("must be base64")
        if base64.b64encode(content).decode() != value:
            return Fault("must be base64")
        inside = self.least <= len(content) <= self.most
        return None if inside else Fault(f"must hold {self.least} to {self.most} bytes, not {len(content)}")

    def keywords(self) -> dict[str, Any]:
        return {"contentEncoding": "base64", "maxLength": (self.most + 2) // 3 * 4}
