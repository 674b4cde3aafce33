"""Run the command line: what `port443` and `python -m port443` start."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it; Ctrl-C while it is loaded ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from port443.cli.main import main as run  # noqa: PLC0415 - not before the line above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
