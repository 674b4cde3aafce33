"""The command line's entry: exit codes, errors, colour, and a start that costs little."""

import errno
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from port443 import __version__
from port443.cli import main as entry
from port443.cli import output
from port443.core.errors import (
    CertificateError,
    EdgeError,
    Port443Error,
    ScanError,
    ServeError,
    SettingsError,
    StoreError,
)

HEAVY = {
    "pydantic",
    "rich",
    "cryptography",
    "ssl",
    "asyncio",
    "ruamel",
    "socket",
    "sqlite3",
    "idna",
    "logging",
}
FULL = Path("/dev/full")
PROGRAM = [sys.executable, "-m", "port443"]


class LockHeld(ServeError):
    """Another process holds the lock."""

    code = "P443-E498"
    exit_code = 5


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Let `port443 status` do what the test wants."""

    def use(body: Callable[[], object]) -> None:
        @click.command
        @click.option("--json", "as_json", is_flag=True)
        def status(*, as_json: bool) -> object:
            del as_json
            return body()

        monkeypatch.setattr(entry.LazyGroup, "get_command", lambda *_: status)

    yield use
    output.use_colour(wanted=True)


def raising(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def test_version_imports_nothing_heavy() -> None:
    """`--version` answers before any library for networks, cryptography or settings is loaded."""
    script = (
        "import sys\n"
        "from port443.cli.main import run\n"
        "run(['--version'])\n"
        f"print(sorted({sorted(HEAVY)!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    ).replace(f"{sorted(HEAVY)!r}", f"set({sorted(HEAVY)!r})")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"port443 {__version__}", "[]"]


def test_every_command_of_the_table_can_be_loaded() -> None:
    """What the help lists is there, with the option --help."""
    for section in entry.COMMANDS.values():
        for name in section:
            command = entry.port443.get_command(click.Context(entry.port443), name)
            assert isinstance(command, click.Command), name
            assert command.get_short_help_str(), name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), 2),
        (EdgeError("x"), 3),
        (ServeError("x"), 3),
        (ScanError("x"), 3),
        (StoreError("x"), 3),
        (CertificateError("x"), 3),
        (LockHeld("x"), 5),
        (click.UsageError("x"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(errno.EPIPE, "x"), 141),
        (SystemExit(4), 4),
        (RuntimeError("x"), 70),
        (OSError(errno.ENOSPC, "x"), 3),
        (ExceptionGroup("x", [SettingsError("x"), EdgeError("x")]), 3),
        (BaseExceptionGroup("x", [EdgeError("x"), ExceptionGroup("y", [ValueError("x")])]), 70),
    ],
    ids=repr,
)
def test_each_ending_has_its_exit_code(
    error: BaseException,
    code: int,
    ending: Callable[[Callable[[], object]], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The area of an error decides, or its class; the gravest of several wins; no traceback is shown."""
    ending(raising(error))
    assert entry.run(["status"]) == code
    seen = capfd.readouterr()
    assert "Traceback" not in seen.err
    assert not seen.out


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (4, 4), ("text", 0)])
def test_a_command_may_return_its_exit_code(
    result: object, code: int, ending: Callable[[Callable[[], object]], None]
) -> None:
    """A whole number is the exit code; what else a command returns is nobody's business."""
    ending(lambda: result)
    assert entry.run(["status"]) == code


def test_a_command_may_exit_by_its_context(ending: Callable[[Callable[[], object]], None]) -> None:
    """Click's own way works too."""
    ending(lambda: click.get_current_context().exit(4))
    assert entry.run(["status"]) == 4


