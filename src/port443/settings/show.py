"""A `Desired` as a settings file in long form with every default written out."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby
from operator import attrgetter
from typing import Final, assert_never

from port443.core.contract.snapshot import Limits, PoolLimits
from port443.core.plan.desired import (
    AcmeCA,
    AcmeCertificate,
    Desired,
    DesiredSite,
    HstsFixed,
    HstsWish,
    LocalIssuer,
    OwnCertificate,
    SiteTimeouts,
    Upstream,
)
from port443.core.plan.written import LIMIT_SETTINGS, NO_LIMIT, site_limits, wait, written
from port443.settings.problems import Path
from port443.settings.values import ISSUER_NAME, SECONDS

Line = tuple[Path, str]
"""A setting's path, and its line."""
PLAIN: Final = re.compile(r"[a-z][a-z0-9.-]*|http://[a-z0-9.-]+:[0-9]+")
"""Names and URLs that are strings in any YAML; the rest is quoted."""
WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What is not a string for YAML 1.2, and for tools that read YAML 1.1."""


def lines(desired: Desired) -> Iterator[Line]:
    """Return the lines of a file that means `desired`, each with the setting that it shows."""
    yield ("listen",), "listen:"
    yield ("listen", "https"), f"  https: {_list(map(str, desired.https))}"
    yield ("listen", "http"), f"  http: {_list(map(str, desired.http))}"
    yield ("workers",), f"workers: {desired.workers}"
    if desired.default_site is not None:
        yield ("default_site",), f"default_site: {_text(desired.default_site)}"
    yield from _issuers(desired)
    yield from _limits(desired)
    yield ("log",), "log:"
    yield ("log", "level"), f"  level: {desired.log.level}"
    if desired.log.file:
        yield ("log", "file"), f"  file: {_quoted(str(desired.log.file))}"
    yield ("log", "format"), f"  format: {desired.log.format}"
    yield ("sites",), "sites:"
    for site in desired.sites:
        yield from _site(site)


def _issuers(desired: Desired) -> Iterator[Line]:
    """Return the CAs that sites use; each site names its own."""
    origins = (site.certificate for site in desired.sites)
    cas = dict.fromkeys(ca for one in origins if isinstance(one, AcmeCertificate) for ca in one.cas)
    if cas:
        yield ("issuers",), "issuers:"
    for ca in cas:
        yield ("issuers",), f"  - {{{', '.join(_issuer(ca))}}}"


def _issuer(ca: AcmeCA) -> Iterator[str]:
    if ISSUER_NAME.fullmatch(ca.name):
        yield f"name: {ca.name}"
    yield f"directory: {_quoted(ca.directory)}"
    if ca.email:
        yield f"email: {_quoted(ca.email)}"
    yield f"agree_tos: {str(ca.agree_tos).lower()}"
    if ca.trust:
        yield f"trust: {_quoted(str(ca.trust))}"
    if ca.eab:
        key_id, key_file = _quoted(ca.eab.key_id), _quoted(str(ca.eab.key_file))
        yield f"eab: {{key_id: {key_id}, key_file: {key_file}}}"
    if ca.profile:
        yield f"profile: {_quoted(ca.profile)}"


def _limits(desired: Desired) -> Iterator[Line]:
    holders: dict[type, Limits | PoolLimits] = {Limits: desired.limits, PoolLimits: desired.pool_limits}
    yield ("limits",), "limits:"
    for group, settings in groupby(LIMIT_SETTINGS, attrgetter("group")):
        yield ("limits", group), f"  {group}:"
        for one in settings:
            value = getattr(holders[one.holder], one.field)
            yield ("limits", group, one.key), f"    {one.key}: {written(one.field, value)}"


def _own_timeouts(own: SiteTimeouts) -> str:
    each = ((field.name.removesuffix("_ms"), getattr(own, field.name)) for field in fields(own))
    return ", ".join(f"{key}: {wait(value or None)}" for key, value in each if value is not None)


def _site(site: DesiredSite) -> Iterator[Line]:
    path: Path = ("sites", site.id)
    aliases = _list(str(name) for name in site.names[1:])
    yield path, f"  {_text(site.id)}:"
    yield (*path, "to"), f"    to: {_list(map(_url, site.upstreams))}"
    yield (*path, "aliases"), f"    aliases: {aliases}"
    yield (*path, "tls"), f"    tls: {site.tls}"
    yield (*path, "hsts"), f"    hsts: {_hsts(site.hsts)}"
    for key, value in site_limits(site.limits):
        if value != NO_LIMIT:
            yield (*path, key), f"    {key}: {value}"
    if timeouts := _own_timeouts(site.timeouts):
        yield (*path, "timeouts"), f"    timeouts: {{{timeouts}}}"
    if site.client_ca:
        yield (*path, "client_ca"), f"    client_ca: {_quoted(str(site.client_ca))}"
    yield _certificate(path, site)


def _certificate(path: Path, site: DesiredSite) -> Line:
    match site.certificate:
        case LocalIssuer():
            return (*path, "issuer"), "    issuer: local"
        case OwnCertificate():
            chain, key = _quoted(str(site.certificate.chain)), _quoted(str(site.certificate.key))
            return (*path, "certificate"), f"    certificate: {{chain: {chain}, key: {key}}}"
        case AcmeCertificate(cas=cas):
            return (*path, "issuer"), f"    issuer: {_list(ca.directory for ca in cas)}"
        case unknown:
            assert_never(unknown)


def _hsts(wish: HstsWish) -> str:
    if not isinstance(wish, HstsFixed):
        return wish
    subdomains, preload = (str(one).lower() for one in (wish.include_subdomains, wish.preload))
    return f"{{max_age: {duration(wish.max_age_s)}, include_subdomains: {subdomains}, preload: {preload}}}"


def duration(seconds: int) -> str:
    """Return a duration in its largest whole unit."""
    whole = (unit for unit in ("y", "d", "h", "m") if seconds and seconds % SECONDS[unit] == 0)
    unit = next(whole, "s")
    return f"{seconds // SECONDS[unit]}{unit}"


def request_timeout(seconds: int) -> str:
    """Return a wait as it is written; 0 is one without an end."""
    return wait(seconds * 1000 or None)


def _url(upstream: Upstream) -> str:
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    return f"http://{host}:{upstream.port}"


def _list(entries: Iterator[str]) -> str:
    return f"[{', '.join(_text(one) for one in entries)}]"


def _text(text: str) -> str:
    """Quote what YAML could read as something else than a string."""
    return text if PLAIN.fullmatch(text) and text not in WORDS else _quoted(text)


def _quoted(text: str) -> str:
    """Quote as JSON does, which YAML 1.2 reads, but for the surrogate escapes that are JSON's alone."""
    return json.dumps(text, ensure_ascii=False)
