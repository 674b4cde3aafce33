"""The building has floors: a module, and a crate, may import what is below its own. Here is the one law."""

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
ROOT = TOP / "src" / "port443"
FLOOR = {
    "core": 0,
    "lease": 1,
    "ports": 1,
    "settings": 1,
    "storage_errors": 1,
    "app": 2,
    "adapters": 2,
    "edge": 2,
    "scan_wiring": 3,
    "wiring": 3,
    "web": 4,
    "api": 5,
    "cli": 5,
    "pytest_plugin": 6,
    "__main__": 6,
    "__init__": 6,
}
CORE_FLOOR = {
    "der": 0,
    "errors": 0,
    "names": 0,
    "wire": 1,
    "x509": 1,
    "acme": 2,
    "contract": 2,
    "control": 3,
    "probe": 2,
    "renew": 2,
    "grade": 3,
    "plan": 3,
    "__init__": 4,
}
SEALED = {"adapters", "edge"}  # only the wiring may name these
WIRING = {"scan_wiring", "wiring"}
UNCLEAN = {  # a pure core has no way to reach these
    "asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "ssl", "subprocess", "threading",
    "time", "http", "urllib", "sqlite3", "asyncpg", "httpx", "dns", "click", "rich", "pydantic", "ruamel",
}  # fmt: skip
CRATE_FLOOR = {
    "edge-contract": 0,
    "edge-tls": 1,
    "edge-http": 1,
    "edge-observe": 1,
    "edge-forward": 2,
    "edge-proxy": 3,
    "edge-quic": 3,
    "port443-edge": 4,
}
CRATES = sorted((TOP / "edge" / "crates").glob("*/src"))
Module = tuple[str, ...]
PURE_PATHS = {"pathlib.PurePath"}  # a path as a value reaches nothing


def targets(path: Path, source: str) -> Iterator[str]:
    package = ("port443", *path.relative_to(ROOT).parts)[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def unit(parts: tuple[str, ...]) -> str:
    """Adapters count one by one, the rest by package."""
    return ".".join(parts[: 2 if parts[0] == "adapters" else 1])


def faults(path: Path, source: str) -> Iterator[str]:
    """Name every import in `source`, at `path`, that goes to a higher layer, crosses or reaches outside."""
    here = path.relative_to(ROOT).with_suffix("").parts
    if here[0] not in FLOOR:
        yield f"{here[0]} stands on no floor"
        return
    for name in targets(path, source):
        top, *rest = name.split(".")
        if top != "port443":
            if here[0] == "core" and top in UNCLEAN and name not in PURE_PATHS:
                yield f"{'.'.join(here)} touches {name}"
        elif not rest:
            continue
        elif rest[0] == here[0] == "core" and len(rest) > 1 and len(here) > 1:
            is_upward = CORE_FLOOR.get(rest[1], 9) >= CORE_FLOOR.get(here[1], -1)
            if is_upward and rest[1] != here[1] and not {rest[1], here[1]} <= {"errors", "names"}:
                yield f"{'.'.join(here)} imports the higher layer {name}"
        elif rest[0] in FLOOR and unit(tuple(rest)) != unit(here):
            sealed = rest[0] in SEALED and here[0] not in WIRING
            if sealed or FLOOR[rest[0]] >= FLOOR[here[0]]:
                yield f"{'.'.join(here)} imports the higher layer {name}"


def test_no_module_imports_a_higher_layer() -> None:
    wrong = [fault for path in ROOT.rglob("*.py") for fault in faults(path, path.read_text())]
    assert not wrong, "\n".join(wrong)


SABOTAGES = {
    "core/names.py": ["import socket", "import time", "import logging", "from port443.wiring import wire",
                      "import httpx", "import sqlite3", "import click", "from pathlib import Path"],
    "core/wire/records.py": ["from port443.core.grade import fold"],
    "app/serve.py": ["from port443.adapters.clock import SystemClock"],
    "adapters/clock/__init__.py": ["from port443.adapters.dial import Dialler"],
    "ports.py": ["from port443.app import serve"],
    "web/pages.py": ["from port443.edge import client"],
    "helpers.py": [""],
}  # fmt: skip


def test_every_sabotage_is_seen() -> None:
    """Each forbidden import, put in a file of its floor, is named."""
    missed = [
        (place, line)
        for place, lines in SABOTAGES.items()
        for line in lines
        if not list(faults(ROOT / place, line))
    ]
    assert not missed


def test_no_package_is_deeper_than_three_but_the_rules() -> None:
    modules = [path.relative_to(ROOT).parts for path in ROOT.rglob("*.py")]
    deep = [parts for parts in modules if len(parts) > 3 and parts[:-1] != ("core", "grade", "rules")]
    assert not deep


def test_no_crate_depends_on_a_higher_layer_and_only_the_tls_crates_hold_rustls() -> None:
    deny = tomllib.loads((TOP / "edge" / "deny.toml").read_text())
    (may_hold,) = (entry["wrappers"] for entry in deny["bans"]["deny"] if entry["crate"] == "rustls")
    wrong = []
    for path in (TOP / "edge" / "crates").glob("*/Cargo.toml"):
        manifest = tomllib.loads(path.read_text())
        name = manifest["package"]["name"]
        if name not in CRATE_FLOOR:
            wrong.append(f"{name} stands on no floor")
        for dependency in manifest.get("dependencies", {}):
            if CRATE_FLOOR.get(dependency, -1) >= CRATE_FLOOR.get(name, 0):
                wrong.append(f"{name} imports the higher layer {dependency}")
            if dependency.startswith("rustls") and name not in may_hold:
                wrong.append(f"{name} holds {dependency}")
    assert not wrong, "\n".join(wrong)


def module(path: Path) -> Module:
    """Return where the file at `path`, seen from a crate's `src`, stands: `http2/mod.rs` is `http2`."""
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] in {"lib", "main", "mod"} else parts


