"""HTTP that is legal and as odd as that allows: what odd requests and odd responses are made of."""

import itertools
import random
from collections.abc import Iterable

OBS_TEXT = "\x80\x85\xa0\xe9\xff"
PAYLOAD = "\r\n0a: GETHTTP/1.\x00\xff"
"""Bodies are written in what heads and chunks are made of."""


class Odd:
    """Throws dice that fall the same way each time."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same messages each time
        self.numbers = itertools.count()

    def happens(self, share: float) -> bool:
        return self.dice.random() < share

    def text(self, alphabet: str, most: int) -> str:
        return "".join(self.dice.choices(alphabet, k=self.dice.randrange(most)))

    def name(self) -> str:
        return f"X-{next(self.numbers)}" + self.text("!#$%&'*+.^_`|~aZ-", 5)

    def value(self) -> str:
        return self.text('ab \t,;:="\\(){}<>@?/' + OBS_TEXT, 20).strip(" \t")

    def fields(self, known: Iterable[str]) -> list[tuple[str, str]]:
        """Make fields with names of our own and known ones, some of them repeated in another case."""
        found: list[tuple[str, str]] = []
        for _ in range(self.dice.randrange(6)):
            if found and self.happens(0.2):
                name = self.dice.choice(found)[0].swapcase()
            else:
                name = self.dice.choice(list(known)) if self.happens(0.3) else self.name()
            found.append((name, self.value()))
        return found

    def spell(self, name: str, value: str) -> str:
        """Write a field line, with white space that means nothing."""
        around = self.dice.choice(["", " ", "\t", "  \t"])
        return f"{name}:{around}{value}{around}"

    def length(self, size: int) -> str:
        return f"{size:0{self.dice.randrange(1, 9)}}"

    def cut(self, text: str) -> list[str]:
        """Cut a text in two pieces, or leave it whole; none of them is empty."""
        at = self.dice.randrange(len(text)) if text else 0
        return [piece for piece in (text[:at], text[at:]) if piece]

    def chunks(self, body: str) -> str:
        """Frame a body in chunks, with extensions and trailers."""
        written = [f"{self.chunk_size(len(piece))}\r\n{piece}\r\n" for piece in self.cut(body)]
        trailers = self.dice.choice(["", "X-Trailer: 1\r\n", "Content-Length: 3\r\nx:\r\n"])
        return "".join(written) + f"{self.chunk_size(0)}\r\n{trailers}\r\n"

    def chunk_size(self, size: int) -> str:
        extension = self.dice.choice(["", ";a=b", ';a="\\"; \xe9"', ";a ;b = c"])
        return f"{size:0{self.dice.randrange(1, 9)}X}{extension}"


def by_name(fields: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return field lines in the order of their names; only lines of one name have an order in HTTP."""
    lines = [(name.lower(), value) for name, value in fields]
    return tuple(f"{name}: {value}" for name, value in sorted(lines, key=lambda line: line[0]))
