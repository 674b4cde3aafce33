"""The difference of two plans as sentences, for people who have to approve it."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

from port443.core.contract.snapshot import (
    Certificate,
    Hash,
    Hsts,
    Limits,
    Part,
    Pool,
    PoolLimits,
    Root,
    Site,
    SiteLimits,
    Timeouts,
    TlsPolicy,
)
from port443.core.names import Fingerprint
from port443.core.plan.planner import Plan, timeouts_of
from port443.core.plan.written import setting_of, settings_of, timeout_setting, written

Group = Literal["listeners", "routes", "policy", "certificates", "secrets"]
P = TypeVar("P", bound=Part)
LIMITS = settings_of(Limits, below="limits.")
POOL_LIMITS = settings_of(PoolLimits)
SITE_LIMITS = {field.name: setting_of(field.name) for field in fields(SiteLimits)}
TIMEOUTS = {field.name: f"timeouts.{timeout_setting(field.name)}" for field in fields(Timeouts)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that becomes another."""

    group: Group
    subject: str
    """A site id, a listener id, or what all sites share."""
    words: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.words}"


def diff(old: Plan | None, new: Plan) -> tuple[Change, ...]:
    """Yield what changes when `new` replaces `old`; what stays is not mentioned."""
    before = old or Plan(Root((), new.root.limits, {}, None, (), ()), {})
    return (
        *_listeners(before, new),
        *_default_site(before, new),
        *_numbers("all sites", LIMITS, before.root.limits, new.root.limits),
        *(change for id_ in _either(before.root.sites, new.root.sites) for change in _site(before, new, id_)),
        *_challenges(before, new),
        *_ticket_keys(before.root.ticket_keys, new.root.ticket_keys),
    )


def _listeners(old: Plan, new: Plan) -> Iterator[Change]:
    before = {listener.id: listener for listener in old.root.listeners}
    after = {listener.id: listener for listener in new.root.listeners}
    for id_ in _either(before, after):
        if id_ not in after:
            yield Change("listeners", id_, "is closed")
        elif id_ not in before:
            yield Change("listeners", id_, "is opened")
        elif (was := before[id_].https_port) != (now := after[id_].https_port):
            yield Change("listeners", id_, f"sends clients to port {now} instead of {was}")


def _default_site(old: Plan, new: Plan) -> Iterator[Change]:
    was, now = old.root.default_site, new.root.default_site
    if was != now:
        yield Change("routes", "unknown names", f"{_answered(now)} now, {_answered(was)} before")


def _answered(site: str | None) -> str:
    return f"answered by {site}" if site else "refused"


def _numbers(subject: str, settings: Mapping[str, str], was: object, now: object) -> Iterator[Change]:
    """Compare fields, whose settings are in `settings`, as settings are written."""
    for field, setting in settings.items():
        before, after = (written(field, getattr(one, field)) for one in (was, now))
        if before != after:
            yield Change("policy", subject, f"{setting} {after} instead of {before}")


def _site(old: Plan, new: Plan, id_: str) -> Iterator[Change]:
    was, now = old.root.sites.get(id_), new.root.sites.get(id_)
    if was == now:
        return
    if now is None:
        yield Change("routes", id_, "is no longer served")
        return
    before, after = _part(old, was, Site), _part(new, now, Site)
    if was is None:
        pool = _part(new, after.pool if after else None, Pool)
        yield Change("routes", id_, f"is served from {_servers(pool)}")
    elif before is None or after is None:
        yield Change("routes", id_, "changes; its former content is unknown")
    else:
        yield from _routes(old, new, before, after)
        yield from _policy(old, new, before, after)
        yield from _certificates(old, new, before, after)


def _routes(old: Plan, new: Plan, before: Site, after: Site) -> Iterator[Change]:
    if added := _list(set(after.names) - set(before.names)):
        yield Change("routes", after.id, f"also answers {added}")
    if removed := _list(set(before.names) - set(after.names)):
        yield Change("routes", after.id, f"no longer answers {removed}")
    if before.pool != after.pool:
        yield from _pool(after.id, _part(old, before.pool, Pool), _part(new, after.pool, Pool))
    if before.redirect_cacheable != after.redirect_cacheable:
        may = "may" if after.redirect_cacheable else "may no longer"
        yield Change("routes", after.id, f"browsers {may} remember the redirect to https")


def _pool(id_: str, was: Pool | None, now: Pool | None) -> Iterator[Change]:
    if _servers(was) != _servers(now):
        yield Change("routes", id_, f"goes to {_servers(now)} instead of {_servers(was)}")
    if was is None or now is None:
        return
    yield from _numbers(id_, POOL_LIMITS, was, now)
    if (before := was.idle_per_worker) != (after := now.idle_per_worker):
        yield Change("policy", id_, f"{after} warm connections instead of {before}")


