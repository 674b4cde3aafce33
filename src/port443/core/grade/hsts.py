"""The Strict-Transport-Security field (RFC 6797 §6.1), and the answers on plain HTTP."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from port443.core.errors import ScanError
from port443.core.grade.csp import ContentPolicy, judge_policy
from port443.core.names import NameInvalid, SiteName, parse_site_name
from port443.core.probe.facts import NOT_LOOKED
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.http import ABSOLUTE, REDIRECTS, HTTPAnswer
from port443.core.probe.verdict import YES, Verdict, no, unknown

if TYPE_CHECKING:
    from port443.core.grade.page import Page

SHOWN = 40
MAX_DIGITS = 18
HTTPS, HTTP = 443, 80
ERRORS = range(400, 600)
MAX_PORT = 65535
NOT_FOR_ADDRESSES = "browsers keep no HSTS for an address (RFC 6797 §8.1.1)"
# RFC 6797 §6.1, with the tokens, the quoted strings and the implied spaces of RFC 2616 §2.
NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x00-\x7f])*+"'
DIRECTIVE = re.compile(
    rf"[ \t]*+(?:(?P<name>{NAME})[ \t]*+(?:=[ \t]*+(?P<value>{NAME}|{QUOTED})[ \t]*+)?)?(?P<end>;|\Z)"
)


Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HSTSPolicy:
    """The HSTS policy of a site."""

    max_age_s: int
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True, slots=True)
class HSTSFault:
    """Why browsers ignore a field."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer on the way that plain HTTP leads."""

    url: str
    status: int
    cookies: tuple[str, ...] = ()
    """The names of those that it sets."""
    location: str | None = None

    @property
    def is_clear(self) -> bool:
        return self.url.startswith("http:")


@dataclass(frozen=True)
class WebFacts:
    """The results of the two HTTP requests of a scan."""

    hsts: Verdict
    """Whether the field was there at all."""
    hsts_text: str | None = None
    hsts_others: tuple[str, ...] = ()
    """Values of further fields that differ from the first one."""
    policy: HSTSPolicy | None = None
    """None when the field is absent or browsers ignore it."""
    hsts_fault: str | None = None
    """Why browsers ignore the field."""
    redirect: Verdict = NOT_LOOKED
    """Whether plain HTTP, if it is answered, leads to https on the same host."""
    http_port: int = HTTP
    """Where plain HTTP was requested."""
    http_closed: bool = False
    location: str | None = None
    downgrade: str | None = None
    """Where the https page redirects to in clear."""
    is_loop: bool = False
    """Whether that place leads back to the https page."""
    fields: Fields = ()
    """The fields of the https answer, names in lower case."""
    clear_fields: Fields = ()
    """The same of plain HTTP."""
    body: bytes = field(default=b"", repr=False)
    """The beginning of the https page, where it is HTML."""
    shares_with_all: bool = False
    """Whether it lets any origin read the page with the user's credentials."""
    hops: tuple["Hop", ...] = ()
    """Where plain HTTP leads to, one redirect after the other, as far as it stays on the host."""

    @cached_property
    def page(self) -> "Page | None":
        """What the page says of itself; None where it is no HTML."""
        if not self.body:
            return None
        from port443.core.grade.page import read_page  # noqa: PLC0415 - for pages only

        return read_page(self.body)

    def meta(self, name: str) -> tuple[str, ...]:
        """Return what the page says in the place of a field of that name."""
        return () if self.page is None else tuple(self.page.meta.get(name, ()))

    @cached_property
    def content_policy(self) -> ContentPolicy:
        """The policies of the page, in its fields and in itself."""
        said = (*self.values("content-security-policy"), *self.meta("content-security-policy"))
        return judge_policy(said, reports=bool(self.values("content-security-policy-report-only")))

    @property
    def loop(self) -> "Hop | None":
        """The first place that redirects lead back to."""
        seen: set[str] = set()
        for hop in self.hops:
            if hop.url in seen:
                return hop
            seen.add(hop.url)
        return None

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields of that name in the https answer."""
        return tuple(value for key, value in self.fields if key == name)


def parse_hsts(text: str) -> HSTSPolicy | HSTSFault:
    """Parse the field's value by the grammar of RFC 6797 §6.1; a value that violates it is ignored whole."""
    directives: dict[str, str | None] = {}
    at, is_last = 0, False
    while not is_last:
        part = DIRECTIVE.match(text, at)
        if part is None:
            return HSTSFault(f"{text[at:].strip()[:SHOWN]!r} is no directive")
        name = (part["name"] or "").lower()
        if name in directives:
            return HSTSFault(f"duplicate directive {part['name']}")
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
    return HSTSPolicy(seconds, "includesubdomains" in directives, directives.get("preload", "") is None)


