"""Wishes and credentials that the tests of the plan share."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from port443.core.names import Endpoint, SiteName, parse_site_name
from port443.core.plan.desired import (
    Credential,
    Desired,
    DesiredSite,
    LocalIssuer,
    OwnCertificate,
    SiteNeeds,
    Upstream,
)
from port443.settings.show import lines


def names(*texts: str) -> tuple[SiteName, ...]:
    return tuple(parse_site_name(text) for text in texts)


def credential(*texts: str, serial: int = 1, key: bytes = b"key") -> Credential:
    """Return a credential whose chain is no certificate: the planner never looks inside."""
    leaf = f"leaf {serial} of {' '.join(texts)}".encode()
    return Credential(names(*texts), (leaf, b"intermediate"), key)


def needs_of(credentials: Mapping[str, Credential]) -> dict[str, SiteNeeds]:
    """Return what sites need that need nothing but these."""
    return {site: SiteNeeds(one) for site, one in credentials.items()}


def site(*texts: str, to: str = "127.0.0.1:9000", **wishes: object) -> DesiredSite:
    host, _, port = to.rpartition(":")
    values: dict[str, object] = {
        "id": texts[0],
        "names": names(*texts),
        "upstreams": (Upstream(host, int(port)),),
        "certificate": LocalIssuer(),
    }
    return DesiredSite(**(values | wishes))  # type: ignore[arg-type]


def desired(*sites: DesiredSite, **wishes: object) -> Desired:
    values: dict[str, object] = {
        "https": (Endpoint("127.0.0.1", 8443),),
        "http": (Endpoint("127.0.0.1", 8080),),
        "sites": sites,
        "workers": 2,
    }
    return Desired(**(values | wishes))  # type: ignore[arg-type]


OWN = OwnCertificate(PurePosixPath("shop.pem"), PurePosixPath("shop.key"))


def file_text(shown: Desired) -> str:
    """Return the settings file that `config show` prints for it."""
    return "".join(f"{text}\n" for _, text in lines(shown))
