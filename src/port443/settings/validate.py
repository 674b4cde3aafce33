"""Settings as written to a `Desired`: validation by the schema, then what holds between settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError

from port443.core.contract.snapshot import Limits, PoolLimits, SiteLimits
from port443.core.names import Endpoint, HostName, SiteName
from port443.core.plan.desired import (
    Desired,
    DesiredSite,
    HstsFixed,
    HstsWish,
    LogWish,
    SiteTimeouts,
    Upstream,
)
from port443.core.plan.written import LIMIT_SETTINGS, in_contract, setting_of
from port443.settings import error_kinds, pydantic_errors, values
from port443.settings.issuers import Issuers
from port443.settings.problems import Path, Problem, suggestion
from port443.settings.schema import (
    HstsForm,
    LimitsForm,
    ListenForm,
    LogForm,
    SettingsFile,
    SiteForm,
    SiteTimeoutsForm,
    SiteWritten,
)

PRELOAD_MIN_S = values.SECONDS["y"]
"""The minimum of hstspreload.org."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a settings file depends on besides its content."""

    directory: PurePath
    """Where relative paths start."""
    cores: int
    """The default number of workers."""


def validate(raw: dict[str, Any], context: Context) -> tuple[Desired | None, list[Problem]]:
    """Return the desired state, or None and all problems."""
    found: list[Problem] = []
    written = _validated(raw, found)
    if written is None:  # the valid rest is validated too, so that one run finds everything
        written = _validated(_without(raw, found), [])
    found += _name_conflicts(raw)
    if written is None:
        return None, found
    found += _listener_conflicts(written.listen)
    found += _default_site_unknown(written, raw)
    sites = [_form(site) for site in written.sites.values()]
    issuers = Issuers.of(written, context.directory)
    has_issuers = bool(raw.get("issuers"))  # perhaps none of them could be read
    for key, site in zip(written.sites, sites, strict=True):
        found += _site_problems(key, site, has_issuers=has_issuers)
    found += issuers.problems(written, sites)
    if not raw.get("sites", True):
        found.append(Problem(error_kinds.NO_SITES, ("sites",), "there is no site to serve", at_key=True))
    if found:
        return None, found
    return _desired(written, sites, context, issuers), []


def _validated(raw: dict[str, Any], found: list[Problem]) -> SettingsFile | None:
    try:
        return SettingsFile.model_validate(raw)
    except ValidationError as error:
        found += pydantic_errors.problems(error)
        return None


def _without(raw: dict[str, Any], found: Sequence[Problem]) -> dict[str, Any]:
    """Return the settings without the sites and groups that have a problem."""
    bad = {one.path[:2] if one.path[:1] == ("sites",) else one.path[:1] for one in found}
    kept = {key: value for key, value in raw.items() if (key,) not in bad}
    sites = kept.get("sites")
    kept["sites"] = (
        {key: site for key, site in sites.items() if ("sites", key) not in bad}
        if isinstance(sites, dict)
        else {}
    )
    return kept


def _names_written(raw: dict[str, Any]) -> Iterator[tuple[SiteName, str, Path]]:
    """Return every name that can be read, its site's key, and its path."""
    sites = raw.get("sites")
    for key, site in (sites if isinstance(sites, dict) else {}).items():
        aliases = site.get("aliases") if isinstance(site, dict) else None
        candidates: list[tuple[object, Path]] = [(key, ("sites", key))]
        if isinstance(aliases, list):
            candidates += [(one, ("sites", key, "aliases", index)) for index, one in enumerate(aliases)]
        for text, path in candidates:
            try:
                yield values.read_name(text), key, path
            except values.InvalidValue:
                continue


def _name_conflicts(raw: dict[str, Any]) -> Iterator[Problem]:
    seen: dict[SiteName, tuple[str, Path]] = {}
    for name, key, path in _names_written(raw):
        if name not in seen:
            seen[name] = key, path
            continue
        owner, earlier = seen[name]
        text = (
            f"duplicate name `{name}` in one site"
            if owner == key
            else f"`{name}` already belongs to site `{owner}`"
        )
        at_key, earlier_at_key = len(path) == 2, len(earlier) == 2
        yield Problem(
            error_kinds.NAME_DUPLICATE,
            path,
            text,
            at_key=at_key,
            earlier=earlier,
            earlier_at_key=earlier_at_key,
        )


def _listener_conflicts(listen: ListenForm) -> Iterator[Problem]:
    seen: dict[Endpoint, Path] = {}
    for role, endpoints in (("https", listen.https), ("http", listen.http)):
        for index, endpoint in enumerate(endpoints):
            path: Path = ("listen", role, index)
            if endpoint in seen:
                text = f"two listeners at {endpoint}"
                yield Problem(error_kinds.LISTENER_DUPLICATE, path, text, earlier=seen[endpoint])
            seen.setdefault(endpoint, path)


def _default_site_unknown(written: SettingsFile, raw: dict[str, Any]) -> Iterator[Problem]:
    if written.default_site is None:
        return
    names = [str(name) for name, _, _ in _names_written(raw)]
    wanted = str(written.default_site)
    if wanted not in names:
        hint = suggestion(wanted, names) or "add it under `sites`, or remove `default_site`"
        yield Problem(
            error_kinds.DEFAULT_SITE_UNKNOWN, ("default_site",), f"there is no site `{wanted}`", hint
        )


