"""URLs that a CA gives: each is held to the origin of its directory before anything is sent there."""

import re

from port443.core.acme.errors import CAReplyInvalid

MAX_URL = 2048
SHOWN = 80
# RFC 3986 without what nobody needs here: user names, fragments, an empty path.
URL = re.compile(
    r"https://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
PARENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


def origin(url: str) -> tuple[str, int] | None:
    """Return the host and port of an https URL; None when it is not one that we send anything to."""
    found = URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None or any(PARENT.fullmatch(segment) for segment in found["path"].split("/")):
        return None
    port = int(found["port"] or 443)
    return (found["host"].lower(), port) if 0 < port <= 65535 else None


def held_to(base: str, link: str, what: str) -> str:
    """Return `link` when it is of the same origin as `base`, a URL that is trusted; else raise.

    A CA that leads elsewhere, or somebody who changed its replies, could else make us ask any machine
    that we reach.
    """
    found = origin(link)
    if found is None or found != origin(base):
        raise CAReplyInvalid(
            f"the CA at {host_of(base)} gave a URL for its {what} that is not its own: {link[:SHOWN]!r}",
            "look at the directory's URL; behind a proxy a CA must give URLs of the proxy",
        )
    return link


def host_of(url: str) -> str:
    """Return the host and port of a URL for messages, without a port that goes without saying."""
    found = origin(url)
    if found is None:
        return url[:SHOWN]
    host, port = found
    return host if port == 443 else f"{host}:{port}"
