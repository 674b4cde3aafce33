"""The command line."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rig.errors import BenchFault
from rig.finding import KINDS
from rig.measure import Effort, Offer
from rig.rows import ROWS, Row

WHOLE = Effort(seconds=4.0, warm_up_s=1.0, idle_connections=2000, settle_s=3.0)
QUICK = Effort(seconds=0.5, warm_up_s=0.2, idle_connections=200, settle_s=0.5)
MOST_RUNS = 25
LEAST_SECONDS, MOST_SECONDS = 0.2, 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    effort: Effort
    offer: Offer
    runs: int
    rows: tuple[Row, ...]
    kinds: tuple[str, ...]
    named: tuple[tuple[str, Path], ...]
    """Other builds: kind and path."""
    proxy_cpu: int
    load_cpu: int
    watch: str
    is_whole: bool
    """Whether the results are fit for the tree: all rows, with full effort."""
    to: Path | None
    """Where the results are written instead."""


def read_options(words: Sequence[str]) -> Options:
    """Read the command line."""
    parser = _parser()
    read = parser.parse_args(words)
    effort = QUICK if read.quick else WHOLE
    if read.seconds is not None:
        effort = replace(effort, seconds=read.seconds)
    return Options(
        effort=effort,
        offer=Offer(read.suite, read.group),
        runs=read.runs or (1 if read.quick else 3),
        rows=tuple(row for row in ROWS if row.id in read.rows),
        kinds=tuple(kind for kind in KINDS if kind in read.peers),
        named=tuple(read.peer),
        proxy_cpu=read.cpus[0],
        load_cpu=read.cpus[1],
        watch=read.watch,
        to=read.to,
        is_whole=not read.quick and not read.watch and set(read.rows) == {row.id for row in ROWS},
    )


def check_processors(options: Options) -> None:
    """Refuse processors that are one, or that this process may not use."""
    usable = os.sched_getaffinity(0)
    chosen = {options.proxy_cpu, options.load_cpu}
    if len(chosen) < 2 or not chosen <= usable:
        may = ",".join(str(cpu) for cpu in sorted(usable))
        raise BenchFault(
            f"the bench needs two processors, one for the proxy and one for the load; usable: {may}"
        )


def _parser() -> argparse.ArgumentParser:
    row_ids = [row.id for row in ROWS]
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure port443 beside its peers.")
    add = parser.add_argument
    add("--quick", action="store_true", help="a short look at the rig: its figures mean nothing")
    add("--runs", type=_runs, help="how often every figure is taken (3)")
    add("--seconds", type=_seconds, help="how long each figure is measured (4)")
    add("--rows", type=_some(row_ids), default=row_ids, help=f"a part of {','.join(row_ids)}")
    add("--peers", type=_some(list(KINDS)), default=list(KINDS), help=f"a part of {','.join(KINDS)}")
    add(
        "--peer",
        type=_named,
        action="append",
        default=[],
        metavar="KIND=PATH",
        help="another build of a peer",
    )
    add("--cpus", type=_cpus, default=(0, 1), metavar="PROXY,LOAD", help="the two processors (0,1)")
    add("--watch", default="", metavar="COMMAND", help="run beside each figure; knows {pids}, {row}, {peer}")
    add("--to", type=Path, metavar="DIRECTORY", help="where the results are written")
    add("--suite", default="TLS_AES_128_GCM_SHA256", help="the TLS 1.3 suite that clients offer")
    add("--group", default="x25519", help="the group that clients offer, e.g. X25519MLKEM768")
    return parser


def _some(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is not one of {', '.join(known)}")
        return chosen

    return read


def _named(text: str) -> tuple[str, Path]:
    kind, is_there, path = text.partition("=")
    if kind not in KINDS or not is_there or not path:
        raise argparse.ArgumentTypeError(f"{text} is not KIND=PATH with a kind of {', '.join(KINDS)}")
    return kind, Path(path).absolute()


def _cpus(text: str) -> tuple[int, int]:
    try:
        proxy, load = (int(number) for number in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not two numbers") from error
    return proxy, load


def _runs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {MOST_RUNS}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is not a number from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    return seconds
