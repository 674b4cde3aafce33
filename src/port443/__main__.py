"""The entry point of `port443` and `python -m port443`."""

import signal
import sys
from types import FrameType
from typing import NoReturn

SERVERS = {"serve", "demo"}
SURVIVED = ["HUP", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR"]
"""Signals that do not end a server; `cli/ending.py` installs their handlers once it is loaded."""


def _survive() -> None:
    """Ignore the signals until there are handlers; a reload this early is part of the start anyway."""

    def nothing(_number: int, _frame: FrameType | None) -> None: ...

    for name in SURVIVED:
        signal.signal(getattr(signal, f"SIG{name}"), nothing)


def main() -> NoReturn:
    """Load the command line and run it; Ctrl-C while it is loaded ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if SERVERS.intersection(sys.argv[1:]):
        _survive()
    from port443.cli.main import main as run  # noqa: PLC0415 - not before the line above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
