"""One line of progress on a terminal, which is gone when it is done; nothing elsewhere."""

import shutil
import sys
from typing import Self

CLEAR = "\r\x1b[K"
COLUMNS = 80


class Line:
    """Say on stderr what is waited for."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def show(self, label: str, text: str) -> None:
        """Say this in the place of what was said before."""
        room = shutil.get_terminal_size((COLUMNS, 1)).columns - 1
        self._write(f"… {label:<9} {text}"[:room])

    def _write(self, text: str) -> None:
        if self._is_terminal:
            sys.stderr.write(f"{CLEAR}{text}")
            sys.stderr.flush()
