"""What of an order outlives the process: as little as it takes to go on with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from port443.core.errors import SettingsError
from port443.core.names import HostName, IPName, SiteName, parse_site_name


@dataclass(frozen=True, slots=True)
class OrderState:
    """One order at one CA, for one account and one certificate key.

    Everything else is the CA's to tell: whoever has the order's URL asks it where the order stands.
    """

    names: tuple[SiteName, ...]
    profile: str | None = None
    replaces: str | None = None
    """The `certificate_id` of what this one replaces (RFC 9773 §5); gone once the CA refused it."""
    order_url: str | None = None
    """None: nothing is on order, not yet or not any more."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values, for a store."""
        return {
            "names": [str(name) for name in self.names],
            "profile": self.profile,
            "replaces": self.replaces,
            "order_url": self.order_url,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "OrderState":
        """Read what `to_json` wrote; raises ValueError when it is something else."""
        names = value.get("names")
        texts = [value.get(key) for key in ("profile", "replaces", "order_url")]
        if not isinstance(names, list) or not names or any(not isinstance(t, str | None) for t in texts):
            raise ValueError(f"this is no order: {value!r}"[:200])
        try:
            parsed = tuple(parse_site_name(str(name)) for name in names)
        except SettingsError as error:
            raise ValueError(f"this is no order: {error.message}") from error
        profile, replaces, order_url = (text if isinstance(text, str) else None for text in texts)
        return cls(parsed, profile, replaces, order_url)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """The one order of a lineage that is under way."""

    lineage: str
    directory: str
    email: str
    state: OrderState
    """What the order continues from after a restart."""
    key_pkcs8: bytes = field(repr=False)
    """The key of the certificate that is to come."""
    created_at: datetime

    @property
    def is_ordered(self) -> bool:
        """Whether the CA has the order, so that it can continue."""
        return self.state.order_url is not None


def identifier(name: SiteName) -> dict[str, str]:
    """Return a name as ACME has it (RFC 8555 §9.7.7, RFC 8738 §3)."""
    return {"type": "ip" if isinstance(name, IPName) else "dns", "value": name.text}


def named(kind: str, value: str) -> SiteName:
    """Read an identifier; raises `NameInvalid`."""
    return IPName.parse(value) if kind == "ip" else HostName.parse(value)