def paths(source: str) -> Iterator[list[str]]:
    """Yield what `source` uses outside its own tests, each name with its whole path."""
    code = re.sub(r"//.*", "", source).split("#[cfg(test)]\nmod ")[0]
    for used in re.findall(r"\buse ([^;]+);", code):
        names, group = re.sub(r"\s+(as \w+)?", "", used), r"([\w:]*)::\{([^{}]*)\}"
        while match := re.search(group, names):
            inner = ",".join(f"{match[1]}::{name}" for name in match[2].split(",") if name)
            names = names[: match.start()] + inner + names[match.end() :]
        yield from (name.split("::") for name in names.split(","))
    yield from (name.split("::") for name in re.findall(r"(?<![\w:])(?<!in )(?:crate|super)(?:::\w+)+", code))


def uses(here: Module, source: str, modules: set[Module]) -> Iterator[Module]:
    for first, *rest in paths(source):
        base = {"crate": (), "super": here[:-1]}.get(first, here)
        names = rest if first in {"crate", "super", "self"} else [first, *rest]
        while names[:1] == ["super"]:
            base, names = base[:-1], names[1:]
        is_ours = first in {"crate", "super"} or (*here, first) in modules
        while names and (*base, names[0]) in modules:
            base, names = (*base, names[0]), names[1:]
        if is_ours and base not in {here, ()}:
            yield base


def circle(sources: dict[Module, str]) -> str:
    """Name one circle between the files of a crate; its first page, which names all, is in none."""
    modules = set(sources)
    try:
        TopologicalSorter({here: set(uses(here, text, modules)) for here, text in sources.items()}).prepare()
    except CycleError as error:
        return " is used by ".join("::".join(one) for one in error.args[1])
    return ""


@pytest.mark.parametrize("crate", CRATES, ids=lambda path: path.parent.name)
def test_no_circle_between_the_files_of_a_crate(crate: Path) -> None:
    sources = {module(path.relative_to(crate)): path.read_text() for path in crate.rglob("*.rs")}
    assert not circle(sources)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use crate::{\n    c,\n    b::{self, B as C},\n};", "use super::{a};"),
        ("fn a(b: crate::b::B) {}", "pub(crate) use super::a::A;"),
    ],
)
def test_a_circle_is_seen(there: str, back: str) -> None:
    assert circle({(): "mod a;", ("a",): there, ("b",): back, ("c",): ""})
    assert not circle({(): "mod a;", ("a",): there, ("b",): f"// {back}", ("c",): ""})


def test_a_circle_with_the_parent_is_seen() -> None:
    child = "use super::Fault;"
    assert circle({(): "mod a;", ("a",): "use tcp::Tcp;", ("a", "tcp"): child})
    assert not circle({(): "mod a;", ("a",): "mod tests;", ("a", "tcp"): child})


def test_the_page_for_newcomers_shows_these_floors() -> None:
    """Each package and crate that exists stands in the row of its floor."""
    page = (TOP / "CONTRIBUTING.md").read_text()
    rows = {
        int(floor): set(re.findall(r"`([\w-]+)`", row))
        for floor, row in re.findall(r"^\| (\d) \|(.*)$", page, re.MULTILINE)
    }
    units = {path.stem for path in ROOT.iterdir() if not path.stem.startswith("_") and path.stem != "py"}
    crates = {path.parent.name for path in (TOP / "edge" / "crates").glob("*/Cargo.toml")}
    floors = {name: floor for name, floor in (FLOOR | CRATE_FLOOR).items() if name in units | crates}
    assert {name: floor for floor, names in rows.items() for name in names} == floors


def test_the_page_for_newcomers_shows_the_floors_of_the_core() -> None:
    (shown,) = re.findall(r"Inside `core`: `(.*)`", (TOP / "CONTRIBUTING.md").read_text())
    floors = {name: floor for floor, names in enumerate(shown.split(" → ")) for name in names.split(", ")}
    existing = {path.stem for path in (ROOT / "core").iterdir()} - {"__init__"}
    assert floors == {name: floor for name, floor in CORE_FLOOR.items() if name in existing}
