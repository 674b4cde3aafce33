"""The soak: mixed load for a long while, with applies and kills; memory must stay as it is.

An answer that is wrong has to have its fault: a killed upstream explains 502, 503 and 504 and broken
bodies, a killed edge explains broken connections, and nothing explains anything else. Edge and serve are
killed in the first third only, so that the edge then has a long life whose memory can be judged.

PYTHONPATH=tests:tests/helpers:bench python tests/prove/soak.py --soak-seconds 60
"""

import argparse
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from free_ports import free_port
from prove.soak_clients import NAME, Crowd
from serving import Serving, run_port443
from soak_verdict import Fault, Kind, Memory, Trouble
from waiting import wait_until

TITLE = "Soak"
PAUSE_S = 3.0


class Soak:
    """One serve, its edge, one upstream, and whoever uses them."""

    def __init__(self, directory: Path, seconds: float) -> None:
        self.directory, self.seconds = directory, seconds
        self.backend_port = free_port()
        self.backend: subprocess.Popen[bytes] | None = None
        self.serving = Serving(directory)
        self.faults: list[Fault] = []
        self.edge, self.serve = Memory(), Memory()
        url = f"http://127.0.0.1:{self.backend_port}"
        variants: list[dict[str, Any]] = [
            {NAME: url},
            {NAME: {"to": url, "hsts": {"max_age": "30d"}, "body": "20MiB"}},
            {NAME: {"to": url, "tls": "modern", "aliases": ["www.app.localhost"]}},
        ]
        self.variants = itertools.cycle(variants)

    def run(self) -> Crowd:
        """Run all of it, and return the clients with what they noted."""
        self.start_backend()
        self.serving.write(next(self.variants))
        self.serving.started()
        done = run_port443("trust", "path", "--state", str(self.serving.state))
        crowd = Crowd(self.serving.https_port, Path(done.stdout.split()[0]), self.directory)
        crowd.start()
        try:
            self.disturb(time.monotonic())
        finally:
            crowd.end()
        return crowd

    def disturb(self, start: float) -> None:
        """Apply, kill, apply, kill."""
        early = itertools.cycle((self.apply, self.kill_edge, self.apply, self.kill_backend, self.kill_serve))
        late = itertools.cycle((self.apply, self.kill_backend))
        while (passed := time.monotonic() - start) < self.seconds:
            next(early if passed < self.seconds / 3 else late)()
            self.rest(min(PAUSE_S, start + self.seconds - time.monotonic()))

    def rest(self, seconds: float) -> None:
        """Let the clients be, and look at the memory meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.edge.look(self.serving.edge_pid())
            self.serve.look(self.serving.process.pid if self.serving.process else None)
            time.sleep(0.5)

    @contextmanager
    def fault(self, what: str, *explains: Kind) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.faults.append(Fault(what, began, time.monotonic(), frozenset(explains)))

    def apply(self) -> None:
        with self.fault("apply"):
            self.serving.write(next(self.variants))
            done = self.serving.ask("reload", "--wait")
            # A proof that meets a killed upstream's page is still a proof; a refusal is none.
            assert done.returncode in {0, 1}, done.stderr

    def kill_backend(self) -> None:
        with self.fault("upstream killed", "gateway", "broken"):
            self.end_backend()
            self.start_backend()

    def kill_edge(self) -> None:
        pid = wait_until(self.serving.edge_pid, 10)
        with self.fault("edge killed", "broken"):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: self.serving.edge_pid() not in {None, pid}, 10)
            self.serving.wait_ready()

    def kill_serve(self) -> None:
        with self.fault("serve killed"):
            self.serving.kill()
            self.serving.started()

    def start_backend(self) -> None:
        script = Path(__file__).with_name("soak_backend.py")
        self.backend = subprocess.Popen([sys.executable, script, str(self.backend_port)])
        wait_until(self._backend_answers, 10)

    def _backend_answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.backend_port)) == 0

    def end_backend(self) -> None:
        if self.backend:
            self.backend.kill()
            self.backend.wait(10)

    def end(self) -> None:
        """End whatever runs."""
        self.serving.end()
        self.end_backend()


def check_soak(seconds: float) -> tuple[str, bool]:
    """Soak for so long; return the report's text, and whether all of it was as it should be."""
    sys.stderr.write(f"· soaking for {seconds:.0f} s\n")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p443-")))
        soak = Soak(directory, seconds)
        stack.callback(soak.end)
        crowd = soak.run()
    unexplained = [one for one in crowd.troubles if not any(fault.explains_it(one) for fault in soak.faults)]
    return report(soak, crowd, unexplained), not unexplained and soak.edge.is_flat() and soak.serve.is_flat()


def report(soak: Soak, crowd: Crowd, unexplained: list[Trouble]) -> str:
    """Say what was done, what was answered, and what nothing explains."""
    done = [fault.what for fault in soak.faults]
    faults = ", ".join(f"{done.count(what)} x {what}" for what in sorted(set(done)))
    rows = "".join(f"| {sort} | {count:,} |\n" for sort, count in sorted(crowd.answered.items()))
    memory = "".join(
        f"- {name}: {early / 2**20:.1f} MiB early in its last life, {late / 2**20:.1f} MiB at its end: "
        f"{'flat' if one.is_flat() else '**grows**'}\n"
        for name, one in (("edge", soak.edge), ("serve", soak.serve))
        for early, late in [one.quarters()]
    )
    listed = "".join(f"  - {one.kind}: {one.what}\n" for one in unexplained[:10])
    return (
        f"{soak.seconds:.0f} s of mixed load, with these faults: {faults}.\n\n"
        f"| clients' work | done |\n|---|---|\n{rows}\n"
        f"- errors that a fault explains: {len(crowd.troubles) - len(unexplained)}; "
        f"errors that none explains: {len(unexplained)}\n{listed}{memory}"
    )


def main() -> int:
    """Soak alone, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak-seconds", type=float, default=600)
    text, is_good = check_soak(parser.parse_args().soak_seconds)
    sys.stdout.write(text)
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
