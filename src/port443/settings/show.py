"""What is desired, as a settings file in long form with every default written out."""

import json
import re
from collections.abc import Iterator
from typing import Final

from port443.core.plan.desired import Desired, DesiredSite, HstsFixed, HstsWish, LocalIssuer, Upstream
from port443.settings.objections import Path
from port443.settings.values import SECONDS

Line = tuple[Path, str]
"""A setting's path, and its line."""
PLAIN: Final = re.compile(r"[a-z][a-z0-9.-]*|http://[a-z0-9.-]+:[0-9]+")
"""Names and URLs that YAML cannot take for anything else; the rest is quoted."""
WORDS: Final = frozenset({"null", "true", "false"})


def render(desired: Desired) -> str:
    """Return a settings file that means `desired`; reading it back gives the same."""
    return "\n".join(text for _, text in lines(desired)) + "\n"


def lines(desired: Desired) -> Iterator[Line]:
    """Return the lines of the file, each with the setting that it shows."""
    yield ("listen",), "listen:"
    yield ("listen", "https"), f"  https: {_list(map(str, desired.https))}"
    yield ("listen", "http"), f"  http: {_list(map(str, desired.http))}"
    yield ("workers",), f"workers: {desired.workers}"
    if desired.default_site is not None:
        yield ("default_site",), f"default_site: {_text(desired.default_site)}"
    yield ("sites",), "sites:"
    for site in desired.sites:
        yield from _site(site)


def _site(site: DesiredSite) -> Iterator[Line]:
    path: Path = ("sites", site.id)
    aliases = _list(str(name) for name in site.names[1:])
    yield path, f"  {_text(site.id)}:"
    yield (*path, "to"), f"    to: {_list(map(_url, site.upstreams))}"
    yield (*path, "aliases"), f"    aliases: {aliases}"
    yield (*path, "tls"), f"    tls: {site.tls}"
    yield (*path, "hsts"), f"    hsts: {_hsts(site.hsts)}"
    if isinstance(site.certificate, LocalIssuer):
        yield (*path, "issuer"), "    issuer: local"
    else:
        chain, key = _quoted(str(site.certificate.chain)), _quoted(str(site.certificate.key))
        yield (*path, "certificate"), f"    certificate: {{chain: {chain}, key: {key}}}"


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


def _url(upstream: Upstream) -> str:
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    return f"http://{host}:{upstream.port}"


def _list(entries: Iterator[str]) -> str:
    return f"[{', '.join(_text(one) for one in entries)}]"


def _text(text: str) -> str:
    """Quote what YAML could take for something else than text."""
    return text if PLAIN.fullmatch(text) and text not in WORDS else _quoted(text)


def _quoted(text: str) -> str:
    """Quote as JSON does, which YAML 1.2 reads, but for the surrogate escapes that are JSON's alone."""
    return json.dumps(text, ensure_ascii=False)
