"""Which names an issuer's name constraints leave it (RFC 5280 §4.2.1.10)."""

import ipaddress
from collections.abc import Iterable

from port443.core.names import HostName, SiteName
from port443.core.x509.extensions import NameConstraints, NameTree


def names_refused(names: Iterable[SiteName], constraints: NameConstraints) -> tuple[SiteName, ...]:
    """Return those of `names` that an issuer with `constraints` may not certify."""
    return tuple(
        name
        for name in names
        if not _permitted(name, constraints.permitted) or _excluded(name, constraints.excluded)
    )


def _permitted(name: SiteName, tree: NameTree) -> bool:
    if isinstance(name, HostName):
        base = name.text.removeprefix("*.")
        return not tree.domains or any(_below(base, domain) for domain in tree.domains)
    return not tree.networks or _in_networks(name.text, tree)


def _excluded(name: SiteName, tree: NameTree) -> bool:
    if not isinstance(name, HostName):
        return _in_networks(name.text, tree)
    base = name.text.removeprefix("*.")
    # A wildcard also stands for names below it, so an excluded name there is one it could be used for.
    return any(
        _below(base, domain) or (name.is_wildcard and _below(domain.removeprefix("."), base))
        for domain in tree.domains
    )


def _below(name: str, domain: str) -> bool:
    # With a leading dot the domain itself is left out: not in RFC 5280, but what clients do.
    if domain.startswith("."):
        return name.endswith(domain)
    return not domain or name == domain or name.endswith("." + domain)


def _in_networks(text: str, tree: NameTree) -> bool:
    address = ipaddress.ip_address(text)
    return any(address in network for network in tree.networks)
