"""What counts as explained, and what as flat."""

import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["gateway", "broken", "wrong"]
GROWTH = 1.25
SLACK = 4 << 20
"""Within these, memory counts as flat: buffers of the moment are part of it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An answer that was not the right one; `wrong` is what no fault explains."""

    kind: Kind
    began: float
    ended: float
    what: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done on purpose, and which troubles it explains."""

    what: str
    began: float
    ended: float
    explains: frozenset[Kind]

    def explains_it(self, trouble: Trouble) -> bool:
        """Whether it goes wrong in this way, and an exchange was under way while it was done.

        There is no time of grace: the edge tries an only server again at once, and whatever begins
        when the server or the edge is back has to go well.
        """
        overlaps = trouble.began <= self.ended and trouble.ended >= self.began
        return overlaps and trouble.kind in self.explains


@dataclass
class Memory:
    """Resident bytes over one life of a process."""

    pid: int = 0
    samples: list[int] = field(default_factory=list)

    def look(self, pid: int | None) -> None:
        if pid is None:
            return
        if pid != self.pid:
            self.pid, self.samples = pid, []
        with_pages = Path(f"/proc/{pid}/statm")
        if with_pages.exists():
            self.samples.append(int(with_pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

    def quarters(self) -> tuple[float, float]:
        """Return the median of the life's second quarter, after it has warmed up, and of its last."""
        quarter = max(len(self.samples) // 4, 1)
        return statistics.median(self.samples[quarter : 2 * quarter] or self.samples), statistics.median(
            self.samples[-quarter:]
        )

    def is_flat(self) -> bool:
        early, late = self.quarters()
        return late <= early * GROWTH + SLACK
