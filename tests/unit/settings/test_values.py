"""Single values."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import Upstream
from port443.settings import error_kinds, values
from port443.settings.error_kinds import ErrorKind
from port443.settings.show import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("5s", 5), ("10m", 600), ("2h", 7200), ("30d", 2_592_000), ("2y", 63_072_000)],
)
def test_durations(text: str, seconds: int) -> None:
    assert values.read_duration(text) == seconds


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "5",
        "s",
        "-5s",
        "5 s",
        "5S",
        "1w",
        "1.5h",
        "\N{ARABIC-INDIC DIGIT FIVE}s",
        "101y",
        5,
        5.0,
        True,
        None,
        [],
    ],
    ids=repr,
)
def test_what_is_no_duration(raw: object) -> None:
    """A whole number and a unit, nothing else."""
    with pytest.raises(values.InvalidValue) as caught:
        values.read_duration(raw)
    assert caught.value.kind in {error_kinds.DURATION_INVALID, error_kinds.TYPE_WRONG}


@given(st.integers(0, values.MAX_DURATION_S))
def test_a_duration_comes_back(seconds: int) -> None:
    """What is shown reads as what was meant."""
    assert values.read_duration(duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "upstream"),
    [
        ("http://app", Upstream("app", 80)),
        ("HTTP://APP:8000/", Upstream("app", 8000)),
        ("http://127.0.0.1:65535", Upstream("127.0.0.1", 65535)),
        ("http://[::1]", Upstream("::1", 80)),
        ("http://[2001:DB8:0::1]:1", Upstream("2001:db8::1", 1)),
        ("http://bücher.test:1", Upstream("xn--bcher-kva.test", 1)),
    ],
)
def test_upstreams(text: str, upstream: Upstream) -> None:
    assert values.read_upstream(text) == upstream


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("app", error_kinds.UPSTREAM_INVALID),
        ("//app", error_kinds.UPSTREAM_INVALID),
        ("http://", error_kinds.UPSTREAM_INVALID),
        ("http://:80", error_kinds.UPSTREAM_INVALID),
        ("http://app:", error_kinds.UPSTREAM_INVALID),
        ("http://app:0", error_kinds.UPSTREAM_INVALID),
        ("http://app:65536", error_kinds.UPSTREAM_INVALID),
        ("http://app:\N{SUPERSCRIPT TWO}", error_kinds.UPSTREAM_INVALID),
        ("http://app:1:2", error_kinds.UPSTREAM_INVALID),
        ("http://::1", error_kinds.UPSTREAM_INVALID),
        ("http://[::1", error_kinds.UPSTREAM_INVALID),
        ("http://[::1]x", error_kinds.UPSTREAM_INVALID),
        ("http://[fe80::1%eth0]", error_kinds.UPSTREAM_INVALID),
        ("http://*.app.test", error_kinds.UPSTREAM_INVALID),
        ("http://[::ffff:10.0.0.1]", error_kinds.UPSTREAM_INVALID),
        ("http://127.1", error_kinds.UPSTREAM_INVALID),
        ("http://a b", error_kinds.UPSTREAM_INVALID),
        ("https://app", error_kinds.UPSTREAM_SCHEME),
        ("h2c://app", error_kinds.UPSTREAM_SCHEME),
        ("unix:///run/app.sock", error_kinds.UPSTREAM_SCHEME),
        ("http://app/x", error_kinds.UPSTREAM_PATH),
        ("http://app?x", error_kinds.UPSTREAM_PATH),
        ("http://app#x", error_kinds.UPSTREAM_PATH),
        ("http://u:p@app", error_kinds.UPSTREAM_PATH),
        (8000, error_kinds.TYPE_WRONG),
    ],
)
def test_what_is_no_upstream(raw: object, kind: ErrorKind) -> None:
    """An upstream is a plain HTTP server, and says no more than where it is."""
    with pytest.raises(values.InvalidValue) as caught:
        values.read_upstream(raw)
    assert caught.value.kind == kind


def test_no_message_repeats_a_password() -> None:
    """What stood before the @ is not told to whoever reads the terminal."""
    with pytest.raises(values.InvalidValue) as caught:
        values.read_upstream("http://user:hunter2@app")
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("", error_kinds.NAME_INVALID),
        ("a..b", error_kinds.NAME_INVALID),
        ("a_b.test", error_kinds.NAME_INVALID),
        ("a b.test", error_kinds.NAME_INVALID),
        ("http://a.test/x", error_kinds.NAME_INVALID),
        ("a.test:443", error_kinds.NAME_INVALID),
        ("a.test/x", error_kinds.NAME_INVALID),
        ("1.2.3", error_kinds.NAME_INVALID),
        ("fe80::1%eth0", error_kinds.NAME_INVALID),
        ("::ffff:10.0.0.1", error_kinds.NAME_INVALID),
        ("a" * 64 + ".test", error_kinds.NAME_INVALID),
        ("*", error_kinds.WILDCARD_INVALID),
        ("*.", error_kinds.WILDCARD_INVALID),
        ("*.test", error_kinds.WILDCARD_INVALID),
        ("*.*.a.test", error_kinds.WILDCARD_INVALID),
        ("www*.a.test", error_kinds.WILDCARD_INVALID),
        (443, error_kinds.TYPE_WRONG),
        (None, error_kinds.TYPE_WRONG),
    ],
)
def test_what_is_no_name(raw: object, kind: ErrorKind) -> None:
    with pytest.raises(values.InvalidValue) as caught:
        values.read_name(raw)
    assert caught.value.kind == kind


def test_names() -> None:
    """A site is known by host names, one-label wildcards and addresses."""
    assert values.read_name("*.A.test") == HostName("*.a.test")
    assert values.read_name("[::0001]") == IPName("::1")


@pytest.mark.parametrize(
    "raw",
    [
        443,
        ":443",
        "*:443",
        "localhost:443",
        "::443",
        "1.2.3.4",
        "1.2.3.4:\N{SUPERSCRIPT TWO}",
        "[fe80::1%eth0]:443",
        "1.2.3.4:65536",
        "[::ffff:10.0.0.1]:443",
        pytest.param("1.2.3.4:" + "9" * 5000, id="long"),
    ],
)
def test_what_is_no_listener(raw: object) -> None:
    with pytest.raises(values.InvalidValue) as caught:
        values.read_endpoint(raw)
    assert caught.value.kind == error_kinds.ADDRESS_INVALID


def test_listeners() -> None:
    assert values.read_endpoint("[0::]:8443") == Endpoint("::", 8443)


READERS = [
    values.read_name,
    values.read_endpoint,
    values.read_upstream,
    values.read_duration,
    values.read_path,
]


def objection_to(raw: object, read: Callable[[object], object]) -> str | None:
    """Read a value and return what speaks against it; everything else that is raised fails the test."""
    try:
        read(raw)
    except values.InvalidValue as wrong:
        return wrong.message
    return None


@pytest.mark.parametrize("read", READERS)
@given(raw=st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.lists(st.none()))
def test_no_value_raises_anything_else(read: Callable[[object], object], raw: object) -> None:
    """Whatever a value is, it is read or it is wrong for a reason."""
    assert objection_to(raw, read) != ""
