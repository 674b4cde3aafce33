"""The planner is golden-tested: what it makes of wishes stands in files that people can read."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plan_samples import OWN, credential, desired, needs_of, site
from port443.core.contract.read import read_document
from port443.core.contract.snapshot import (
    Limits,
    Pool,
    PoolLimits,
    PrivateKey,
    Site,
    SiteLimits,
    TicketKey,
    TlsPolicy,
    canonical,
    hash_of,
    plain,
)
from port443.core.names import Endpoint
from port443.core.plan.desired import Desired, HstsFixed, SiteNeeds, SiteTimeouts, Upstream
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan, plan, timeouts_of

GOLDEN = Path(__file__).parent / "plans.json"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TWO_YEARS = HstsFixed(63072000, include_subdomains=True)
ANY_IPV4 = "0.0.0.0"  # noqa: S104 # nothing is bound here
ONE = site("demo.localhost", "localhost", "127.0.0.1", "::1")
MANY = desired(
    site("app.example.com", tls="modern", hsts="none"),
    site("shop.example.com", "*.shop.example.com", "192.0.2.10", certificate=OWN, hsts=TWO_YEARS),
    site("api.internal", upstreams=(Upstream("10.0.0.2", 80), Upstream("2001:db8::2", 8080))),
    site("late.example.com"),
    https=(Endpoint("::", 443), Endpoint(ANY_IPV4, 443)),
    http=(Endpoint(ANY_IPV4, 80), Endpoint("::", 80)),
    default_site="shop.example.com",
)  # fmt: skip
CREDENTIALS = {id_: credential(id_) for id_ in ("demo.localhost", "app.example.com", "api.internal")} | {
    "shop.example.com": credential("shop.example.com", "*.shop.example.com", "192.0.2.10", key=b"shop")
}
NEEDS = needs_of(CREDENTIALS)
CASES: dict[str, Plan] = {
    "nothing": plan(desired(), {}),
    "one_local_site": plan(desired(ONE), NEEDS),
    "many_sites": plan(
        replace(MANY, limits=Limits(drain_timeout_ms=30000)),
        NEEDS,
        hsts_steps={"api.internal": HstsStep(2, NOON)},
        ticket_keys=[TicketKey("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), "ab" * 32],
    ),
}


def shown(made: Plan) -> dict[str, Any]:
    """Return a plan as a person would read it; secrets by their hash alone."""
    hidden = {name: part for name, part in made.parts.items() if isinstance(part, PrivateKey | TicketKey)}
    public = {name: plain(part) for name, part in made.parts.items() if name not in hidden}
    return {
        "hash": made.hash,
        "root": plain(made.root),
        "parts": dict(sorted(public.items())),
        "secrets": {name: hidden[name].kind for name in sorted(hidden)},
    }


def test_plans_are_the_golden_ones() -> None:
    """The same wishes make the same snapshot, byte for byte; ACCEPT=1 takes a new one on purpose."""
    text = (
        json.dumps({name: shown(made) for name, made in CASES.items()}, indent=2, ensure_ascii=False) + "\n"
    )
    if os.environ.get("ACCEPT") == "1":
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


@pytest.mark.parametrize("name", CASES)
def test_a_plan_is_whole_and_keeps_the_contract(name: str) -> None:
    """Every document passes the contract's checks; a part that is not there is a ticket key."""
    made = CASES[name]
    for document in (made.root, *made.parts.values()):
        assert document == read_document(canonical(document))
    assert set(made.parts) <= set(made.root.parts) <= {*made.parts, *made.root.ticket_keys}


def test_a_site_without_a_credential_is_planned_without_a_certificate() -> None:
    """So that the edge knows its names, goes on with its last good version, and asks its clients."""
    wishes = desired(ONE, site("late.example.com"), default_site="late.example.com")
    made = plan(wishes, NEEDS | {"late.example.com": SiteNeeds(client_roots=(b"root",))})
    late = made.parts[made.root.sites["late.example.com"]]
    assert isinstance(late, Site)
    policy = made.parts[late.tls]
    assert isinstance(policy, TlsPolicy)
    assert (late.certificates, policy.client_roots) == ((), ("cm9vdA==",))
    assert made.root.default_site == "late.example.com"


@pytest.mark.parametrize(
    ("needed", "demanded"), [(None, None), ((), ()), ((b"root",), ("cm9vdA==",))], ids=str
)
def test_clients_are_asked_where_their_cas_are_needed(
    needed: tuple[bytes, ...] | None, demanded: tuple[str, ...] | None
) -> None:
    """Who knows no CA yet lets in nobody; only who needs none asks nobody, and may give tickets."""
    made = plan(desired(ONE), {ONE.id: SiteNeeds(CREDENTIALS[ONE.id], needed)})
    (policy,) = (part for part in made.parts.values() if isinstance(part, TlsPolicy))
    assert (policy.client_roots, policy.tickets) == (demanded, needed is None)


def test_equal_upstreams_share_a_pool() -> None:
    """Two sites with the same servers in the same order use one pool part; another order is another pool."""
    both = (Upstream("10.0.0.2", 80), Upstream("10.0.0.3", 80))
    sites = [
        site("a.test", upstreams=both),
        site("b.test", upstreams=both),
        site("c.test", upstreams=both[::-1]),
    ]
    made = plan(desired(*sites), needs_of({each.id: credential(each.id) for each in sites}))
    pools = {part.id: part.pool for part in made.parts.values() if isinstance(part, Site)}
    assert pools["a.test"] == pools["b.test"] != pools["c.test"]


