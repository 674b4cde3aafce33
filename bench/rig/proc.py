"""What /proc says of processes: pure, text in and values out (proc_pid_stat(5), proc_pid_smaps(5))."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

STATE, SESSION, USER_TICKS, SYSTEM_TICKS = 0, 3, 11, 12
"""Fields of /proc/PID/stat, counted from the state, which is the first behind the name."""
HEADER = re.compile(r"^([0-9a-f]+)-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Processor time in clock ticks, of all threads of a process."""

    user: int = 0
    system: int = 0

    def __add__(self, other: "Ticks") -> "Ticks":
        return Ticks(self.user + other.user, self.system + other.system)

    def __sub__(self, other: "Ticks") -> "Ticks":
        return Ticks(self.user - other.user, self.system - other.system)

    @property
    def both(self) -> int:
        return self.user + self.system


@dataclass(frozen=True, slots=True)
class Stat:
    """The part of /proc/PID/stat that is of use here."""

    session: int
    ticks: Ticks
    has_ended: bool
    """Whether it waits for its parent to take notice: it has time on its account, but no memory."""


def parse_stat(text: str) -> Stat:
    """Read /proc/PID/stat; the name in it may hold spaces and brackets."""
    fields = text.rpartition(")")[2].split()
    ticks = Ticks(int(fields[USER_TICKS]), int(fields[SYSTEM_TICKS]))
    return Stat(int(fields[SESSION]), ticks, has_ended=fields[STATE] in {"Z", "X"})


def parse_busy_ticks(text: str, cpu: int) -> int:
    """Read from /proc/stat for how long one processor has done anything but wait."""
    for line in text.splitlines():
        name, *numbers = line.split()
        if name == f"cpu{cpu}":
            user, nice, system, _idle, _wait, interrupts, soft, steal, *_ = map(int, numbers)
            return user + nice + system + interrupts + soft + steal
    raise ValueError(f"/proc/stat has no cpu{cpu}")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping of a process, in KiB."""

    place: str
    """Where it is: the same in all processes that were forked with it or that map the same file."""
    private: int
    shared: int


def parse_smaps(text: str) -> list[Mapping]:
    """Read /proc/PID/smaps."""
    mappings: list[Mapping] = []
    place, private, shared = "", 0, 0
    for line in [*text.splitlines(), "0-0 - - - -"]:
        if header := HEADER.match(line):
            mappings += [Mapping(place, private, shared)] * bool(place)
            place, private, shared = f"{header[1]} {header[2]}".strip(), 0, 0
            continue
        name, _, amount = line.partition(":")
        if name in {"Private_Clean", "Private_Dirty"}:
            private += int(amount.split()[0])
        elif name in {"Shared_Clean", "Shared_Dirty"}:
            shared += int(amount.split()[0])
    return mappings


def resident_kib(processes: Iterable[Iterable[Mapping]]) -> int:
    """Return the memory that processes have together; what they share with each other counts once.

    Adding up what `ps` shows would charge a program for every process that it is made of.
    """
    private = 0
    shared: dict[str, int] = defaultdict(int)
    for mappings in processes:
        for mapping in mappings:
            private += mapping.private
            shared[mapping.place] = max(shared[mapping.place], mapping.shared)
    return private + sum(shared.values())
