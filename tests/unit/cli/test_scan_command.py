"""`port443 scan`: targets, exit codes and the lines that people read."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest

from failing_dial import FailingDial
from port443.app.scan import ScanOptions, Viewpoint
from port443.cli import main, output
from port443.cli.scan_bar import Bar, exit_code_of
from port443.cli.scan_formats import Printer
from port443.cli.scan_options import Duration, Form
from port443.cli.scan_run import Run, _run, attempt
from port443.cli.scan_text import failure_lines, report_lines
from port443.cli.spinner import Spinner
from port443.core.errors import SettingsError
from port443.core.grade.baseline import Letter
from port443.core.grade.catalogue import RULES
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.report import Failure, Report, ScanTarget, Unreachable
from port443.core.grade.rule import Severity
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, HostName
from port443.core.probe.facts import ApplicationProtocol, GroupFacts, VersionFacts
from port443.core.probe.failures import ConnectRefused, HostSilent
from port443.core.probe.verdict import YES, no
from port443.core.wire.groups import GROUPS_13
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.core.x509.path import TrustedRoots
from port443.settings.scan_request import TargetInvalid, read_policies, read_target
from scan_facts import GOOD_SERVER, GOOD_WEB, HIDDEN, good, version, with_fault, with_version, with_web

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TARGET = ScanTarget(HostName("site.test"))
NO_BAR = Bar(None, None)
FAILED = Failure(TARGET, NOW, HostSilent("site.test answers no TLS", "try another port"))
TLS_1_0 = with_version(version(Version.TLS_1_0, 0xC013))
DOUBTFUL = with_version(VersionFacts(Version.TLS_1_0, HIDDEN))
BARE = with_web(replace(GOOD_WEB, hsts=no("none"), hsts_text=None, policy=None))


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    output.use_colour(wanted=False)
    yield
    output.use_colour(wanted=True)


def report(facts: ScanFacts) -> Report:
    judgement = judge(RULES, facts)
    found = grade(judgement, facts, SSL_LABS_2009R)
    return Report(TARGET, Endpoint("192.0.2.1", 443), (), (), NOW, 0.25, 40, facts, judgement, found)


TARGETS = {
    "example.com": ("example.com", 443, None),
    "Example.COM:8443": ("example.com", 8443, None),
    "192.0.2.1": ("192.0.2.1", 443, None),
    "192.0.2.1:444": ("192.0.2.1", 444, None),
    "::1": ("::1", 443, None),
    "[::1]": ("::1", 443, None),
    "[::1]:8443": ("::1", 8443, None),
    "bücher.example": ("xn--bcher-kva.example", 443, None),
    "EXAMPLE.com.": ("example.com", 443, None),
    "https://example.com/": ("example.com", 443, None),
    "HTTPS://Example.COM.:8443/a?b=@c#d": ("example.com", 8443, None),
    "https://bücher.example:/": ("xn--bcher-kva.example", 443, None),
    "https://[2001:db8::1]:8443/": ("2001:db8::1", 8443, None),
    "https://[::1]": ("::1", 443, None),
    "wss://a.test/socket": ("a.test", 443, None),
    "http://a.test/": ("a.test", 443, None),
    "//a.test/": ("a.test", 443, None),
    "a.test:8443/b?c": ("a.test", 8443, None),
    "https:8443": ("https", 8443, None),
    "127.0.0.1/": ("127.0.0.1", 443, None),
}


@pytest.mark.parametrize("text", TARGETS)
def test_a_target_is_read_as_people_write_it(text: str) -> None:
    """Names and addresses of both families, with and without a port."""
    host, port, connect = TARGETS[text]
    target = read_target(text, None, None)
    assert (target.host.text, target.port, target.connect) == (host, port, connect)


NO_TARGETS = {
    "": "names no host",
    "a b": "not a host name",
    "https://a b/": "not a host name",
    "example.com:": "no port",
    "example.com:0": "no port",
    "https://a.test:99999/": "no port",
    "*.a.test": "wildcard",
    "https://*.a.test/": "wildcard",
    "https://": "names no host",
    "https:///path": "names no host",
    "ftp://a.test/": "does not start with TLS",
    "http://a.test:8080/": "in clear",
    "https://[fe80::1%25eth0]/": "a zone",
    "https://[::1/": "no closing bracket",
    "[::1": "no closing bracket",
    "https:a.test": "// is missing behind https:",
    "https:a.test:8443/b": "// is missing behind https:",
    "https:/a.test": "// is missing behind https:",
    "https:user:secret@a.test": "there is a user name before the host",
    "https://:28443": "names no host",
    ":443": "names no host",
}


@pytest.mark.parametrize("text", NO_TARGETS)
def test_what_is_no_target_is_a_usage_error(text: str) -> None:
    """Wrong words end with 2, before anything is connected, and the error says what to write."""
    with pytest.raises(SettingsError, match=NO_TARGETS[text]) as caught:
        read_target(text, None, None)
    assert caught.value.hint or "zone" in caught.value.message


def test_the_user_of_a_url_is_refused_and_not_repeated() -> None:
    """A password does not belong on a command line, and even less in an error."""
    with pytest.raises(TargetInvalid) as caught:
        read_target("https://user:secret@a.test:8443/", None, None)
    assert "secret" not in caught.value.message + caught.value.hint
    assert caught.value.hint.endswith(": a.test:8443")


@pytest.mark.parametrize(
    ("connect", "endpoint"),
    [("192.0.2.7", "192.0.2.7:8443"), ("192.0.2.7:9443", "192.0.2.7:9443"), ("::1", "[::1]:8443")],
)
def test_connect_names_an_address_and_perhaps_a_port(connect: str, endpoint: str) -> None:
    """Where to connect and whom to ask for are two things."""
    target = read_target("site.test:8443", connect, "other.test")
    assert (str(target.connect), target.port) == (endpoint, 8443)
    assert target.name.text == "other.test"


@pytest.mark.parametrize("connect", ["[::1", "[::1:8443", "[2001:db8::7"])
def test_an_address_without_its_closing_bracket_is_called_so(connect: str) -> None:
    """Of the whole that was written, not of the part before its last colon."""
    with pytest.raises(SettingsError, match="no closing bracket") as caught:
        read_target("site.test", connect, None)
    assert connect in caught.value.message


EXITS = [
    (report(good()), NO_BAR, 0),
    (report(good()), Bar(Letter.A_PLUS, None), 0),
    (report(TLS_1_0), NO_BAR, 0),
    (report(TLS_1_0), Bar(Letter.B, None), 0),
    (report(TLS_1_0), Bar(Letter.A, None), 1),
    (report(with_fault(ChainFault.EXPIRED)), Bar(Letter.F, None), 1),
    (report(TLS_1_0), Bar(None, Severity.MEDIUM), 1),
    (report(TLS_1_0), Bar(None, Severity.CRITICAL), 0),
    (report(BARE), Bar(Letter.A_MINUS, Severity.HIGH), 0),
    (report(DOUBTFUL), Bar(Letter.A, None), 3),
    (report(with_web(replace(GOOD_WEB, hsts=HIDDEN, policy=None))), Bar(Letter.A_PLUS, None), 3),
    (report(DOUBTFUL), NO_BAR, 0),
    (report(DOUBTFUL), Bar(None, Severity.MEDIUM), 3),
    (report(replace(good(), chains=())), NO_BAR, 3),
    (FAILED, NO_BAR, 3),
]


@pytest.mark.parametrize(("result", "bar", "code"), EXITS)
def test_the_exit_code_says_whether_the_bar_was_met(result: Report | Failure, bar: Bar, code: int) -> None:
    """0 met, 1 not met, 3 cannot be told; a doubt never passes a bar."""
    assert exit_code_of(result, bar) == code


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), ("2m", 120.0), ("5", 5.0)])
def test_a_time_is_read(text: str, seconds: float) -> None:
    """Seconds, minutes, and seconds without a unit."""
    assert Duration().convert(text, None, None) == seconds


def test_the_report_has_its_sections_in_order() -> None:
    """What people look for stands where it always stands, and the grade is last."""
    lines = list(report_lines(report(TLS_1_0)))
    wanted = ["Protocols", "Cipher suites", "Key exchange", "Certificate", "HTTP", "Findings", "Grade"]
    assert [line for line in lines if line in wanted] == wanted
    assert "✗ TLS 1.0    offered   1 suite" in lines
    assert "✓ TLS 1.1    not offered   alert protocol_version" in lines
    assert any("! B" in line and "ssl-labs-2009r" in line for line in lines)


def test_an_unknown_is_marked_as_such() -> None:
    """A question mark, the reason, and a letter that is an upper bound."""
    lines = list(report_lines(report(DOUBTFUL)))
    assert "? TLS 1.0    unknown   it fell silent" in lines
    assert "Not determined" in lines
    assert any("A+ at best" in line for line in lines)


def test_a_failure_names_its_cause_and_the_next_step() -> None:
    """Code, cause, and what to try."""
    assert list(failure_lines(FAILED)) == [
        "site.test:443",
        "✗            P443-E511: site.test answers no TLS",
        "→            try another port",
    ]


SPOILT = replace(GOOD_WEB, hsts_text="max-age=0\x1b]0;owned\x07\u202e", policy=None)


def test_what_a_server_says_cannot_move_the_terminal() -> None:
    """Control characters and turned writing come out as escapes."""
    text = "\n".join(report_lines(report(with_web(SPOILT))))
    assert not any(letter in text for letter in "\x1b\x07\u202e")
    assert "max-age=0\\x1b]0;owned\\x07\\u202e" in text


def test_no_line_is_wider_than_a_page() -> None:
    """Long lists go on below, under their own column."""
    server = replace(GOOD_SERVER, groups_13=GroupFacts(GROUPS_13, YES))
    lines = list(report_lines(report(replace(good(), server=server))))
    assert max(map(len, lines)) <= 110
    assert any(line.startswith(" " * 13 + "ffdhe") for line in lines)


def test_the_protocols_of_alpn_stand_with_the_servers_choice_first() -> None:
    """Two names when both are taken; a doubt is said."""
    both = (ApplicationProtocol("h2", YES), ApplicationProtocol("http/1.1", YES))
    server = replace(GOOD_SERVER, alpn="http/1.1", application_protocols=both)
    assert "  ALPN       http/1.1 h2" in report_lines(report(replace(good(), server=server)))
    doubt = (ApplicationProtocol("h2", HIDDEN),)
    server = replace(GOOD_SERVER, application_protocols=doubt)
    assert "? ALPN       h2 unknown, it fell silent" in report_lines(report(replace(good(), server=server)))


def test_a_wrong_name_is_not_called_a_lack_of_trust() -> None:
    """An M says for which name the better letter would be."""
    lines = list(report_lines(report(replace(good(), name=HostName("other.test")))))
    assert any("✗ M" in line and line.endswith("A+ for the name in the certificate") for line in lines)


def test_an_address_that_was_passed_over_is_named() -> None:
    """A name whose first address refuses is not whole, though the second answers."""
    passed = Unreachable(Endpoint("192.0.2.9", 443), ConnectRefused("nothing listens on 192.0.2.9:443"))
    lines = list(report_lines(replace(report(good()), unreached=(passed,))))
    assert lines[1] == "✗ address    192.0.2.9   nothing listens on 192.0.2.9:443"


LIVES = {
    timedelta(days=2, hours=5): "2 days left",
    timedelta(days=1): "1 day left",
    timedelta(hours=1): "1 hour left",
    timedelta(hours=-5): "ended 5 hours ago",
    timedelta(days=-1, hours=-2): "ended 1 day ago",
}


@pytest.mark.parametrize("left", LIVES)
def test_the_time_left_is_said_as_people_say_it(left: timedelta) -> None:
    """Days while there are some, then hours; one is one."""
    facts = replace(good(), now=good().chains[0].leaf.not_after - left)
    assert any(line.endswith(LIVES[left]) for line in report_lines(report(facts)))


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main.run(list(args))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    "args",
    [
        ("scan",),
        ("scan", "ftp://a.test/"),
        ("scan", "a.test", "--min-grade", "Z"),
        ("scan", "a.test", "--fail-on", "grave"),
        ("scan", "a.test", "--timeout", "soon"),
        ("scan", "a.test", "--connect", "nowhere"),
        ("scan", "a.test", "--cacert", "/nonexistent.pem"),
        ("scan", "a.test", "--policy", "nothing"),
        ("scan", "a.test", "--at", "soon"),
        ("scan", "--targets", "/nonexistent.txt"),
        ("explain", "P443-NONE"),
    ],
)
def test_wrong_words_end_with_2_and_one_sentence(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is scanned, stdout stays empty, and the sentence has a code."""
    code, out, err = run(capsys, *args)
    assert (code, out) == (2, "")
    assert "P443-E" in err or "Usage" in err


