"""The house itself: its verbs, locks, units and wheels are what the words say they are."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from port443 import __version__
from port443.settings.schema import SettingsFile, SiteForm

TOP = Path(__file__).parents[1]
UNITS = sorted((TOP / "packaging").glob("*.service"))


def test_the_readme_names_the_two_commands() -> None:
    """A new user finds what to type."""
    readme = (TOP / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/glossary.md",
    "docs/why/README.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_what_is_there(page: str) -> None:
    """Links lead to files, paths and Rust names exist, and verbs are those of the Makefile."""
    path = TOP / page
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`((?:src|tests|docs|contract|packaging|requirements|edge)/[\w./-]+\w)`", text)
    assert [name for name in named if not (TOP / name).exists()] == []
    in_rust = re.findall(r"`([A-Z]\w+)::(\w+)`", text)
    assert [f"{owner}::{name}" for owner, name in in_rust if not has_member(owner, name)] == []
    makefile = (TOP / "Makefile").read_text()
    verbs = set(re.findall(r"(?:`|^)make ([a-z][a-z-]+)", text, re.MULTILINE))
    assert {verb for verb in verbs if not re.search(rf"^{verb}:", makefile, re.MULTILINE)} == set()


def test_every_hop_of_a_route_is_in_its_file() -> None:
    """The five routes of docs/architecture.md: each hop names a file, and what follows a file is in it."""
    routes = re.split(r"(?m)^## (?=\d\.)|^## State machines", (TOP / "docs/architecture.md").read_text())[
        1:-1
    ]
    assert len(routes) == 5
    hops = [hop for route in routes for hop in re.split(r"(?m)^\d+\. ", route)[2:]]
    assert [hop for hop in hops if not re.search(r"`(?:src|edge)/[\w./-]+`", hop)] == []
    named = [found for hop in hops for found in re.findall(r"`((?:src|edge)/[\w./-]+)`,\s+`([\w.:]+)`", hop)]
    assert len(named) >= len(hops)
    assert [
        f"{file}: {name}"
        for file, name in named
        if not re.search(rf"\b{re.split('[.:]+', name)[-1]}\b", (TOP / file).read_text())
    ] == []


def test_every_state_machine_is_drawn_where_it_lives() -> None:
    """Each file of the table in docs/architecture.md has a drawing before its code."""
    table = (TOP / "docs/architecture.md").read_text().partition("## State machines")[2]
    files = re.findall(r"`((?:src|edge)/[\w./-]+)`", table)
    assert len(files) >= 9
    assert [file for file in files if "──►" not in (TOP / file).read_text()[:3000]] == []


@cache
def rust_sources() -> tuple[str, ...]:
    return tuple(path.read_text() for path in (TOP / "edge/crates").glob("*/src/**/*.rs"))


def has_member(owner: str, name: str) -> bool:
    """Whether a Rust type has a variant, a field or a function of this name."""
    block = rf"^(?:pub(?:\(\w+\))? )?(?:struct|enum|trait|impl)\b[^{{;]*\b{owner}\b[^{{;]*\{{.*?^\}}"
    member = rf"\bfn {name}\b|^    (?:pub(?:\(\w+\))? )?{name}\b"
    return any(
        re.search(member, body, re.MULTILINE)
        for source in rust_sources()
        for body in re.findall(block, source, re.MULTILINE | re.DOTALL)
    )


def test_the_edge_names_settings_by_their_keys() -> None:
    """Whoever reads a setting's name in an event finds it in the settings."""
    texts = [text for source in rust_sources() for text in re.findall(r'"(?:[^"\\\n]|\\.)*"', source)]
    named = {name for text in texts for name in re.findall(r"\b(?:limits|timeouts|log)(?:\.[a-z_]+)+", text)}
    assert "limits.connections.per_worker" in named
    assert named - {*_keys(SettingsFile), *_keys(SiteForm)} == set()


