"""The load program: told what to do, when to begin, and heard when it is done."""

import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from rig.errors import BenchFault
from rig.group import Place, pinned

ANSWER_S = 60.0
"""How long the load may be silent beyond the time that it was given."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase of the load has done."""

    units: int
    microseconds: int
    full: int
    resumed: int
    retried: int


def parse_phase(line: str, word: str) -> Phase:
    """Read `WORD units=… microseconds=… …`; anything else is a fault, in the load's own words."""
    said, *pairs = line.split()
    if said != word:
        raise BenchFault(line.removeprefix("failed "))
    numbers = dict(pair.split("=", 1) for pair in pairs)
    return Phase(**{name: int(numbers[name]) for name in Phase.__slots__})


class LoadRun:
    """One run of the load program; ended with the block that it is used in."""

    def __init__(self, program: Path, options: dict[str, object], place: Place, patience_s: float) -> None:
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._patience_s = patience_s + ANSWER_S
        with pinned(place):
            self._process = subprocess.Popen(
                [os.fspath(program), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()

    def wait_warm(self) -> Phase:
        """Wait for the end of the phase that is not counted."""
        return parse_phase(self._line(), "warm")

    def go(self) -> None:
        """Have it begin what is counted."""
        if self._process.stdin:
            self._process.stdin.write(b"go\n")
            self._process.stdin.flush()

    def wait_done(self) -> Phase:
        """Wait for the end of what is counted; its connections stay open."""
        return parse_phase(self._line(), "done")

    def lost(self) -> int:
        """Let it end, and return how many of its connections had not stayed open and silent."""
        if self._process.stdin:
            self._process.stdin.close()
        line = self._line()
        if not line.startswith("held lost="):
            raise BenchFault(line)
        return int(line.removeprefix("held lost="))

    def _line(self) -> str:
        output = self._process.stdout
        if output is None:
            raise BenchFault("the load program has no output")
        line = b""
        end = time.monotonic() + self._patience_s
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(output.fileno(), 4096) if ready else b""
            if not piece:
                raise BenchFault(
                    "the load program was not done in time" if not ready else "the load program ended"
                )
            line += piece
        return line.decode().strip()
