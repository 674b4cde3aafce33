"""What the figures were taken on."""

import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that a reader needs to compare."""

    processor: str
    processors: int
    memory_mib: int
    kernel: str
    system: str
    day: str
    commit: str


def read_machine(tree: Path) -> Machine:
    """Look around."""
    return Machine(
        processor=_field("/proc/cpuinfo", r"model name\s*: (.*)", "unknown"),
        processors=os.cpu_count() or 0,
        memory_mib=int(_field("/proc/meminfo", r"MemTotal:\s*(\d+)", "0")) // 1024,
        kernel=f"{platform.system()} {platform.release()}",
        system=_field("/etc/os-release", r'PRETTY_NAME="?([^"\n]*)', "unknown"),
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        commit=_commit(tree),
    )


def _field(path: str, pattern: str, default: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return default
    return found[1].strip() if found else default


def _commit(tree: Path) -> str:
    """Return the commit that was measured, with a mark when the tree differs from it."""
    said = [
        _git(tree, "rev-parse", "--short=12", "HEAD"),
        _git(tree, "status", "--porcelain", "--", "edge", "bench"),
    ]
    return f"{said[0]} with changes" if said[1] else said[0] or "unknown"


def _git(tree: Path, *words: str) -> str:
    try:
        run = subprocess.run(["git", "-C", tree, *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return run.stdout.strip()
