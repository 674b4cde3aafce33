"""Settings written back, and where each value comes from."""

from dataclasses import fields
from pathlib import Path, PurePath
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plan_samples import file_text
from port443.core.contract.rules import Range
from port443.core.contract.snapshot import Limits, PoolLimits, SiteLimits
from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import (
    Desired,
    DesiredSite,
    HstsFixed,
    HstsWish,
    LocalIssuer,
    LogWish,
    OwnCertificate,
    SiteTimeouts,
    Upstream,
)
from port443.core.plan.written import LIMIT_SETTINGS
from port443.settings.load import parse, read
from port443.settings.schema import LimitsForm
from port443.settings.show import lines
from port443.settings.variables import variable_in

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))

labels = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.builds("{}.{}.test".format, labels, labels)
addresses = st.ip_addresses().map(str).filter(lambda text: "ffff:" not in text).map(IPName.parse)
names = st.one_of(
    hosts.map(HostName),
    hosts.map(lambda host: HostName(f"*.{host}")),
    addresses,
)
paths = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20
).filter(lambda path: variable_in(path) is None)  # settings take no such path
certificates = st.one_of(
    st.just(None), st.builds(OwnCertificate, *[paths.map(lambda path: PurePath("/etc") / path)] * 2)
)
hsts_words: st.SearchStrategy[HstsWish] = st.one_of(st.just("ladder"), st.just("none"))
hsts: st.SearchStrategy[HstsWish] = st.one_of(
    hsts_words,
    st.builds(HstsFixed, st.integers(0, 10**9), st.booleans()),
    st.just(HstsFixed(31_536_000, include_subdomains=True, preload=True)),
)
upstreams = st.builds(
    Upstream,
    st.one_of(hosts, addresses.map(str)),
    st.integers(1, 65535),
)

connections = st.integers(1, 2**20)
handshakes = st.integers(1, 10**6)
head_sizes = st.integers(1, 2**24)
timeouts = st.integers(1, 86400).map(lambda seconds: seconds * 1000)
limits = st.builds(
    Limits,
    connections_per_worker=connections,
    connections_per_address=connections,
    handshakes_per_second=handshakes,
    handshakes_burst=handshakes,
    hello_timeout_ms=timeouts,
    handshake_timeout_ms=timeouts,
    header_bytes=head_sizes,
    header_line_bytes=head_sizes,
    header_fields=st.integers(1, 65535),
    header_timeout_ms=timeouts,
    body_timeout_ms=timeouts,
    idle_timeout_ms=timeouts,
    request_timeout_ms=st.none() | timeouts,
    tunnel_timeout_ms=timeouts,
    drain_timeout_ms=timeouts,
)
pool_limits = st.builds(
    PoolLimits,
    connect_timeout_ms=timeouts,
    response_timeout_ms=timeouts,
    idle_timeout_ms=timeouts,
    connections_per_worker=connections,
)
logs = st.builds(
    LogWish,
    level=st.sampled_from(["error", "warning", "info", "debug"]),
    file=st.none() | paths.map(lambda path: PurePath("/var") / path),
    format=st.sampled_from(["auto", "text", "json"]),
)
own = st.none() | timeouts
site_timeouts = st.builds(
    SiteTimeouts,
    handshake_ms=own,
    header_ms=own,
    body_ms=own,
    idle_ms=own,
    request_ms=own | st.just(0),
    tunnel_ms=own,
    connect_ms=own,
    first_byte_ms=own,
    upstream_idle_ms=own,
)


def limit(hint: Any) -> st.SearchStrategy[int | None]:
    """Whatever the contract allows for a number."""
    inner, rule, *_ = get_args(hint)
    if isinstance(rule, Range):
        return st.integers(rule.least, rule.most)
    return st.none() | limit(inner)


LIMITS = get_type_hints(SiteLimits, include_extras=True)
site_limits = st.builds(SiteLimits, **{name: limit(hint) for name, hint in LIMITS.items()})


@st.composite
def sites(draw: st.DrawFn, served: tuple[HostName | IPName, ...]) -> DesiredSite:
    own = draw(certificates)
    public = not all(name.is_reserved for name in served)
    has_host = any(isinstance(name, HostName) for name in served)
    return DesiredSite(
        id=str(served[0]),
        names=served,
        upstreams=tuple(draw(st.lists(upstreams, min_size=1, max_size=3, unique=True))),
        certificate=own or LocalIssuer(unconstrained=public),
        tls=draw(st.sampled_from(["modern", "intermediate"])),
        hsts=draw(hsts if has_host else hsts_words),
        limits=draw(site_limits),
        client_ca=own.chain if own and draw(st.booleans()) else None,
        timeouts=draw(site_timeouts),
    )


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    served = draw(st.lists(names, min_size=1, max_size=9, unique=True))
    groups = [tuple(served[at : at + 3]) for at in range(0, len(served), 3)]
    built = tuple(draw(sites(group)) for group in groups)
    ports = draw(st.lists(st.integers(1, 65535), min_size=2, max_size=4, unique=True))
    address = draw(addresses).text
    ends = tuple(Endpoint(address, port) for port in ports)
    default = draw(st.sampled_from([None, *(site.id for site in built)]))
    workers = draw(st.integers(1, 256))
    return Desired(
        ends[:1],
        ends[1:],
        built,
        workers,
        default,
        draw(limits),
        draw(pool_limits),
        draw(logs),
    )


@settings(max_examples=40)  # each writes and reads a whole file
@given(desires())
@example(parse('sites: {"fc00::": http://h, "null": {to: "http://[::1]", issuer: local}}'))
def test_what_is_shown_reads_the_same(desired: Desired) -> None:
    """`config show` prints a settings file that means exactly what is in effect."""
    assert parse(file_text(desired)) == desired


def test_every_limit_is_read_and_shown() -> None:
    """No key below `limits` is without its field, no field but one without its key."""
    groups = {group: field.annotation for group, field in LimitsForm.model_fields.items()}
    keys = {(group, key) for group, form in groups.items() for key in form.model_fields}  # type: ignore[union-attr]
    assert {(one.group, one.key) for one in LIMIT_SETTINGS} == keys
    held = {(kind, one.name) for kind in (Limits, PoolLimits) for one in fields(kind)}
    assert held - {(one.holder, one.field) for one in LIMIT_SETTINGS} == {(Limits, "hello_bytes")}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_line_knows_its_origin(path: Path) -> None:
    """A value comes from the line that holds its key, or from a default."""
    reading = read(path)
    written = path.read_text().splitlines()
    for setting, _ in lines(reading.desired):
        line = reading.line_of(setting)
        if line is not None:
            assert any(str(step) in written[line - 1] for step in setting)


def test_origins_of_short_and_long_form(tmp_path: Path) -> None:
    """A site in short form says on its own line where it goes to; what is not written is a default."""
    file = tmp_path / "port443.yaml"
    file.write_text("sites:\n  A.test: http://a\n  b.test:\n    tls: modern\n    to:\n      - http://b\n")
    reading = read(file)
    assert reading.line_of(("sites", "a.test")) == 2
    assert reading.line_of(("sites", "a.test", "to")) == 2
    assert reading.line_of(("sites", "a.test", "tls")) is None
    assert reading.line_of(("sites", "b.test", "tls")) == 4
    assert reading.line_of(("sites", "b.test", "to")) == 5
    assert reading.line_of(("sites", "b.test", "hsts")) is None
    assert reading.line_of(("workers",)) is None