def test_every_code_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Findings and errors, all listed, each with more to say than its title."""
    code, out, _ = run(capsys, "explain", "--list")
    codes = [line.split()[0] for line in out.splitlines()]
    assert code == 0
    assert {rule.id for rule in RULES} <= set(codes)
    assert {"P443-E110", "P443-E350", "P443-E503", "P443-E511"} <= set(codes)
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("text", ["P443-TLS-003", "p443-tls-003", "TLS-003"])
def test_a_finding_is_explained(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Title, severity, what it costs, why, and how to mend it."""
    code, out, _ = run(capsys, "explain", text)
    assert code == 0
    assert out.startswith("P443-TLS-003  TLS 1.0 is offered.\n")
    assert "no ssl-labs-2009r grade better than B" in out
    assert "nginx    ssl_protocols TLSv1.2 TLSv1.3;" in out


def test_an_error_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Cause, next step, and whether trying again helps."""
    code, out, _ = run(capsys, "explain", "P443-E503")
    assert code == 0
    assert out.startswith("P443-E503  ")
    assert "--timeout" in out
    assert "Trying again can help" in out


def test_a_code_that_does_not_exist_is_answered_with_its_likes(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the finger is not the end."""
    code, _, err = run(capsys, "explain", "P443-TSL-003")
    assert code == 2
    assert "did you mean P443-TLS-003" in err


