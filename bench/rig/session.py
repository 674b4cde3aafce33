"""One go of the bench: everything started, every figure taken, everything ended."""

import resource
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rig.backend import start_backend
from rig.errors import BenchFault
from rig.figures import Failure, Results, Sample
from rig.finding import Tree, build_load, find_backend, find_peers, peer_at
from rig.group import Place, free_port
from rig.identity import make_identity
from rig.machine import read_machine
from rig.measure import Rig
from rig.options import Options, check_processors
from rig.peers.floor import Floor
from rig.peers.peer import Peer
from rig.rows import Row
from rig.table import NOISE, Circumstances, amount

DESCRIPTORS = 65536
"""Both sides of all connections, for every process that is started."""
Say = Callable[[str], None]


def run_bench(tree: Tree, options: Options, words: Sequence[str], say: Say) -> tuple[Results, Circumstances]:
    """Measure all that was asked for."""
    check_processors(options)
    _allow_descriptors()
    say("· building the load")
    load, floor = build_load(tree)
    found = find_peers(tree, options.kinds, say)
    peers = [*found, *(peer_at(kind, path) for kind, path in options.named), Floor(floor)]
    with _rig(options, load, find_backend(tree)) as rig:
        results = take(rig, options, peers, say)
    circumstances = Circumstances(
        machine=read_machine(tree.root),
        versions={peer.label: peer.version for peer in peers},
        command=shlex.join(["bench/run.py", *words]),
        runs=options.runs,
        seconds=options.effort.seconds,
        idle_connections=options.effort.idle_connections,
        suite=options.offer.suite,
        group=options.offer.group,
    )
    return results, circumstances


def take(rig: Rig, options: Options, peers: Sequence[Peer], say: Say) -> Results:
    """Take every figure as often as there are runs: in each, all peers in turn for each row."""
    samples: list[Sample] = []
    failures: list[Failure] = []
    for run in range(1, options.runs + 1):
        for row in options.rows:
            for peer in peers:
                try:
                    sample = replace(rig.measure(peer, row), run=run)
                except BenchFault as fault:
                    failures.append(Failure(row.id, peer.label, run, str(fault)))
                    say(f"{run} {row.id:8} {peer.label:18} failed: {fault}")
                else:
                    samples.append(sample)
                    say(_told(run, row, sample))
    baseline = next((peer.label for peer in peers if peer.kind == "nginx"), None)
    return Results(options.rows, [peer.label for peer in peers], baseline, samples, failures)


def _told(run: int, row: Row, sample: Sample) -> str:
    line = f"{run} {row.id:8} {sample.peer:18} {amount(sample.value):>7} {row.unit}"
    if row.kind != "time":
        return line
    line += f" ({amount(sample.user)} user + {amount(sample.system)} system, {sample.busy:.0%} busy)"
    return line + f" — others took {sample.others:.0%}" * (sample.others > NOISE)


@contextmanager
def _rig(options: Options, load: Path, backend: Path) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory, port = Path(name), free_port()
        load_place = Place(options.load_cpu, is_shared=True)
        group = start_backend(backend, directory / "backend", port, load_place)
        try:
            yield Rig(
                load_program=load,
                identity=make_identity(directory),
                backend=port,
                proxy_place=Place(options.proxy_cpu),
                load_place=load_place,
                effort=options.effort,
                offer=options.offer,
                watch=options.watch,
            )
        finally:
            group.end()


def _allow_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
