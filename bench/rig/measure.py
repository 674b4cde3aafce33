"""One figure: one proxy, one row, one run."""

import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rig.errors import BenchFault
from rig.figures import Sample
from rig.group import CLOCK_TICKS, Group, Place, busy_ticks, free_port
from rig.identity import NAME, Identity
from rig.loading import LoadRun, Phase
from rig.peers.floor import FLIGHT, HELLO, is_staged
from rig.peers.peer import Peer, Stand
from rig.rows import ONE, USER_AGENT, Load, Row, request_head

OPENING = 64
"""Idle connections that are opened at once."""
OPEN_S = 60.0
QUIET_S = 0.05
"""What a proxy may still have to do when the load has its last answer."""
WATCH_S = 30.0
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how much."""

    seconds: float
    warm_up_s: float
    idle_connections: int
    settle_s: float
    """How long memory is left alone before it is looked at."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What every client offers in its handshake, so that all proxies do the same work."""

    suite: str
    group: str


@dataclass(frozen=True, slots=True)
class Rig:
    """What stays the same for a whole run of the bench."""

    load_program: Path
    identity: Identity
    backend: int
    proxy_place: Place
    load_place: Place
    effort: Effort
    offer: Offer
    watch: str = ""
    """A command that looks at the proxy while it works; `{pids}`, `{row}` and `{peer}` are filled in."""

    def measure(self, peer: Peer, row: Row) -> Sample:
        """Start the peer, take the row's figure, end the peer."""
        load = row.load
        if row.kind == "idle":
            load = replace(load, connections=self.effort.idle_connections)
        with self._started(peer, load) as (group, stand):
            match row.kind:
                case "time":
                    return self._time(peer, row, group, stand)
                case "idle":
                    return self._idle(peer, row, group, stand)
                case "rest":
                    time.sleep(self.effort.settle_s)
                    return Sample(row.id, peer.label, group.resident_kib() / 1024)

    @contextmanager
    def _started(self, peer: Peer, load: Load) -> Iterator[tuple[Group, Stand]]:
        with tempfile.TemporaryDirectory(prefix=f"bench-{peer.kind}-") as directory:
            stand = Stand(Path(directory), self.identity, free_port(), self.backend, self.proxy_place, load)
            group = peer.start(stand)
            try:
                group.wait_listening(stand.port)
                yield group, stand
            finally:
                group.end()

    def _time(self, peer: Peer, row: Row, group: Group, stand: Stand) -> Sample:
        with self._load(peer, stand) as run:
            run.wait_warm()
            time.sleep(QUIET_S)
            before, busy_before = group.ticks(), busy_ticks(self.proxy_place.cpu)
            with self._watched(peer, row, group):
                run.go()
                phase = run.wait_done()
            time.sleep(QUIET_S)
            spent, busy = group.ticks() - before, busy_ticks(self.proxy_place.cpu) - busy_before
        prove(phase, stand.load, has_tls=peer.kind != "floor")
        tick = MICROSECONDS / CLOCK_TICKS / phase.units
        whole = phase.microseconds / MICROSECONDS * CLOCK_TICKS
        return Sample(
            row.id,
            peer.label,
            spent.both * tick,
            user=spent.user * tick,
            system=spent.system * tick,
            units=phase.units,
            busy=spent.both / whole,
            others=max(0, busy - spent.both) / whole,
        )

    @contextmanager
    def _watched(self, peer: Peer, row: Row, group: Group) -> Iterator[None]:
        if not self.watch:
            yield
            return
        pids = ",".join(str(pid) for pid in group.pids())
        words = [word.format(pids=pids, row=row.id, peer=peer.kind) for word in shlex.split(self.watch)]
        watching = subprocess.Popen(words)
        try:
            yield
        finally:
            end_watch(watching)

    def _idle(self, peer: Peer, row: Row, group: Group, stand: Stand) -> Sample:
        # What the first requests make a program allocate once is no part of a connection.
        with self._load(peer, replace(stand, load=ONE)) as first:
            first.wait_warm()
        time.sleep(self.effort.settle_s)
        before = group.resident_kib()
        with self._load(peer, stand) as run:
            run.wait_warm()
            run.go()
            phase = run.wait_done()
            time.sleep(self.effort.settle_s)
            after = group.resident_kib()
            lost = run.lost()
        if lost or phase.units != stand.load.connections:
            raise BenchFault(f"{lost} of {phase.units} idle connections did not stay open")
        return Sample(row.id, peer.label, (after - before) / phase.units, units=phase.units)

    def _load(self, peer: Peer, stand: Stand) -> LoadRun:
        options = self._options(peer, stand)
        patience_s = self.effort.seconds + self.effort.warm_up_s
        return LoadRun(self.load_program, options, self.load_place, patience_s)

    def _options(self, peer: Peer, stand: Stand) -> dict[str, object]:
        load, is_held = stand.load, stand.load.life == "held"
        head = stand.directory / "head"
        head.write_bytes(request_head(load, NAME))
        options: dict[str, object] = {
            "address": f"127.0.0.1:{stand.port}",
            "connections": load.connections,
            "life": load.life,
            "opening": OPENING,
            "head": head,
            "name": NAME,
            "path": load.path,
            "user-agent": USER_AGENT,
            "upload": load.upload,
            "body": load.body,
            "at-once": load.streams or 1,
            "seconds": OPEN_S if is_held else self.effort.seconds,
            "warm-up-seconds": 0 if is_held else self.effort.warm_up_s,
            "most": load.connections if is_held else load.most,
        }
        return options | (self._below_plain(stand) if peer.kind == "floor" else self._below_tls(load))

    def _below_plain(self, stand: Stand) -> dict[str, object]:
        if is_staged(stand):
            return {"above": "h1", "below": "staged", "hello": HELLO, "flight": FLIGHT}
        return {"above": "h1", "below": "plain"}

    def _below_tls(self, load: Load) -> dict[str, object]:
        return {
            "above": "h2" if load.streams else "h1",
            "below": "tls",
            "suite": self.offer.suite,
            "group": self.offer.group,
            "certificate": self.identity.der_file,
            "tickets": "keep" if load.resumes else "drop",
        }


def end_watch(watching: subprocess.Popen[bytes]) -> None:
    """End a watching command as Ctrl-C would: it writes down what it has seen first."""
    watching.send_signal(signal.SIGINT)
    try:
        watching.wait(WATCH_S)
    except subprocess.TimeoutExpired:
        watching.kill()
        watching.wait()


def prove(phase: Phase, load: Load, *, has_tls: bool) -> None:
    """Refuse a phase whose handshakes are not what the row says, each one of them."""
    wanted = (0, 0, 0)
    if has_tls and load.life == "closed":
        wanted = (0, phase.units, 0) if load.resumes else (phase.units, 0, 0)
    if (phase.full, phase.resumed, phase.retried) != wanted:
        raise BenchFault(
            f"{phase.units} units came with {phase.full} full handshakes, {phase.resumed} resumed ones "
            f"and {phase.retried} with a second hello"
        )
    if phase.units == 0:
        raise BenchFault("nothing was answered in the time that was given")
