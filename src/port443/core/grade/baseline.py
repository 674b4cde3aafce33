"""What a baseline is: a dated table that says what findings cost and how strength is scored."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from port443.core.wire.versions import Version


class Letter(Enum):
    """A grade; the best one first. T and M stand beside the scale: not believed, and not for this name."""

    A_PLUS = "A+"
    A = "A"
    A_MINUS = "A-"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    M = "M"
    T = "T"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Letter).index(self)

    @classmethod
    def parse(cls, text: str) -> "Letter":
        """Read a letter as people write it; raises ValueError."""
        return cls(text.strip().upper())


Steps = tuple[tuple[int, int], ...]
"""Scores by strength: below so many bits, this score; the weakest first."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One set of grading rules. Findings are named by the id of their rule."""

    id: str
    title: str
    as_of: date
    source: str
    is_secondary: bool
    """Whether the figures were taken from somebody else's reading of the original."""
    weights: tuple[int, int, int]
    """Of protocol, key exchange and cipher, in percent."""
    letters: tuple[tuple[int, Letter], ...]
    """From so many points on, this letter; the best first."""
    protocol_scores: dict[Version, int]
    rsa_scores: Steps
    ec_scores: Steps
    cipher_scores: Steps
    key_exchange_caps: tuple[tuple[int, Letter], ...]
    """With so few points for the key exchange, or fewer, no better than this letter; the fewest first."""
    caps: dict[str, Letter]
    """No better than this letter with that finding."""
    warnings: frozenset[str]
    """Findings that make an A an A-, and forbid the plus."""
    distrust: frozenset[str]
    """Findings that make the grade a T."""
    mismatch: frozenset[str]
    """Findings that make the grade an M."""
    scored: dict[str, Letter]
    """Rules whose subject costs points only, and the letter that the points can come down to."""

    @property
    def counted(self) -> frozenset[str]:
        """The rules that can change the letter."""
        return frozenset(self.caps) | self.warnings | self.distrust | self.mismatch

    def effect(self, rule: str) -> Letter | None:
        """Return the best letter that a finding of `rule` leaves; None when it costs nothing."""
        if rule in self.distrust:
            return Letter.T
        if rule in self.mismatch:
            return Letter.M
        return self.caps.get(rule, Letter.A_MINUS if rule in self.warnings else None)

    def cost(self, rule: str) -> str | None:
        """Return the same in writing."""
        letter = self.effect(rule)
        return None if letter is None else letter.value

    def score(self, steps: Steps, bits: int) -> int:
        """Return what a strength is worth."""
        return next((points for below, points in steps if bits < below), 100)
