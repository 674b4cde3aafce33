"""`make demo-acme`: the demo, with its certificate ordered from a real pebble that runs for it alone."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "tests" / "helpers"))

from pebble import running_pebble  # noqa: E402 - found by the line above


def main() -> int:
    """Run pebble, and the demo beside it; return the demo's exit code."""
    with TemporaryDirectory(prefix="p443-demo-acme-") as made, running_pebble() as pebble:
        trust, root = Path(made) / "trust.pem", Path(made) / "root.pem"
        trust.write_bytes(pebble.trust.cert_pem.bytes())
        root.write_bytes(pebble.root())
        command = [sys.executable, "-m", "port443", "demo", "--issuer", pebble.directory_url,
                   "--cacert", str(trust), "--root", str(root),
                   "--https-port", str(pebble.tls_port), "--http-port", str(pebble.http_port),
                   *sys.argv[1:]]  # fmt: skip
        try:
            return subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as missing:
        sys.exit(f"make demo-acme: {missing}")
