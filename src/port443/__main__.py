"""Run the command line: what `port443` and `python -m port443` start."""

import signal
import sys
from types import FrameType
from typing import NoReturn

SERVERS = {"serve", "demo"}
SURVIVED = ["HUP", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR"]
"""What does not end a server: `cli/ending.py` gives them their meaning as soon as it is loaded."""


def _survive() -> None:
    """Take the kill out of signals; a reload asked for so early is done by the start itself."""

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
