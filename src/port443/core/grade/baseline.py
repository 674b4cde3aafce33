"""The shape of a guide: a dated text, clause by clause, each with the rules that check it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from port443.core.wire.versions import Version


class Letter(Enum):
    """A grade; the best one first. T and M are outside the scale: not trusted, and not for this name."""

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
class Source:
    """Where a clause was read."""

    title: str
    address: str
    is_first_hand: bool = True
    """Whether it is the text itself; else a third party's reading of it, which may be wrong."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement of a text about servers, and the rules that check it."""

    text: str
    """The statement, in a sentence."""
    source: Source
    rules: tuple[str, ...] = ()
    """A finding of any of these breaks the clause."""
    effect: Letter | None = None
    """The best letter that remains then; None when it costs nothing."""
    unseen: str = ""
    """Why no rule checks it; empty when one does."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A text that gives letters. Findings are named by the id of their rule."""

    id: str
    title: str
    version: str
    as_of: date
    clauses: tuple[Clause, ...]
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
    scored: dict[str, Letter]
    """Rules whose subject costs points only, and the letter that the points can come down to."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Everything that was read for it, once."""
        return tuple(dict.fromkeys(clause.source for clause in self.clauses))

    @property
    def is_secondary(self) -> bool:
        """Whether any clause was taken from a third party's reading of the original."""
        return not all(source.is_first_hand for source in self.sources)

    @property
    def counted(self) -> frozenset[str]:
        """The rules that can change the letter."""
        return frozenset(
            rule for clause in self.clauses if clause.effect is not None for rule in clause.rules
        )

    def clauses_on(self, rule: str) -> Iterator[Clause]:
        """Yield the clauses that `rule` checks."""
        return (clause for clause in self.clauses if rule in clause.rules)

    def effect(self, rule: str) -> Letter | None:
        """Return the best letter that a finding of `rule` leaves; None when it costs nothing."""
        letters = (clause.effect for clause in self.clauses_on(rule) if clause.effect is not None)
        return max(letters, key=lambda letter: letter.rank, default=None)

    def cost(self, rule: str) -> str | None:
        """Return the same in writing."""
        letter = self.effect(rule)
        return None if letter is None else letter.value

    def score(self, steps: Steps, bits: int) -> int:
        """Return the score of a strength."""
        return next((points for below, points in steps if bits < below), 100)