def test_an_error_names_code_and_next_step(
    ending: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Words go to stderr, readable without colour."""
    ending(raising(EdgeError("the edge is gone", "start it again")))
    entry.run(["status"])
    assert capsys.readouterr() == ("", "error: P443-E300: the edge is gone\nhint: start it again\n")


def test_an_error_without_a_hint_leads_to_its_page(
    ending: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    ending(raising(EdgeError("the edge is gone")))
    entry.run(["status"])
    assert capsys.readouterr().err.endswith("hint: port443 explain P443-E300\n")


@pytest.mark.parametrize(
    ("called", "path", "shown"),
    [
        (".venv/bin/port443", "/usr/bin", ".venv/bin/port443"),
        (".venv/bin/port443", ".venv/bin:/usr/bin", "port443"),
        ("/usr/bin/pytest", "/usr/bin", "port443"),
    ],
    ids=["from a clone", "activated", "embedded"],
)
def test_a_hint_can_be_pasted(
    called: str, path: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands in it name port443 as it was called, where the shell would not find it."""
    program = tmp_path / ".venv" / "bin" / "port443"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr(sys, "argv", [called, "status"])
    monkeypatch.setattr(output, "_places", {})
    told = output.runnable("no port443 serves: port443 serve, or port443 trust path (/run/port443 scan)")
    assert told == f"no port443 serves: {shown} serve, or {shown} trust path (/run/port443 scan)"


@pytest.mark.parametrize("command", [["config", "check"], ["config", "show", "x.yaml"], ["serve", "x.yaml"]])
def test_a_directory_that_is_gone_is_no_defect(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell may stand in a directory that somebody has removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert entry.run(command) in {2, 3}
    assert "defect" not in capsys.readouterr().err


def test_what_the_system_refuses_is_no_defect(
    ending: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that may not be used is named, wherever it was met."""
    ending(raising(PermissionError(errno.EACCES, "Permission denied", "/shut/door")))
    assert entry.run(["status"]) == 3
    assert "P443-E003: /shut/door: Permission denied" in capsys.readouterr().err


def test_an_error_can_be_json(
    ending: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json stdout holds one object, and stderr nothing."""
    ending(raising(LockHeld("held", "stop the other")))
    assert entry.run(["status", "--json"]) == 5
    seen = capsys.readouterr()
    assert json.loads(seen.out) == {
        "schema": "port443.error/1",
        "code": "P443-E498",
        "fault": "port443",
        "retry": False,
        "message": "held",
        "hint": "stop the other",
        "exit_code": 5,
    }
    assert not seen.err


def test_a_defect_says_where_and_not_more(
    ending: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw is one line with its place, and how to see the rest."""
    ending(raising(RuntimeError("boom")))
    entry.run(["status"])
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: P443-E002: RuntimeError at test_command_line.py:")
    assert error.endswith(": boom")
    assert "PORT443_DEBUG=1" in hint


def test_a_traceback_can_be_asked_for(
    ending: Callable[[Callable[[], object]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PORT443_DEBUG shows it, for defects and for errors with a code."""
    monkeypatch.setenv("PORT443_DEBUG", "1")
    ending(raising(EdgeError("x")))
    entry.run(["status"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["cnfig"], "did you mean config?"),
        (["--vrsion"], "did you mean --version?"),
        (["config", "chek"], "did you mean check or schema?"),
        (["config", "check", "--jsn", "x"], "did you mean --json?"),
        (["config", "check", "a", "b"], "see: port443 config check --help"),
        (["zzz"], "see: port443 --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_gets_a_suggestion(
    args: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Misspelt commands and options are answered with what was probably meant."""
    assert entry.run(args) == 2
    seen = capsys.readouterr()
    assert f"hint: {hint}" in seen.err
    assert not seen.out


def test_wrong_flags_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asked for JSON gets it even when the command line is wrong."""
    assert entry.run(["config", "check", "--json", "--nope", "x"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "P443-E102"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr and with the code of wrong usage, since nothing was done."""
    assert entry.run([]) == 2
    assert "Usage: port443" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_data(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for, it goes to stdout: examples, every command, the exit codes."""
    assert entry.run([flag]) == 0
    shown = capsys.readouterr().out
    assert "port443 scan example.com" in shown
    assert all(f"  {name} " in shown for section in entry.COMMANDS.values() for name in section)
    assert "Exit codes" in shown


def in_terminal(args: list[str], **variables: str) -> str:
    """Run port443 with a terminal for all streams, and return what stood on it."""
    leader, follower = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"TERM": "xterm", **variables}
    subprocess.run(
        [*PROGRAM, *args], stdin=follower, stdout=follower, stderr=follower, env=environment, check=False
    )
    os.close(follower)
    seen = b""
    try:
        while chunk := os.read(leader, 65536):
            seen += chunk
    except OSError:  # Linux answers EIO when the other end has closed
        pass
    os.close(leader)
    return seen.decode()


WRONG = ["config", "check", "/nonexistent/port443.yaml"]


def test_a_terminal_gets_colour() -> None:
    assert "\x1b[31m" in in_terminal(WRONG)


@pytest.mark.parametrize(
    ("args", "variables"),
    [
        (WRONG, {"NO_COLOR": "1"}),
        (WRONG, {"TERM": "dumb"}),
        (WRONG, {"PORT443_NO_COLOR": "1"}),
        (["--no-color", *WRONG], {}),
        ([*WRONG, "--no-color"], {}),
    ],
    ids=str,
)
def test_colour_is_left_out_on_request(args: list[str], variables: dict[str, str]) -> None:
    """By variable, by a dumb terminal, by a flag anywhere on the line."""
    seen = in_terminal(args, **variables)
    assert "error: P443-E104" in seen
    assert "\x1b[" not in seen


def test_what_is_no_terminal_gets_no_colour() -> None:
    done = subprocess.run([*PROGRAM, *WRONG], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "\x1b[" not in done.stderr


def test_a_closed_pipe_is_no_defect() -> None:
    """`port443 … | head` ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_no_defect() -> None:
    """Output that cannot be written is an error, not a success and not a bug."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert "P443-E001" in done.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-"])
def test_closed_streams_do_no_harm(redirection: str) -> None:
    """A parent may start us without one of the three streams."""
    command = f"{sys.executable} -m port443 --version {redirection}"
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0


def test_a_stream_without_the_letters_gets_others() -> None:
    """In a locale without ✓ a plus sign says the same, and no letter ends the command."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*PROGRAM, "config", "check", "-"],
        input=b"sites: {a.test: http://h}",
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.stdout == b"+ <stdin> is right: 1 site\n"
    assert done.returncode == 0


def test_shells_can_complete() -> None:
    """The completion script comes from the program itself, and knows the commands."""
    environment = {
        **os.environ,
        "_PORT443_COMPLETE": "bash_complete",
        "COMP_WORDS": "port443 conf",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(PROGRAM, capture_output=True, text=True, env=environment, check=False)
    assert "config" in done.stdout
    assert done.returncode == 0


def test_the_base_of_all_errors_has_no_report() -> None:
    """Only errors with places have excerpts; the others say all in their message."""
    assert Port443Error("x").report() == ""
    assert Port443Error("x").facts() == {}


def test_a_directory_that_one_may_only_pass_is_no_mistake() -> None:
    """Members of port443-admin reach the admin socket in a directory that they cannot read."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    as_nobody = (
        "import os, sys, tempfile\n"
        "import port443.cli.status\n"  # while this user may still read the modules
        "from port443.cli.main import run\n"
        "directory = tempfile.mkdtemp()\n"
        "os.chmod(directory, 0o711)\n"
        "os.setgid(65534)\n"
        "os.setuid(65534)\n"
        "sys.exit(run(['status', '--runtime', directory]))"
    )
    done = subprocess.run([sys.executable, "-c", as_nobody], capture_output=True, text=True, check=False)
    assert (done.returncode, "P443-E410" in done.stderr) == (3, True), done.stderr


def test_commands_in_hints_carry_the_places_that_were_given(tmp_path: Path) -> None:
    """Pasted, they speak of the same serve; each command gets what it takes, once."""
    place = tmp_path / "a b"
    try:
        output.remember_place("--runtime", place)
        output.remember_place("--state", tmp_path)
        assert f"port443 stop --runtime '{place}'" in output.hint("or end it: port443 stop")
        assert f"port443 trust path --state {tmp_path}" in output.hint("port443 trust path")
        assert "port443 scan x" in output.hint("port443 scan x")
        assert output.hint("port443 stop --runtime /x").count("--runtime") == 1
        assert output.hint("port443 serve").count(" --") == 2
    finally:
        output.remember_place("--runtime", None)
        output.remember_place("--state", None)
    assert "--" not in output.hint("port443 stop")
