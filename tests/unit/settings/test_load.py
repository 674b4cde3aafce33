"""Settings from text to what is desired."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.contract.snapshot import Limits, PoolLimits
from port443.core.errors import SettingsError
from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import (
    Desired,
    DesiredSite,
    HstsFixed,
    LocalIssuer,
    LogWish,
    OwnCertificate,
    SiteTimeouts,
    Upstream,
)
from port443.settings import error_kinds
from port443.settings.diagnostics import SettingsInvalid, SettingsUnreadable
from port443.settings.error_kinds import ErrorKind
from port443.settings.load import MAX_BYTES, load, parse

TOP = Path(__file__).parents[3]
BAD = sorted((TOP / "tests" / "settings_bad").glob("*.yaml"))
EXAMPLES = sorted((TOP / "examples").glob("*.yaml"))


def kinds_of(text: str | bytes) -> list[ErrorKind]:
    with pytest.raises(SettingsInvalid) as caught:
        parse(text)
    return [one.kind for one in caught.value.diagnostics]


def site(text: str) -> DesiredSite:
    """Read the one site of `sites: {…}` given without its frame."""
    return parse(f"sites: {{{text}}}", directory=PurePath("/etc/port443")).sites[0]


def test_the_shortest_file_has_safe_defaults() -> None:
    """A name and a URL are enough: all addresses, intermediate TLS, the HSTS ladder, the local CA."""
    name = HostName("app.localhost")
    assert parse("sites:\n  app.localhost: http://127.0.0.1:9000\n", cores=3) == Desired(
        https=(Endpoint("0.0.0.0", 443), Endpoint("::", 443)),  # noqa: S104 - nothing is bound
        http=(Endpoint("0.0.0.0", 80), Endpoint("::", 80)),  # noqa: S104 - nothing is bound
        sites=(DesiredSite("app.localhost", (name,), (Upstream("127.0.0.1", 9000),), LocalIssuer()),),
        workers=3,
    )


def test_the_long_form_says_everything() -> None:
    """Each key of a site arrives in what is desired."""
    read = site(
        'a.test: {to: [http://h:1, "http://[::1]"], aliases: ["*.a.test", "[FD00::1]"], tls: modern, '
        "hsts: {max_age: 2y, include_subdomains: true, preload: true}, "
        "certificate: {chain: tls/a.pem, key: /run/a.key}}"
    )
    assert read == DesiredSite(
        id="a.test",
        names=(HostName("a.test"), HostName("*.a.test"), IPName("fd00::1")),
        upstreams=(Upstream("h", 1), Upstream("::1", 80)),
        certificate=OwnCertificate(PurePath("/etc/port443/tls/a.pem"), PurePath("/run/a.key")),
        tls="modern",
        hsts=HstsFixed(63_072_000, include_subdomains=True, preload=True),
    )


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    """A certificate beside the file is found from whatever directory port443 is started in."""
    file = tmp_path / "port443.yaml"
    file.write_text("sites: {a.test: {to: http://h, certificate: {chain: a.pem, key: a.key}}}")
    assert load(file).sites[0].certificate == OwnCertificate(tmp_path / "a.pem", tmp_path / "a.key")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("App.LOCALHOST.: http://h", ["app.localhost"]),
        ("münchen.test: http://h", ["xn--mnchen-3ya.test"]),
        ('"::1": http://h', ["::1"]),
        ("10.0.0.1: http://h", ["10.0.0.1"]),
        ("no: {to: http://h, issuer: local}", ["no"]),
    ],
)
def test_a_name_has_one_spelling(text: str, names: list[str]) -> None:
    """However a name is written, it is known by its A-labels or its canonical address."""
    read = site(text)
    assert [str(name) for name in read.names] == names
    assert read.id == names[0]


def test_an_ipv6_address_needs_no_quotes_as_a_key() -> None:
    """In a block, YAML 1.2 reads ::1 as text; the word of YAML 1.1 for an empty key is gone."""
    assert parse("sites:\n  ::1: http://h\n").sites[0].names == (IPName("::1"),)


def test_the_local_ca_serves_reserved_names_by_itself() -> None:
    """Only a site with a public name needs the unconstrained root, and must ask for it."""
    assert site("a.internal: http://h").certificate == LocalIssuer(unconstrained=False)
    assert site("a.example.com: {to: http://h, issuer: local}").certificate == LocalIssuer(unconstrained=True)
    assert site("a.test: {to: http://h, aliases: [a.org], issuer: local}").certificate == LocalIssuer(
        unconstrained=True
    )


def test_the_default_site_may_be_named_by_any_of_its_names() -> None:
    """An alias stands for its site."""
    text = "default_site: B.test\nsites: {a.test: {to: http://h, aliases: [b.test]}}"
    assert parse(text).default_site == "a.test"


@pytest.mark.parametrize(("word", "meant"), [("none", "none"), ("off", "none"), ("ladder", "ladder")])
def test_hsts_is_a_word(word: str, meant: str) -> None:
    """`none` is text for every reader of YAML; `off`, a boolean for YAML 1.1, is still read."""
    assert site(f"a.test: {{to: http://h, hsts: {word}}}").hsts == meant


def test_hsts_may_be_none_for_localhost() -> None:
    """What is never sent may be switched off; and one name of its own is enough to have it."""
    assert site("localhost: {to: http://h, hsts: none}").hsts == "none"
    assert isinstance(
        site("a.localhost: {to: http://h, aliases: [localhost], hsts: {max_age: 1y}}").hsts, HstsFixed
    )


def test_http_may_be_left_closed() -> None:
    """An empty list opens no plain listener."""
    assert parse("listen: {http: []}\nsites: {a.test: http://h}").http == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_right(path: Path) -> None:
    """What is shown can be copied."""
    assert load(path).sites


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_a_byte_order_mark_does_no_harm() -> None:
    """Editors that mark UTF-8 are no reason to refuse a file."""
    assert parse("\N{ZERO WIDTH NO-BREAK SPACE}sites: {a.test: http://h}".encode()).sites


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """A file in another encoding is told from a file with a strange name."""
    assert kinds_of("sites: {ä.test: http://h}".encode(encoding))[0] in {
        error_kinds.NOT_UTF8,
        error_kinds.CHARACTER,
    }


def test_a_file_is_bounded() -> None:
    """What is larger than a settings file can be is not read as one."""
    assert kinds_of(b"#" * (MAX_BYTES + 1)) == [error_kinds.FILE_TOO_LARGE]


def test_lists_are_bounded() -> None:
    """A site has no more names and servers than the edge takes."""
    names = ", ".join(f"n{number}.test" for number in range(4096))
    servers = ", ".join(f"http://s{number}" for number in range(1025))
    text = f"sites:\n  a.test: {{to: http://h, aliases: [{names}]}}\n  b.test: [{servers}]\n"
    assert kinds_of(text) == [error_kinds.TOO_MANY, error_kinds.TOO_MANY]


def test_a_missing_file_is_no_defect(tmp_path: Path) -> None:
    """The path is named, and what the machine says about it."""
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(SettingsUnreadable, match=r"none|cannot be read|is not a path"):
            load(path)


def test_one_broken_site_hides_nothing_elsewhere() -> None:
    """What one value shows and what only the whole shows come in the same run."""
    text = (
        'default_site: z.test\nlisten: {http: ["127.0.0.1:1", "127.0.0.1:1"]}\nsites:\n'
        "  a.test: {to: ftp://h, aliases: [b.test]}\n  b.test: http://h\n  c.org: http://h\n"
    )
    assert kinds_of(text) == [
        error_kinds.DEFAULT_SITE_UNKNOWN,
        error_kinds.LISTENER_DUPLICATE,
        error_kinds.UPSTREAM_SCHEME,
        error_kinds.NAME_DUPLICATE,
        error_kinds.ISSUER_NEEDED,
    ]


@pytest.mark.parametrize("key", ["<text>", "<given>", "<mapping>", "[key]"])
def test_no_key_is_taken_for_something_else(key: str) -> None:
    """A key may be called like a mark of the machinery, anywhere."""
    text = f'"{key}": 1\nsites:\n  "{key}": http://h\n  a.test: {{to: http://h, "{key}": 1}}\n'
    assert kinds_of(text) == [error_kinds.KEY_UNKNOWN, error_kinds.NAME_INVALID, error_kinds.KEY_UNKNOWN]


FRAGMENTS = [
    *(path.read_text(errors="replace") for path in BAD),
    *(path.read_text() for path in EXAMPLES),
    *"\n\t:-?,[]{}&*!|>'\"%@`#~<\\\x00\x85\u2028\N{REPLACEMENT CHARACTER}é日",
    "  ", "\n  ", "\n    ", ": ", "- ", "sites:", "listen:", "https", "to: ", "hsts: ", "max_age: ",
    "aliases: ", "http://", "127.0.0.1", "::1", ":443", "\N{SUPERSCRIPT TWO}", "1y", "true", "null", "0x1f",
    "010", ".inf", "1e999", "\\U0011ffff", "%YAML 1.2\n---\n", "%TAG !", "!!int ", "a.test", "*.x.test",
    "xn--", "..", '"\\ud800"', '"\\e[31m"', "ß.test", "\u202e.test",
]  # fmt: skip


def judged(content: str | bytes) -> SettingsError | None:
    """Read settings and return what speaks against them; everything else that is raised fails the test."""
    try:
        parse(content)
    except SettingsError as error:
        return error
    return None


@given(st.text(max_size=200) | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_no_text_raises_anything_else(text: str) -> None:
    """Whatever stands in a file, the answer is either settings or their mistakes, each in its place."""
    error = judged(text)
    if error is not None:
        assert isinstance(error, SettingsInvalid)
        assert error.report()
        assert all(one.place.line >= 1 and one.place.column >= 1 for one in error.diagnostics)


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    """The same holds for what is no text at all."""
    error = judged(content)
    assert error is None or error.code == SettingsInvalid.code


def test_a_site_has_time_outs_of_its_own() -> None:
    """What a site leaves out is as for all; `none` takes away the end that requests have elsewhere."""
    read = parse(
        "limits: {timeouts: {request: 1h}}\n"
        "sites:\n"
        "  a.localhost: {to: http://a, timeouts: {request: none, first_byte: 5m, idle: 5s}}\n"
        "  b.localhost: {to: http://b}\n"
    )
    assert [site.timeouts for site in read.sites] == [
        SiteTimeouts(request_ms=0, first_byte_ms=300_000, idle_ms=5000),
        SiteTimeouts(),
    ]


def test_the_log_has_a_level_a_file_and_a_format(tmp_path: Path) -> None:
    """The file starts at the directory of the settings, as every path does."""
    file = tmp_path / "port443.yaml"
    file.write_text(
        "log: {level: warning, file: logs/serve.log, format: text}\nsites: {a.localhost: http://a}\n"
    )
    assert load(file).log == LogWish("warning", tmp_path / "logs" / "serve.log", "text")
    assert parse("sites: {a.localhost: http://a}").log == LogWish()


def test_a_request_has_no_end_unless_one_is_written_down() -> None:
    """Server-sent events and downloads may go on for days."""
    assert parse("sites: {a.localhost: http://a}").limits.request_timeout_ms is None


def test_limits_reach_what_is_desired() -> None:
    """Every bound that is written is the one that the edge will be given; the others stay as they were."""
    read = parse(
        "limits:\n"
        "  connections: {per_address: 100, per_pool: 500}\n"
        "  handshakes: {per_second: 50, burst: 100}\n"
        "  header: {line: 8KiB}\n"
        "  timeouts: {request: 2h, first_byte: 5s, tunnel: 1d, connect: 2s, upstream_idle: 4s}\n"
        "sites:\n"
        "  a.localhost: {to: http://a, body: 10MiB}\n"
        "  b.localhost: http://b\n"
    )
    assert read.limits == Limits(
        connections_per_address=100,
        handshakes_per_second=50,
        handshakes_burst=100,
        header_line_bytes=8192,
        request_timeout_ms=7_200_000,
        tunnel_timeout_ms=86_400_000,
    )
    assert read.pool_limits == PoolLimits(
        connect_timeout_ms=2000,
        response_timeout_ms=5000,
        idle_timeout_ms=4000,
        connections_per_worker=500,
    )
    assert [site.limits.body_bytes for site in read.sites] == [10 * 2**20, 100 * 2**20]
