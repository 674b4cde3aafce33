"""Yes, no, or unknown with its reason: the results of a scan, which are never a guess."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and how it was come by."""

    standing: Standing
    reason: str = ""

    @property
    def is_yes(self) -> bool:
        return self.standing is Standing.YES

    @property
    def is_no(self) -> bool:
        return self.standing is Standing.NO

    @property
    def is_unknown(self) -> bool:
        return self.standing is Standing.UNKNOWN

    def __str__(self) -> str:
        return f"{self.standing} ({self.reason})" if self.reason else str(self.standing)


YES = Verdict(Standing.YES)


LEFT_OUT = "left out by a light look"
"""Why nobody knows what was not asked on purpose."""


def no(reason: str = "") -> Verdict:
    return Verdict(Standing.NO, reason)


def unknown(reason: str) -> Verdict:
    return Verdict(Standing.UNKNOWN, reason)
