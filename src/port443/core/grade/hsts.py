"""The Strict-Transport-Security field (RFC 6797 §6.1), and what port 80 answers."""

import re
from dataclasses import dataclass

from port443.core.errors import ScanError
from port443.core.names import SiteName
from port443.core.probe.facts import NOT_LOOKED
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.http import HTTPAnswer
from port443.core.probe.verdict import YES, Verdict, no, unknown

MAX_DIRECTIVES = 32
# RFC 3986 §3 as far as a redirect needs it: scheme, host, no user information.
HOST = r"(\[[0-9a-f:.]+\]|[^/?#:@\[\]]+)"
ABSOLUTE = re.compile(rf"([a-z][a-z0-9+.-]*)://{HOST}(:[0-9]*)?([/?#].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HSTSPolicy:
    """What a site tells browsers about its next visits."""

    max_age_s: int
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True, slots=True)
class WebFacts:
    """What the two HTTP requests of a scan have shown."""

    hsts: Verdict
    """Whether the field was there at all."""
    hsts_text: str | None = None
    policy: HSTSPolicy | None = None
    """None when the field is absent or cannot be read."""
    redirect: Verdict = NOT_LOOKED
    """Whether port 80, when somebody answers there, leads to https on the same host."""
    port_80_closed: bool = False
    location: str | None = None


def parse_hsts(text: str) -> HSTSPolicy | None:
    """Read the field's value; None when a browser would ignore it."""
    directives: dict[str, str] = {}
    for part in text.split(";")[:MAX_DIRECTIVES]:
        name, _, value = part.strip().partition("=")
        name = name.strip().lower()
        if not name:
            continue
        if name in directives:
            return None
        directives[name] = value.strip().strip('"')
    age = directives.get("max-age", "")
    if not (age.isascii() and age.isdigit()):
        return None
    return HSTSPolicy(int(age[:18]), "includesubdomains" in directives, "preload" in directives)


def read_web(name: SiteName, https: HTTPAnswer | ScanError, http: HTTPAnswer | ScanError) -> WebFacts:
    """Put the answers of both ports, or the errors in their place, together."""
    text = None if isinstance(https, ScanError) else https.field("strict-transport-security")
    present = no("no Strict-Transport-Security in the answer") if text is None else YES
    hsts = unknown(https.message) if isinstance(https, ScanError) else present
    location = None if isinstance(http, ScanError) else http.field("location")
    return WebFacts(
        hsts=hsts,
        hsts_text=text,
        policy=None if text is None else parse_hsts(text),
        redirect=_redirect(name, http, location),
        port_80_closed=isinstance(http, ConnectRefused),
        location=location,
    )


def _redirect(name: SiteName, http: HTTPAnswer | ScanError, location: str | None) -> Verdict:
    if isinstance(http, ScanError):
        return unknown(http.message)
    if not 300 <= http.status < 400 or location is None:
        return no(f"port 80 answers {http.status} in clear")
    target = ABSOLUTE.fullmatch(location)
    if target is None or target[1].lower() != "https":
        return no(f"port 80 redirects to {location[:80]}, which is not https")
    host = target[2].strip("[]").lower()
    if host != name.text:
        return no(f"port 80 redirects to another host, {host}")
    return YES