def test_a_large_pool_has_a_short_name_of_its_own() -> None:
    """Pools that differ in one server far behind have different names that fit a log line."""
    many = tuple(Upstream(f"10.0.{index // 256}.{index % 256}", 80) for index in range(1024))
    other = (*many[:-1], Upstream("10.9.9.9", 80))
    made = plan(
        desired(site("a.test", upstreams=many), site("b.test", upstreams=other)),
        needs_of({"a.test": credential("a.test"), "b.test": credential("b.test")}),
    )
    ids = {part.id for part in made.parts.values() if isinstance(part, Pool)}
    assert len(ids) == 2
    assert max(map(len, ids)) < 100


def test_the_order_of_wishes_makes_no_difference() -> None:
    """Sites, names and addresses in another order make the same hash."""
    turned = replace(MANY, sites=MANY.sites[::-1], https=MANY.https[::-1], http=MANY.http[::-1])
    renamed = replace(turned, sites=tuple(replace(each, names=each.names[::-1]) for each in turned.sites))
    assert plan(MANY, NEEDS).hash == plan(renamed, NEEDS).hash


def test_redirects_of_local_names_are_not_remembered() -> None:
    """A browser that remembers localhost's redirect breaks the next project on that port."""
    local, public, address = site("app.test"), site("app.example.com"), site("127.0.0.1")
    made = plan(
        desired(local, public, address),
        needs_of({each.id: credential(each.id) for each in (local, public, address)}),
    )
    cacheable = {part.id: part.redirect_cacheable for part in made.parts.values() if isinstance(part, Site)}
    assert cacheable == {"app.test": False, "app.example.com": True, "127.0.0.1": False}


@pytest.mark.parametrize(
    ("https", "expected"),
    [((), 443), ((8443,), 8443), ((8443, 443), 443), ((9443, 8443), 9443)],
)
def test_redirects_lead_to_the_port_that_clients_reach(https: tuple[int, ...], expected: int) -> None:
    """443 when we listen there, else the first of our own."""
    wishes = desired(https=tuple(Endpoint("127.0.0.1", port) for port in https))
    redirect = plan(wishes, {}).root.listeners[-1]
    assert ("redirect", expected) == (redirect.role, redirect.https_port)


def test_a_lost_ticket_key_costs_nothing_else() -> None:
    """A plan without a ticket key that nobody holds is a whole plan."""
    key = TicketKey("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    lost = "ab" * 32
    kept = plan(Desired((), (), (), 1), {}, ticket_keys=[key])
    made = plan(Desired((), (), (), 1), {}, ticket_keys=[lost, key]).without_ticket_keys([lost, "cd" * 32])
    assert kept == made
    assert (hash_of(key),) == made.root.ticket_keys


def test_more_ticket_keys_than_the_contract_allows_are_passed_over() -> None:
    """The newest eight are used."""
    keys = [f"{index:064x}" for index in range(9)]
    assert tuple(keys[:8]) == plan(Desired((), (), (), 1), {}, ticket_keys=keys).root.ticket_keys


def test_a_credential_that_covers_more_than_the_site_is_taken_as_it_is() -> None:
    """A certificate part says what its leaf covers, a site part what is served."""
    made = plan(desired(site("a.test")), needs_of({"a.test": credential("a.test", "*.a.test")}))
    spelled = {part.kind: part.names for part in made.parts.values() if hasattr(part, "names")}
    assert spelled == {"site": ("a.test",), "certificate": ("*.a.test", "a.test")}


def test_a_site_has_its_own_time_outs_and_those_of_its_pool() -> None:
    """Those for all are filled in; a site that has none is as it was, and shares its pool."""
    own = site("a.test", timeouts=SiteTimeouts(request_ms=0, body_ms=300_000, first_byte_ms=2000))
    same = site("b.test", timeouts=SiteTimeouts(body_ms=60_000))
    limits = Limits(request_timeout_ms=3_600_000)
    made = plan(
        replace(desired(own, same), limits=limits),
        needs_of({name: credential(name) for name in ("a.test", "b.test")}),
    )
    sites = {part.id: part for part in made.parts.values() if isinstance(part, Site)}
    assert sites["a.test"].timeouts == replace(
        timeouts_of(limits), request_timeout_ms=None, body_timeout_ms=300_000
    )
    assert sites["b.test"].timeouts is None
    pools = [made.parts[sites[name].pool] for name in ("a.test", "b.test")]
    assert [pool.response_timeout_ms for pool in pools if isinstance(pool, Pool)] == [2000, 60_000]


def test_limits_go_where_the_edge_looks_for_them() -> None:
    """Those of all in the root, a site's in the site, those of a pool in each pool."""
    small = replace(site("a.test"), limits=SiteLimits(body_bytes=1000))
    wishes = replace(desired(small), limits=Limits(header_fields=50))
    wishes = replace(wishes, pool_limits=PoolLimits(response_timeout_ms=5000, connections_per_worker=500))
    made = plan(wishes, needs_of({"a.test": credential("a.test")}))
    assert made.root.limits == Limits(header_fields=50)
    (part,) = (part for part in made.parts.values() if isinstance(part, Site))
    assert part.limits == SiteLimits(body_bytes=1000)
    (pool,) = (part for part in made.parts.values() if isinstance(part, Pool))
    assert (pool.response_timeout_ms, pool.connections_per_worker) == (5000, 500)