def _keys(form: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in form.model_fields.items():
        yield before + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{before}{name}.")


def test_make_prove_starts() -> None:
    """Its parts find their modules from where the verb starts them."""
    done = subprocess.run(
        ["make", "--no-print-directory", "prove", "PROVE_ARGS=--help"],
        cwd=TOP, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "--only" in done.stdout) == (0, True), done.stderr


def test_every_locked_package_has_hashes_and_no_index_address() -> None:
    """What is installed is what was locked, from whatever index this machine uses."""
    for lock in (TOP / "requirements").glob("*.lock"):
        entries = re.split(r"\n(?=\S)", lock.read_text())
        packages = [entry for entry in entries if "==" in entry.splitlines()[0]]
        assert packages
        assert [entry.splitlines()[0] for entry in packages if "--hash=sha256:" not in entry] == []
        assert "://" not in lock.read_text()


def test_one_version_everywhere() -> None:
    """The control plane pins the edge of its own version."""
    manifests = ("pyproject.toml", "edge/pyproject.toml", "edge/Cargo.toml")
    texts = {name: (TOP / name).read_text() for name in manifests}
    assert f"port443-edge=={__version__}" in texts["pyproject.toml"]
    assert f'version = "{__version__}"' in texts["edge/pyproject.toml"]
    assert f'version = "{__version__}"' in texts["edge/Cargo.toml"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    """Each unit is right in systemd's eyes, and shut in as tightly as we say."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for source in UNITS:
        # The programs are where this machine has them; the rest is as shipped.
        (tmp_path / source.name).write_text(
            re.sub(r"/usr/bin/port443(-edge)?(?= )", sys.executable, source.read_text())
        )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(tmp_path / unit.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert exposure.returncode == 0, exposure.stdout[-300:]


def test_the_pure_wheel_holds_the_package_and_its_data(tmp_path: Path) -> None:
    """What `pip install` brings has every module and file of the source."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=TOP, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("port443-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    source = {
        str(path.relative_to(TOP / "src"))
        for path in (TOP / "src" / "port443").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert source - inside == set()


def test_every_match_says_what_it_does_with_the_rest() -> None:
    """A new kind is seen by mypy where `assert_never` is last, and met on purpose where a default is."""
    open_ended = [
        f"{path.relative_to(TOP)}:{node.lineno}"
        for path in (TOP / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Match) and not takes_the_rest(node.cases[-1])
    ]
    assert open_ended == []


def takes_the_rest(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


MACHINE_WORDS = re.compile(
    r"_timeout_ms|os\.kill\(|send_signal\(|stopped\(|resident_bytes|buffered_bytes"
    r"|SO_SNDBUF|SO_RCVBUF|deadline_s=|TIMEOUT_S\b|within_s=0\."
)
MARK = "mark.machine"


@pytest.mark.parametrize("directory", ["real", "unit/admin", "unit/edge"])
def test_whatever_depends_on_the_machine_is_marked(directory: str) -> None:
    """Tests that stop, kill, fill, time out or weigh are among those that `make prove` repeats under load."""
    unmarked = [
        f"{path.name}::{name}"
        for path in (TOP / "tests" / directory).glob("test_*.py")
        for name in unmarked_tests(path.read_text())
    ]
    assert unmarked == []


def unmarked_tests(text: str) -> list[str]:
    """Name the unmarked tests that do any of that, by themselves or by what they use of their module."""
    tree = ast.parse(text)
    if any(MARK in ast.unparse(it) for it in tree.body if isinstance(it, ast.Assign)):
        return []
    parts = {
        it.name: it
        for it in tree.body
        if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    texts = {name: ast.unparse(part) for name, part in parts.items()}

    def used(names: set[str]) -> set[str]:
        more = {word for name in names for word in re.findall(r"\w+", texts[name])} & texts.keys()
        return names if more <= names else used(names | more)

    return [
        name
        for name in texts
        if name.startswith("test_")
        and MARK not in texts[name]
        and any(MACHINE_WORDS.search(texts[it]) for it in used({name}))
    ]
