from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from plan_samples import credential, desired, needs_of, site
from port443.core.contract.snapshot import (
    Certificate,
    Limits,
    Part,
    Pool,
    Site,
    SiteLimits,
    TicketKey,
    TlsPolicy,
    hash_of,
)
from port443.core.names import Endpoint
from port443.core.plan.desired import Desired, HstsFixed, SiteTimeouts, Upstream
from port443.core.plan.diff import diff
from port443.core.plan.planner import Plan, plan
from port443.core.plan.policies import POLICIES

SHOP = site("shop.example.com")
BASE = desired(SHOP)
NEEDS = needs_of({SHOP.id: credential("shop.example.com")})
OLD_KEY = TicketKey("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
NEW_KEY = TicketKey("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")


def made(wishes: Desired = BASE, *, serial: int = 1, key: bytes = b"key") -> Plan:
    each = {one.id: credential(*(n.text for n in one.names), serial=serial, key=key) for one in wishes.sites}
    return plan(wishes, needs_of(each))


def words(old: Plan | None, new: Plan) -> list[str]:
    return [f"{change.group}: {change}" for change in diff(old, new)]


def shop(**changes: object) -> Plan:
    """Return the plan with another shop, certified as the first one is."""
    return plan(desired(replace(SHOP, **changes)), NEEDS)  # type: ignore[arg-type]


def test_equal_plans_differ_in_nothing() -> None:
    assert words(made(), made()) == []


def test_the_first_plan_opens_and_serves() -> None:
    """Against nothing, listeners are opened and sites are served."""
    assert words(None, made()) == [
        "listeners: https:127.0.0.1:8443: is opened",
        "listeners: redirect:127.0.0.1:8080: is opened",
        "routes: shop.example.com: is served from 127.0.0.1:9000",
    ]


def test_a_site_that_leaves_is_named() -> None:
    assert words(made(), made(desired())) == ["routes: shop.example.com: is no longer served"]


def test_listeners_are_compared_one_by_one() -> None:
    """Opened, closed, and sending clients elsewhere are three different things."""
    moved = made(desired(SHOP, https=(Endpoint("127.0.0.1", 9443),)))
    assert words(made(), moved) == [
        "listeners: https:127.0.0.1:8443: is closed",
        "listeners: https:127.0.0.1:9443: is opened",
        "listeners: redirect:127.0.0.1:8080: sends clients to port 9443 instead of 8443",
    ]


SITES = {
    "upstreams": (
        shop(upstreams=(Upstream("10.0.0.2", 80), Upstream("::1", 81))),
        ["routes: shop.example.com: goes to 10.0.0.2:80,[::1]:81 instead of 127.0.0.1:9000"],
    ),
    "names": (
        shop(names=site("shop.example.com", "www.example.com").names),
        ["routes: shop.example.com: also answers www.example.com",
         ("policy: shop.example.com: HSTS for 300 s on shop.example.com, www.example.com"
         " instead of HSTS for 300 s on shop.example.com")],
    ),
    "modern": (
        shop(tls="modern"),
        ["policy: shop.example.com: TLS versions lose 1.2",
         ("policy: shop.example.com: suites lose TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,"
         " TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,"
         " TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,"
         " TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")],
    ),
    "hsts": (
        shop(hsts=HstsFixed(600, include_subdomains=True, preload=True)),
        [("policy: shop.example.com: HSTS for 600 s, with subdomains, for preloading on shop.example.com"
         " instead of HSTS for 300 s on shop.example.com")],
    ),
    "no hsts": (
        shop(hsts="none"),
        ["policy: shop.example.com: no HSTS instead of HSTS for 300 s on shop.example.com"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SITES)
def test_what_changes_about_a_site_is_said(name: str) -> None:
    new, expected = SITES[name]
    assert words(made(), new) == expected


def test_what_comes_back_is_said_the_other_way_round() -> None:
    """From modern to intermediate, versions and suites are gained."""
    gained = words(shop(tls="modern"), made())
    assert gained[0] == "policy: shop.example.com: TLS versions gain 1.2"
    assert words(shop(names=site("shop.example.com", "www.example.com").names), made())[0] == (
        "routes: shop.example.com: no longer answers www.example.com"
    )


def test_a_renewed_certificate_keeps_its_key_quiet() -> None:
    """Another leaf is a change of certificates; only another key is a change of secrets."""
    renewed = words(made(), made(serial=2))
    assert len(renewed) == 1
    assert renewed[0].startswith("certificates: shop.example.com: certificate ")
    rekeyed = words(made(), made(serial=2, key=b"other"))
    assert rekeyed[-1] == "secrets: shop.example.com: has another private key"


def test_time_outs_are_told_as_settings_write_them() -> None:
    """Each by its key and with its unit: for all in one line, a site's own beside its name."""
    slower = made(replace(BASE, limits=Limits(request_timeout_ms=3_600_000, body_timeout_ms=90_000)))
    assert words(made(), slower) == [
        "policy: all sites: limits.timeouts.body 90s instead of 1m",
        "policy: all sites: limits.timeouts.request 1h instead of none",
    ]
    own = SiteTimeouts(request_ms=0, idle_ms=1500, first_byte_ms=300_000, upstream_idle_ms=2000)
    assert words(slower, made(replace(desired(replace(SHOP, timeouts=own)), limits=slower.root.limits))) == [
        "policy: shop.example.com: timeouts.first_byte 5m instead of 1m",
        "policy: shop.example.com: timeouts.upstream_idle 2s instead of 30s",
        "policy: shop.example.com: timeouts.idle 1500ms instead of 75s",
        "policy: shop.example.com: timeouts.request none instead of 1h",
    ]


def test_limits_of_a_site_are_told_as_settings_write_them() -> None:
    """Each by its key, with its unit."""
    small = made(desired(replace(SHOP, limits=SiteLimits(body_bytes=65536))))
    assert words(made(), small) == ["policy: shop.example.com: body 64KiB instead of 100MiB"]


def test_limits_default_site_and_ticket_keys() -> None:
    """What all sites share is named by what it is, and secrets by their number."""
    old = plan(BASE, NEEDS, ticket_keys=[OLD_KEY])
    new = plan(
        replace(BASE, default_site=SHOP.id, limits=Limits(header_bytes=32768)),
        NEEDS,
        ticket_keys=[NEW_KEY, OLD_KEY],
    )
    assert words(old, new) == [
        "routes: unknown names: answered by shop.example.com now, refused before",
        "policy: all sites: limits.header.size 32KiB instead of 64KiB",
        "secrets: ticket keys: 1 new, 0 dropped",
    ]
    turned = plan(BASE, NEEDS, ticket_keys=[OLD_KEY, NEW_KEY])
    again = plan(BASE, NEEDS, ticket_keys=[NEW_KEY, OLD_KEY])
    assert words(turned, again) == ["secrets: ticket keys: come in another order"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, (), "no client is accepted instead of clients are asked for no certificate"),
        (
            (),
            (b"root",),
            "clients need a certificate of CA 4813494d137e1631 instead of no client is accepted",
        ),
    ],
)
def test_no_clients_and_no_demand_of_them_are_told_apart(
    before: tuple[bytes, ...] | None, after: tuple[bytes, ...] | None, told: str
) -> None:
    """A site without a known CA lets in nobody; one without the demand asks nobody."""
    was, now = (
        plan(BASE, {SHOP.id: replace(NEEDS[SHOP.id], client_roots=roots)}) for roots in (before, after)
    )
    assert f"policy: {SHOP.id}: {told}" in words(was, now)


def test_an_adopted_root_without_its_parts_can_be_compared() -> None:
    """Whoever knows only the hashes still learns which sites change."""
    adopted = Plan(made().root, {})
    assert words(adopted, made()) == []
    assert words(adopted, made(serial=2)) == [
        "routes: shop.example.com: changes; its former content is unknown"
    ]


def test_no_secret_stands_in_a_difference() -> None:
    """Neither keys nor their hashes are written into what people read."""
    both = " ".join(words(made(), made(serial=2, key=b"other")) + words(None, made()))
    new = made(serial=2, key=b"other")
    secrets = [name for name, part in new.parts.items() if part.kind == "private_key"]
    assert secrets
    assert not any(secret[:8] in both for secret in secrets)


def variants(plan_: Plan) -> Iterator[tuple[str, Plan]]:
    """Yield the plan with one field of one of its parts changed, for every field that may differ."""
    changed: dict[type[Part], dict[str, object]] = {
        Site: {"names": ("a.test", "shop.example.com"), "certificates": (), "hsts": None,
               "redirect_cacheable": False},
        TlsPolicy: {"versions": ("1.3",), "suites": POLICIES["modern"].suites[:1], "groups": ("x25519",),
                    "alpn": ("h2",), "tickets": False, "client_roots": ("cm9vdA==",)},
        Pool: {"id": "another", "connect_timeout_ms": 7,
               "response_timeout_ms": 7, "idle_timeout_ms": 7, "idle_per_worker": 7,
               "connections_per_worker": 7},
        Certificate: {"names": ("a.test",), "chain": ("bGVhZg==",)},
    }  # fmt: skip
    for kind, fields_ in changed.items():
        for field, value in fields_.items():
            part = next(one for one in plan_.parts.values() if isinstance(one, kind))
            yield f"{kind.__name__}.{field}", rebuilt(plan_, part, replace(part, **{field: value}))  # type: ignore[arg-type]
    part = next(one for one in plan_.parts.values() if isinstance(one, Site))
    for limit in fields(SiteLimits):
        limits = replace(part.limits, **{limit.name: 1})
        yield f"Site.limits.{limit.name}", rebuilt(plan_, part, replace(part, limits=limits))
    for limit in fields(Limits):
        common = replace(plan_.root.limits, **{limit.name: 1})
        yield f"Limits.{limit.name}", replace(plan_, root=replace(plan_.root, limits=common))
    certificate = next(one for one in plan_.parts.values() if isinstance(one, Certificate))
    longer = replace(certificate, chain=(*certificate.chain, "bW9yZQ=="))
    yield "Certificate.chain, same leaf", rebuilt(plan_, certificate, longer)


def rebuilt(plan_: Plan, old: Part, new: Part) -> Plan:
    """Return the plan with a part exchanged, and whatever leads to it."""
    parts = {**plan_.parts, hash_of(new): new}
    site_ = new if isinstance(new, Site) else next(one for one in parts.values() if isinstance(one, Site))
    was, now = hash_of(old), hash_of(new)
    if site_ is not new:
        leads = {"pool": site_.pool, "tls": site_.tls}
        moved = {name: now for name, hash_ in leads.items() if hash_ == was}
        certificates = tuple(now if one == was else one for one in site_.certificates)
        site_ = replace(site_, certificates=certificates, **moved)  # type: ignore[arg-type]
    parts[hash_of(site_)] = site_
    return replace(plan_, root=replace(plan_.root, sites={site_.id: hash_of(site_)}), parts=parts)


def test_every_change_is_said_and_none_as_something_instead_of_itself() -> None:
    """Whatever field of whatever part differs, a reader learns what became of what."""
    for name, other in variants(made()):
        for old, new in ((made(), other), (other, made())):
            told = words(old, new)
            assert told, name
            for line in told:
                after, _, before = line.partition(" instead of ")
                assert not after.endswith(before or "\0"), (name, line)
