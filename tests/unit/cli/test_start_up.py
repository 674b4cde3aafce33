"""What a command loads: start-up time is what is imported, and the help needs next to nothing."""

import subprocess
import sys

PROGRAM = """
import sys
from port443.cli.main import run
run({args!r})
print(*(name for name in sys.modules if name.startswith("port443.") or "." not in name), sep="\\n")
"""


def loaded_by(*args: str) -> set[str]:
    """Run a command line in a process of its own and return the modules that it has loaded then."""
    program = PROGRAM.format(args=list(args))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_the_help_of_a_scan_loads_no_scan() -> None:
    """Neither what scans nor what serves, no certificates, no event loop."""
    names = loaded_by("scan", "--help")
    assert "port443.cli.scan" in names
    assert not names & {"port443.ports", "port443.wiring", "port443.scan_wiring", "asyncio", "cryptography"}
    assert not [name for name in names if name.startswith(("port443.app", "port443.adapters"))]


def test_a_scan_loads_nothing_of_what_serves() -> None:
    """No port, edge, store or settings is imported to look at a host."""
    names = loaded_by("scan", "192.0.2.1:1", "--connect", "127.0.0.1:1", "--timeout", "1s")
    assert "port443.app.scan" in names
    assert not names & {"port443.ports", "port443.wiring", "sqlite3", "pydantic"}
    assert not [name for name in names if name.startswith(("port443.edge", "port443.core.contract"))]