def _policy(old: Plan, new: Plan, before: Site, after: Site) -> Iterator[Change]:
    was, now = _part(old, before.tls, TlsPolicy), _part(new, after.tls, TlsPolicy)
    if was and now:
        yield from _tls(after.id, was, now)
    elif before.tls != after.tls:
        yield Change("policy", after.id, "has another TLS policy")
    if before.hsts != after.hsts:
        words = f"{_hsts(after.hsts)} instead of {_hsts(before.hsts)}"
        yield Change("policy", after.id, words)
    yield from _numbers(after.id, SITE_LIMITS, before.limits, after.limits)
    if before.timeouts != after.timeouts:
        was_waits = before.timeouts or timeouts_of(old.root.limits)
        yield from _numbers(after.id, TIMEOUTS, was_waits, after.timeouts or timeouts_of(new.root.limits))


def _tls(id_: str, was: TlsPolicy, now: TlsPolicy) -> Iterator[Change]:
    lists = (
        ("TLS versions", was.versions, now.versions),
        ("suites", was.suites, now.suites),
        ("groups", was.groups, now.groups),
        ("protocols", was.alpn, now.alpn),
    )
    for what, before, after in lists:
        if before == after:
            continue
        added, removed = set(after) - set(before), set(before) - set(after)
        if added:
            yield Change("policy", id_, f"{what} gain {_list(added)}")
        if removed:
            yield Change("policy", id_, f"{what} lose {_list(removed)}")
        if not added and not removed:
            yield Change("policy", id_, f"{what} come in another order: {', '.join(after)}")
    if was.client_roots != now.client_roots:
        yield Change("policy", id_, f"{_clients(now.client_roots)} instead of {_clients(was.client_roots)}")
    if was.tickets != now.tickets:
        yield Change("policy", id_, f"tickets are {'given' if now.tickets else 'no longer given'}")


def _clients(roots: tuple[str, ...] | None) -> str:
    if roots is None:
        return "clients are asked for no certificate"
    if not roots:
        return "no client is accepted"
    shown = (Fingerprint.of(base64.b64decode(root)).text[:16] for root in roots)
    return f"clients need a certificate of CA {_list(shown)}"


def _hsts(hsts: Hsts | None) -> str:
    if hsts is None:
        return "no HSTS"
    below = ", with subdomains" if hsts.include_subdomains else ""
    preload = ", for preloading" if hsts.preload else ""
    return f"HSTS for {hsts.max_age_s} s{below}{preload} on {_list(hsts.names)}"


def _certificates(old: Plan, new: Plan, before: Site, after: Site) -> Iterator[Change]:
    if before.certificates == after.certificates:
        return
    was, now = _chains(old, before), _chains(new, after)
    leaves, before_ = [_leaf(one) for one in now], [_leaf(one) for one in was]
    if sorted(leaves) != sorted(before_):
        words = f"{_list(leaves) or 'no certificate'} instead of {_list(before_) or _unknown(before)}"
        yield Change("certificates", after.id, words)
    elif leaves != before_:
        yield Change("certificates", after.id, "certificates come in another order")
    elif [one.chain for one in was] != [one.chain for one in now]:
        lengths = ", ".join(str(len(one.chain)) for one in now)
        yield Change("certificates", after.id, f"the same leaf, in another chain of {lengths} certificates")
    covered, covers = ({name for one in chains for name in one.names} for chains in (was, now))
    if added := _list(covers - covered):
        yield Change("certificates", after.id, f"covers {added} as well")
    if lost := _list(covered - covers):
        yield Change("certificates", after.id, f"no longer covers {lost}")
    if {chain.key for chain in was} != {chain.key for chain in now}:
        yield Change("secrets", after.id, "has another private key")


def _chains(plan: Plan, site: Site) -> list[Certificate]:
    parts = (_part(plan, name, Certificate) for name in site.certificates)
    return [part for part in parts if part]


def _unknown(site: Site) -> str:
    return "one not known here" if site.certificates else "no certificate"


def _leaf(certificate: Certificate) -> str:
    return f"certificate {Fingerprint.of(base64.b64decode(certificate.chain[0])).text[:16]}…"


def _challenges(old: Plan, new: Plan) -> Iterator[Change]:
    was, now = set(_challenges_of(old)), set(_challenges_of(new))
    for site, challenge in sorted(now - was):
        yield Change("certificates", site, f"answers {challenge}")
    for site, challenge in sorted(was - now):
        yield Change("certificates", site, f"no longer answers {challenge}")


def _challenges_of(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the site of each challenge, and what it is; that of http-01 goes by its token."""
    for name, challenge in plan.challenges.tls_alpn.items():
        yield challenge.site, f"the challenge tls-alpn-01 of {name}"
    for token, answer in plan.challenges.http.items():
        yield answer.site, f"the challenge http-01 with token {token}"


def _ticket_keys(was: tuple[Hash, ...], now: tuple[Hash, ...]) -> Iterator[Change]:
    added, dropped = len(set(now) - set(was)), len(set(was) - set(now))
    if added or dropped:
        yield Change("secrets", "ticket keys", f"{added} new, {dropped} dropped")
    elif was != now:
        yield Change("secrets", "ticket keys", "come in another order")


def _part(plan: Plan, name: Hash | None, kind: type[P]) -> P | None:
    part = plan.parts.get(name) if name else None
    return part if isinstance(part, kind) else None


def _servers(pool: Pool | None) -> str:
    return pool.id if pool else "servers not known here"


def _either(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return sorted({*first, *second})


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