def _form(site: SiteWritten) -> SiteForm:
    """Return a site in long form, however it was written."""
    return site if isinstance(site, SiteForm) else SiteForm.model_construct(to=site)


def _site_problems(key: str, site: SiteForm, *, has_issuers: bool) -> Iterator[Problem]:
    path: Path = ("sites", key)
    names = site.names(key)
    yield from _certificate_problems(path, names, site, has_issuers=has_issuers)
    yield from _hsts_problems(path, names, site)
    seen: dict[Upstream, int] = {}
    for index, upstream in enumerate(_upstreams(site)):
        if upstream in seen:
            earlier: Path = (*path, "to", seen[upstream])
            text = f"duplicate upstream {upstream.host} port {upstream.port}"
            yield Problem(error_kinds.UPSTREAM_DUPLICATE, (*path, "to", index), text, earlier=earlier)
        seen.setdefault(upstream, index)


def _certificate_problems(
    path: Path, names: Sequence[SiteName], site: SiteForm, *, has_issuers: bool
) -> Iterator[Problem]:
    if site.certificate and site.issuer:
        text = "a site has either `certificate` or `issuer`"
        other: Path = (*path, "certificate")
        yield Problem(
            error_kinds.ISSUER_CONFLICT,
            (*path, "issuer"),
            text,
            "remove one",
            at_key=True,
            earlier=other,
            earlier_at_key=True,
        )
    public = [str(name) for name in names if name.is_public]
    if public and not (site.certificate or site.issuer or has_issuers):
        hint = "add `issuers: [letsencrypt]` at the top, or `issuer: local` or `certificate: …` to the site"
        text = f"`{public[0]}` has no source for its certificate"
        yield Problem(error_kinds.ISSUER_NEEDED, path, text, hint, at_key=True)


def _hsts_problems(path: Path, names: Sequence[SiteName], site: SiteForm) -> Iterator[Problem]:
    wish = site.hsts
    if not isinstance(wish, HstsForm):
        return
    if not any(map(_may_have_hsts, names)):
        text, hint = (
            "HSTS is never sent for localhost or an IP",
            "remove it, or use a name such as app.localhost",
        )
        yield Problem(error_kinds.HSTS_FOR_LOCAL, (*path, "hsts"), text, hint, at_key=True)
    if wish.preload and (wish.max_age < PRELOAD_MIN_S or not wish.include_subdomains):
        text = "`preload` needs `max_age: 1y` or more and `include_subdomains: true`"
        yield Problem(error_kinds.HSTS_PRELOAD, (*path, "hsts", "preload"), text, at_key=True)


def _may_have_hsts(name: SiteName) -> bool:
    return isinstance(name, HostName) and name.text != "localhost"


def _upstreams(site: SiteForm) -> tuple[Upstream, ...]:
    return tuple(site.to) if isinstance(site.to, list) else (site.to,)


def _desired(written: SettingsFile, forms: Sequence[SiteForm], context: Context, issuers: Issuers) -> Desired:
    sites = tuple(
        _desired_site(form.names(key), form, issuers) for key, form in zip(written.sites, forms, strict=True)
    )
    default = next((site.id for site in sites if written.default_site in site.names), None)
    return Desired(
        https=tuple(written.listen.https),
        http=tuple(written.listen.http),
        sites=sites,
        workers=written.workers or context.cores,
        default_site=default,
        limits=Limits(**_numbers(written.limits, Limits)),
        pool_limits=PoolLimits(**_numbers(written.limits, PoolLimits)),
        log=_log(written.log, context.directory),
    )


def _numbers(form: LimitsForm, holder: type[Limits | PoolLimits]) -> dict[str, Any]:
    return {
        one.field: in_contract(one.field, getattr(getattr(form, one.group), one.key))
        for one in LIMIT_SETTINGS
        if one.holder is holder
    }


def _log(form: LogForm, directory: PurePath) -> LogWish:
    return LogWish(form.level, directory / form.file if form.file else None, form.format)


def _desired_site(names: tuple[SiteName, ...], form: SiteForm, issuers: Issuers) -> DesiredSite:
    return DesiredSite(
        id=str(names[0]),
        names=names,
        upstreams=_upstreams(form),
        certificate=issuers.origin(names, form),
        tls=form.tls,
        hsts=_hsts_wish(form),
        limits=_site_limits(form),
        client_ca=issuers.directory / form.client_ca if form.client_ca else None,
        timeouts=_site_timeouts(form.timeouts),
    )


def _site_limits(form: SiteForm) -> SiteLimits:
    return SiteLimits(**{field.name: getattr(form, setting_of(field.name)) for field in fields(SiteLimits)})


def _site_timeouts(form: SiteTimeoutsForm) -> SiteTimeouts:
    given: dict[str, int | None] = dict(form)
    return SiteTimeouts(
        **{f"{key}_ms": seconds * 1000 for key, seconds in given.items() if seconds is not None}
    )


def _hsts_wish(form: SiteForm) -> HstsWish:
    if isinstance(form.hsts, HstsForm):
        return HstsFixed(form.hsts.max_age, form.hsts.include_subdomains, form.hsts.preload)
    return form.hsts
