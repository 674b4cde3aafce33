"""Whatever the planner can build, the edge accepts: a property over both languages."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edge_harness import RunningEdge, running_edge
from plan_samples import names, needs_of
from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer, tls_alpn_server_name
from port443.core.contract.read import read_document
from port443.core.contract.snapshot import Limits, PoolLimits, Site, TicketKey, canonical, plain
from port443.core.names import Endpoint, HostName, IPName, SiteName
from port443.core.plan.desired import (
    Credential,
    Desired,
    DesiredSite,
    HstsFixed,
    LocalIssuer,
    SiteNeeds,
    Upstream,
)
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan, plan
from tls_certs import Wish, ec_key, issue

ISSUED = issue(Wish(), ec_key())
KEY = ISSUED.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NUMERAL = st.integers(1, 65535)
ADDRESSES = st.ip_addresses().map(lambda address: IPName.parse(str(address)))
HOSTS = (
    st.lists(LABEL, min_size=1, max_size=4)
    .map(".".join)
    .filter(lambda text: len(text) <= 253 and not text.rpartition(".")[2].isdigit())
    .map(HostName.parse)
)
WILDCARDS = HOSTS.map(lambda host: HostName.parse(f"*.{host}"))
NAMES = (
    ADDRESSES | HOSTS | WILDCARDS | st.sampled_from(names("localhost", "bücher.example", "::ffff:192.0.2.1"))
)
UPSTREAMS = st.lists(
    st.builds(Upstream, (HOSTS | ADDRESSES).map(lambda name: name.text), NUMERAL), min_size=1, max_size=12
)
HSTS = st.sampled_from(["ladder", "none"]) | st.builds(
    HstsFixed, st.integers(0, 2**40), include_subdomains=st.booleans(), preload=st.booleans()
)
MILLISECONDS = st.integers(1, 86_400_000)
BYTES = st.integers(1, 2**24)
CONNECTIONS = st.integers(1, 2**20)
HANDSHAKES = st.integers(1, 10**6)
OF_A_LIMIT = {
    "_ms": MILLISECONDS,
    "_bytes": BYTES,
    "_fields": st.integers(1, 65535),
    "_second": HANDSHAKES,
    "_burst": HANDSHAKES,
    "_worker": CONNECTIONS,
    "_address": CONNECTIONS,
}
LIMITS = st.builds(
    Limits, **{one.name: OF_A_LIMIT[f"_{one.name.rpartition('_')[2]}"] for one in fields(Limits)}
)
ENDPOINTS = st.lists(st.builds(Endpoint, ADDRESSES.map(lambda name: name.text), NUMERAL), max_size=4)
TICKET_KEYS = st.lists(
    st.sampled_from("ABCDEFGHIJKL").map(lambda letter: TicketKey(letter * 42 + "A=")), max_size=9
)
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{22,256}", fullmatch=True)
ANSWERS: st.SearchStrategy[PendingAnswer] = st.one_of(
    TOKENS.map(lambda token: HttpAnswer(token, f"{token}.{'p' * 43}")),
    (HOSTS | ADDRESSES).map(lambda name: TlsAlpnAnswer(tls_alpn_server_name(name), (ISSUED.der,), KEY)),
)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw wishes as the settings may make them: no name belongs to two sites."""
    drawn = draw(st.lists(NAMES, max_size=12, unique=True))
    sites = []
    while drawn:
        count = draw(st.integers(1, len(drawn)))
        sites.append(draw(a_site(tuple(drawn[:count]))))
        drawn = drawn[count:]
    ids = [site.id for site in sites]
    wishes = Desired(
        tuple(draw(ENDPOINTS)), tuple(draw(ENDPOINTS)), tuple(sites), 1, draw(st.sampled_from([None, *ids])),
        limits=draw(LIMITS), pool_limits=PoolLimits(connections_per_worker=draw(CONNECTIONS)),
    )  # fmt: skip
    certified = draw(st.sets(st.sampled_from(ids))) if ids else set()
    credentials = {
        site.id: Credential(site.names, (ISSUED.der,), KEY) for site in sites if site.id in certified
    }
    steps = {id_: HstsStep(draw(st.integers(0, 3)), NOON) for id_ in certified}
    needs = needs_of(credentials)
    for id_ in draw(st.sets(st.sampled_from(ids))) if ids else ():
        answers = draw(st.lists(ANSWERS, max_size=3))
        needs[id_] = replace(needs.get(id_, SiteNeeds()), answers=tuple(answers))
    return plan(wishes, needs, hsts_steps=steps, ticket_keys=draw(TICKET_KEYS))


def a_site(its_names: tuple[SiteName, ...]) -> st.SearchStrategy[DesiredSite]:
    return st.builds(
        DesiredSite,
        id=st.just(its_names[0].text),
        names=st.just(its_names),
        upstreams=UPSTREAMS.map(tuple),
        certificate=st.just(LocalIssuer()),
        tls=st.sampled_from(["modern", "intermediate"]),
        hsts=HSTS,
    )


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge(workers=1) as running:
        yield running


@pytest.mark.slow
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
@given(made=plans())
def test_whatever_the_planner_builds_is_accepted(edge: RunningEdge, made: Plan) -> None:
    """Python's reader and the edge take every document; every site with a certificate runs."""
    for document in (made.root, *made.parts.values()):
        assert read_document(canonical(document)) == document
    stored = edge.request("put", parts=[plain(part) for part in made.parts.values()])["stored"]
    assert stored == list(made.parts)
    receipt = edge.request("apply", root=plain(made.root), epoch=1, base=edge.running)["receipt"]
    assert receipt["missing"] == []
    edge.running = receipt["root"]
    assert edge.running == made.hash
    assert set(receipt["sites"]) == set(made.root.sites)
    parts = {id_: made.parts[part] for id_, part in made.root.sites.items()}
    certified = {id_ for id_, part in parts.items() if isinstance(part, Site) and part.certificates}
    assert {id_ for id_, state in receipt["sites"].items() if state == {"state": "running"}} == certified
    states = [state for id_, state in receipt["sites"].items() if id_ not in certified]
    assert all(state == {"state": "pending"} or state["code"] == "certificate_missing" for state in states)
    assert receipt["refused_challenges"] == {}
    assert set(receipt["listeners"]) == {listener.id for listener in made.root.listeners}