def read_web(
    name: SiteName,
    https: HTTPAnswer | ScanError,
    http: HTTPAnswer | ScanError,
    ports: tuple[int, int] = (HTTPS, HTTP),
) -> WebFacts:
    """Put the answers of both ports, https first, or the errors in their place, together."""
    # Of several fields only the first one is processed (RFC 6797 §8.1).
    texts = () if isinstance(https, ScanError) else https.values("strict-transport-security")
    text = next(iter(texts), None)
    redirect = _redirect(name, http, ports)
    downgrade = None if isinstance(https, ScanError) else _downgrade(https)
    present = no("no Strict-Transport-Security in the answer") if text is None else YES
    read = None if text is None else parse_hsts(text)
    return WebFacts(
        hsts=unknown(https.message) if isinstance(https, ScanError) else present,
        hsts_text=text,
        hsts_others=tuple(dict.fromkeys(other for other in texts if other != text)),
        policy=read if isinstance(read, HSTSPolicy) else None,
        hsts_fault=read.reason if isinstance(read, HSTSFault) else None,
        redirect=redirect,
        http_port=ports[1],
        http_closed=isinstance(http, ConnectRefused),
        location=None if isinstance(http, ScanError) else http.field("location"),
        downgrade=downgrade,
        fields=() if isinstance(https, ScanError) else https.fields,
        clear_fields=() if isinstance(http, ScanError) else http.fields,
        body=b"" if isinstance(https, ScanError) else https.body,
        is_loop=downgrade is not None and redirect.is_yes and _is_at(downgrade, name, ports[1]),
    )


def _downgrade(https: HTTPAnswer) -> str | None:
    location = https.field("location") or ""
    target = ABSOLUTE.fullmatch(location)
    leads_away = https.status in REDIRECTS and target is not None and target[1].lower() == "http"
    return location if leads_away else None


def _is_at(location: str, name: SiteName, port: int) -> bool:
    """Whether a location in clear is of this host and port."""
    target = ABSOLUTE.fullmatch(location)
    try:
        return target is not None and parse_site_name(target[2]) == name and _port(target[3], HTTP) == port
    except NameInvalid:
        return False


def _port(text: str | None, standard: int) -> int | None:
    """Read a port with its colon; None when there is no such port."""
    digits = (text or "")[1:].lstrip("0")
    if not (text or "")[1:]:
        return standard
    return int(digits) if digits and len(digits) <= len(str(MAX_PORT)) and int(digits) <= MAX_PORT else None


def _redirect(name: SiteName, http: HTTPAnswer | ScanError, ports: tuple[int, int]) -> Verdict:
    if isinstance(http, ScanError):
        return unknown(http.message)
    locations = dict.fromkeys(http.values("location"))
    if http.status in ERRORS:
        return no(f"port {ports[1]} answers {http.status}, an error: no site in clear, and no way to https")
    if http.status not in REDIRECTS:
        but = ", which is no redirect" if locations else ""
        return no(f"port {ports[1]} answers {http.status} in clear{but}")
    if len(locations) != 1:
        count = f"{len(locations)} different Location fields" if locations else "no Location"
        return no(f"port {ports[1]} answers {http.status} with {count}")
    return _leads_home(name, next(iter(locations)), ports)


def _leads_home(name: SiteName, location: str, ports: tuple[int, int]) -> Verdict:
    """Evaluate where a redirect leads: to https, on the requested host, at a known port."""
    leads = f"port {ports[1]} redirects to {location[:80] or 'nowhere'}"
    target = ABSOLUTE.fullmatch(location)
    if target is None or target[1].lower() != "https":
        return no(f"{leads}, {_not_https(location)}")
    try:
        host = parse_site_name(target[2])
    except NameInvalid:
        return no(f"{leads}, whose host is no name")
    if host != name:
        return no(f"port {ports[1]} redirects to another host, {host}")
    port = _port(target[3], HTTPS)
    if port is None:
        return no(f"{leads}, whose port is none: ports are 1 to {MAX_PORT}")
    if port not in {HTTPS, ports[0]}:
        return unknown(f"{leads}; port {port} was not scanned")
    return YES


def _not_https(location: str) -> str:
    """Return why a location is not an https URL of a host."""
    scheme, colon, _ = location.partition(":")
    if colon and scheme.lower() == "https":
        return "which names no host"
    if location.startswith("//"):
        return "which names no scheme, so that it stays http"
    if not colon or location.startswith("/"):
        return "a path on the same port, so that it stays http"
    return "which is not https"
