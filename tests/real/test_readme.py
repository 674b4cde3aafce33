"""The README's commands work as printed and in order, in a clone with two terminals."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from free_ports import free_port
from port443.wiring import private_directory
from waiting import wait_until

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text()
BUILT = (".venv", ".build")
LONG_AGO = 1.0
BLOCK = re.compile(r"```(sh|yaml)\n(.*?)```", re.DOTALL)
IN_TABLE = re.compile(r"^\| [^|]+ \| `([^`]+)`", re.MULTILINE)
SERVES = re.compile(r"^(make demo|port443 serve\b.*)$", re.MULTILINE)
TRY = re.compile(r"^ +(?:try +)?(curl .*|\S*port443 status .*)$", re.MULTILINE)
NEEDS_A_CA = "port443 cert issue"
"""For names that a public CA certifies: `test_serve_acme.py` and `test_preflight.py` order from a real CA."""
FINDINGS_ARE_FINE = "port443 scan"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Terminal:
    """A shell in the clone that runs one block, and ends with all that it has started."""

    def __init__(self, clone: Path, block: str, environment: dict[str, str]) -> None:
        self.output = clone / "terminal.out"
        with self.output.open("wb") as said:
            self.shell = subprocess.Popen(
                ["bash", "-e", "-c", block], cwd=clone, env=environment, stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait_said(self, words: str) -> str:
        """Wait until it has printed `words`, and return all that it has printed."""

        def said() -> str | None:
            text = self.output.read_text()
            assert self.shell.poll() is None, text
            return text if words in text else None

        try:
            return wait_until(said, 60)
        except AssertionError:
            pytest.fail(f"{words!r} was not said: {self.output.read_text()}")

    def interrupt(self) -> None:
        """Press Ctrl-C, and reap whatever goes on in the background."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.shell.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait(10)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a copy of what git knows, with what `make` has built; ports are free ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=False).stdout
    if not listed:
        pytest.skip("the sources are no git clone")
    path = tmp_path / "port443"
    for name in filter(None, listed.decode().split("\0")):
        if (TOP / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, path / name)
            os.utime(path / name, (LONG_AGO, LONG_AGO))  # older than what was made of it
    for built in BUILT:
        (path / built).symlink_to(TOP / built)
    program = path / "edge" / "target" / "release" / "port443-edge"
    program.parent.mkdir(parents=True)
    shutil.copy(TOP / ".venv" / "bin" / "port443-edge", program)
    os.utime(program, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the variables of somebody who has just logged in: no virtual environment, directories anew."""
    path = [one for one in os.environ["PATH"].split(":") if one != str(TOP / ".venv" / "bin")]
    kept = {key: os.environ[key] for key in ("HOME", "CARGO_HOME", "RUSTUP_HOME") if key in os.environ}
    with private_directory("port443-readme-") as runtime:
        places = {"PORT443_STATE": str(tmp_path / "state"), "PORT443_RUNTIME": str(runtime / "run")}
        yield {**kept, **places, "PATH": ":".join(path), "LANG": "C.UTF-8"}


def on_free_ports(text: str) -> str:
    """Put free ports in the place of those that the README names, and this machine in that of a stranger."""
    for port in ("8443", "8080", "9000"):
        text = text.replace(f":{port}", f":{PORTS[port]}").replace(f"port {port}", f"port {PORTS[port]}")
        text = text.replace(f"http.server {port}", f"http.server {PORTS[port]}")
    text = text.replace("scan example.com", f"scan app.localhost:{PORTS['8443']}")
    return text.replace("app.example.com", "app.localhost")


PORTS = {"8443": free_port(), "8080": free_port(), "9000": free_port()}


def run_block(block: str, clone: Path, environment: dict[str, str]) -> None:
    """Run commands one after the other in one shell; each must succeed."""
    lenient = re.sub(rf"^({FINDINGS_ARE_FINE} .*)$", r"\1 || [ $? = 1 ]", block, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-e", "-c", lenient], cwd=clone, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def blocks() -> Iterator[tuple[str, str]]:
    """Yield the README's blocks in order; the table of commands counts as one, before the next block."""
    for found in BLOCK.finditer(README):
        yield found[1], on_free_ports(found[2])


def test_what_the_readme_shows() -> None:
    """The blocks that the next test goes through are there, so that it does not pass over nothing."""
    shell = [text for kind, text in blocks() if kind == "sh"]
    assert len(shell) == 4
    assert [bool(SERVES.search(text)) for text in shell] == [True, True, False, True]
    commands = IN_TABLE.findall(README)
    assert len(commands) == 13
    assert len([command for command in commands if command.startswith(NEEDS_A_CA)]) == 2


def test_every_command_of_the_readme_works_as_printed(clone: Path, environment: dict[str, str]) -> None:
    """`make demo` and what it prints, then each way to serve, with the commands of the second terminal."""
    activated = ". .venv/bin/activate\n"
    shell = [text for kind, text in blocks() if kind == "sh"]
    first_file = next(text for kind, text in blocks() if kind == "yaml")
    demo, without_file, second_terminal, with_file = shell

    terminal = Terminal(clone, demo, environment)
    try:
        tries = TRY.findall(terminal.wait_said("Ctrl-C ends it"))
        assert len(tries) == 2
        for command in tries:
            run_block(command, clone, environment)
    finally:
        terminal.interrupt()

    terminal = Terminal(clone, without_file, environment)
    try:
        terminal.wait_said('"serving"')
        run_block(second_terminal, clone, environment)
        assert terminal.shell.wait(30) == 0
    finally:
        terminal.interrupt()

    (clone / "port443.yaml").write_text(first_file)
    backend = without_file.splitlines()[0]
    terminal = Terminal(clone, f"{backend}\n{activated}{with_file}", environment)
    try:
        terminal.wait_said('"serving"')
        for command in IN_TABLE.findall(README):
            if command.startswith(NEEDS_A_CA):
                continue
            run_block(activated + on_free_ports(command), clone, environment)
        assert terminal.shell.wait(30) == 0
    finally:
        terminal.interrupt()
