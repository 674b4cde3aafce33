"""The Strict-Transport-Security field (RFC 6797 §6.1), and what port 80 answers."""

import re
from dataclasses import dataclass

from port443.core.errors import ScanError
from port443.core.names import NameInvalid, SiteName, parse_site_name
from port443.core.probe.facts import NOT_LOOKED
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.http import ABSOLUTE, REDIRECTS, HTTPAnswer
from port443.core.probe.verdict import YES, Verdict, no, unknown

SHOWN = 40
MAX_DIGITS = 18
# RFC 6797 §6.1, with the tokens, the quoted strings and the implied spaces of RFC 2616 §2.
NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x00-\x7f])*+"'
DIRECTIVE = re.compile(
    rf"[ \t]*+(?:(?P<name>{NAME})[ \t]*+(?:=[ \t]*+(?P<value>{NAME}|{QUOTED})[ \t]*+)?)?(?P<end>;|\Z)"
)


@dataclass(frozen=True, slots=True)
class HSTSPolicy:
    """What a site tells browsers about its next visits."""

    max_age_s: int
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True, slots=True)
class HSTSFault:
    """Why browsers ignore a field."""

    reason: str


@dataclass(frozen=True, slots=True)
class WebFacts:
    """What the two HTTP requests of a scan have shown."""

    hsts: Verdict
    """Whether the field was there at all."""
    hsts_text: str | None = None
    policy: HSTSPolicy | None = None
    """None when the field is absent or browsers ignore it."""
    hsts_fault: str | None = None
    """Why browsers ignore the field."""
    redirect: Verdict = NOT_LOOKED
    """Whether port 80, when somebody answers there, leads to https on the same host."""
    port_80_closed: bool = False
    location: str | None = None


def parse_hsts(text: str) -> HSTSPolicy | HSTSFault:
    """Read the field's value by the grammar of RFC 6797 §6.1; what breaks it is ignored whole."""
    directives: dict[str, str | None] = {}
    at, is_last = 0, False
    while not is_last:
        part = DIRECTIVE.match(text, at)
        if part is None:
            return HSTSFault(f"{text[at:].strip()[:SHOWN]!r} is no directive")
        name = (part["name"] or "").lower()
        if name in directives:
            return HSTSFault(f"{part['name']} is there twice")
        if name:
            directives[name] = _unquoted(part["value"])
        at, is_last = part.end(), not part["end"]
    return _policy(directives)


def _unquoted(value: str | None) -> str | None:
    if value is None or not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _policy(directives: dict[str, str | None]) -> HSTSPolicy | HSTSFault:
    if "max-age" not in directives:
        return HSTSFault("max-age is missing")
    age = directives["max-age"] or ""
    if not (age.isascii() and age.isdigit()):
        return HSTSFault(f"max-age is no number of seconds: {age[:SHOWN]!r}")
    if directives.get("includesubdomains") is not None:
        return HSTSFault("includeSubDomains has a value")
    seconds = int(age.lstrip("0")[:MAX_DIGITS] or "0")
    return HSTSPolicy(seconds, "includesubdomains" in directives, "preload" in directives)


def read_web(name: SiteName, https: HTTPAnswer | ScanError, http: HTTPAnswer | ScanError) -> WebFacts:
    """Put the answers of both ports, or the errors in their place, together."""
    # Of several fields only the first one is processed (RFC 6797 §8.1).
    text = None if isinstance(https, ScanError) else https.field("strict-transport-security")
    present = no("no Strict-Transport-Security in the answer") if text is None else YES
    read = None if text is None else parse_hsts(text)
    return WebFacts(
        hsts=unknown(https.message) if isinstance(https, ScanError) else present,
        hsts_text=text,
        policy=read if isinstance(read, HSTSPolicy) else None,
        hsts_fault=read.reason if isinstance(read, HSTSFault) else None,
        redirect=_redirect(name, http),
        port_80_closed=isinstance(http, ConnectRefused),
        location=None if isinstance(http, ScanError) else http.field("location"),
    )


def _redirect(name: SiteName, http: HTTPAnswer | ScanError) -> Verdict:
    if isinstance(http, ScanError):
        return unknown(http.message)
    locations = dict.fromkeys(http.values("location"))
    if http.status not in REDIRECTS:
        but = ", which is no redirect" if locations else ""
        return no(f"port 80 answers {http.status} in clear{but}")
    if len(locations) != 1:
        count = f"{len(locations)} different Location fields" if locations else "no Location"
        return no(f"port 80 answers {http.status} with {count}")
    return _leads_home(name, next(iter(locations)))


def _leads_home(name: SiteName, location: str) -> Verdict:
    """Judge where a redirect leads: to https, on the host that was asked for."""
    target = ABSOLUTE.fullmatch(location)
    if target is None or target[1].lower() != "https":
        return no(f"port 80 redirects to {location[:80] or 'nowhere'}, which is not https")
    try:
        host = parse_site_name(target[2])
    except NameInvalid:
        return no(f"port 80 redirects to {location[:80]}, whose host is no name")
    return YES if host == name else no(f"port 80 redirects to another host, {host}")