def test_a_fault_of_one_target_is_its_own_failure() -> None:
    """The run goes on, the exit code is "could not be determined", and the place of the fault is named."""
    dial, view = FailingDial(RuntimeError("unforeseen")), Viewpoint(TrustedRoots.of([]), NOW)
    with Spinner(1) as spinner:
        failure = asyncio.run(attempt(dial, ScanTarget(HostName("a.test")), view, ScanOptions(), spinner))
    assert isinstance(failure, Failure)
    assert exit_code_of(failure, NO_BAR) == 3
    assert failure.error.code == "P443-E514"
    assert "RuntimeError at failing_dial.py" in failure.error.message


@pytest.mark.parametrize("form", get_args(Form))
def test_a_result_that_is_there_is_printed_when_the_run_is_cut_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    """The first of two targets is silent; Ctrl-C then cancels the run, as `asyncio.run` does it."""

    async def look(_dial: object, target: ScanTarget, *_: object) -> Report:
        if target.host == HostName("silent.test"):
            answered.set()
            await asyncio.Event().wait()
        raise ConnectRefused("nothing listens there")

    async def cut_short() -> None:
        async with asyncio.TaskGroup() as group:
            whole = group.create_task(_run(run))
            await answered.wait()
            while len(asyncio.all_tasks()) > 3:  # noqa: ASYNC110 - this task, the run and the silent target
                await asyncio.sleep(0)
            whole.cancel()
        assert whole.cancelled()

    answered = asyncio.Event()
    monkeypatch.setattr("port443.cli.scan_run.scan_one", look)
    targets = [ScanTarget(HostName(f"{name}.test")) for name in ("silent", "closed")]
    view = Viewpoint(TrustedRoots.of([]), NOW)
    run = Run(targets, view, ScanOptions(), Printer(form, NO_BAR, NOW), all_addresses=False)
    asyncio.run(cut_short())
    out = capsys.readouterr().out
    assert "closed.test:443" in out
    assert "nothing listens there" in out
    assert "silent.test" not in out


@pytest.mark.parametrize(
    ("facts", "names", "code"),
    [
        (good(), ("bcp195",), 0),
        (good(), ("bcp195", "mozilla-modern"), 1),
        (DOUBTFUL, ("bcp195",), 3),
        (TLS_1_0, ("bcp195",), 1),
    ],
)
def test_a_baseline_that_is_not_met_ends_with_1(facts: ScanFacts, names: tuple[str, ...], code: int) -> None:
    """One of several is enough, and what cannot be told ends with 3."""
    bar = Bar(None, None, read_policies(names, date(2026, 5, 1)).baselines)
    assert exit_code_of(report(facts), bar) == code
