"""Started by a test: for each line of input fork a process that issues or renews a certificate.

A line is `STATE MOMENT CHANGE HALF`: the process is killed at its CHANGE-th change to a file of STATE, never
for 0. The answer is `killed`, or `done` with the number of changes. Forking saves the time of a start-up.
"""

import ctypes
import os
import sys
from datetime import datetime
from pathlib import Path

from port443.adapters.state_directory import StateDirectory
from port443.core.names import HostName
from port443.core.plan.desired import DesiredSite, LocalIssuer
from port443.wiring import opened_store
from serve_bench import bring_needs
from standin_clock import StandInClock


def renew(path: Path, now: datetime) -> None:
    """Do what serve does with its state."""
    state = StateDirectory.prepare(path)
    lock = state.lock()
    site = DesiredSite("a.test", (HostName("a.test"),), (), LocalIssuer())
    with opened_store(state) as store:
        needs = bring_needs(store, StandInClock(now), [site])
    lock.release()
    assert needs[site.id].credential
    assert not needs[site.id].fault


def child(line: str) -> None:
    path, moment, change, half = line.split()
    os.environ |= {"KILL_UNDER": path, "KILL_AT": change}
    if half == "True":
        os.environ["KILL_HALF"] = "1"
    renew(Path(path), datetime.fromisoformat(moment))
    print("done", ctypes.CDLL(None).changes_done(), flush=True)  # noqa: T201


for asked in sys.stdin:
    if process := os.fork():
        if status := os.waitpid(process, 0)[1]:
            print("killed" if os.WIFSIGNALED(status) else "failed", flush=True)  # noqa: T201
    else:
        child(asked)
        os._exit(0)
