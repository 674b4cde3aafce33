"""The public conformance suite for HTTP/2 (h2spec) on the real edge."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_harness import REPOSITORY, Scene, SiteWish, running_edge
from tls_certs import Wish, ec_key, intermediate, issue
from upstreams import running_upstream, says

CASES = 145
INSTALLED = REPOSITORY / ".build" / "bin" / "h2spec"


@pytest.fixture
def h2spec() -> Path:
    found = shutil.which(INSTALLED) or shutil.which("h2spec")
    if not found:
        pytest.skip("h2spec is not installed: `make .build/clients` installs it where there is Go")
    return Path(found)


def test_every_case_of_the_conformance_suite_passes(h2spec: Path) -> None:
    """Generic, HTTP/2 and HPACK cases; those that fail are named."""
    leaf = issue(Wish(("127.0.0.1",)), ec_key(), intermediate())
    with running_upstream(says(b"x" * 2000)) as upstream, running_edge(1) as edge:
        listener = edge.listen()
        edge.apply(Scene((SiteWish(("127.0.0.1",), (leaf,), (upstream.server,)),), (listener,)))
        port = listener.address.rpartition(":")[2]
        command = [str(h2spec), "--tls", "--insecure", "--port", port, "--timeout", "5"]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=55).stdout
    failures = said.partition("Failures:")[2]
    assert [line.strip() for line in failures.splitlines() if "\N{MULTIPLICATION SIGN}" in line] == []
    assert re.search(rf"^{CASES} tests, {CASES} passed, 0 skipped, 0 failed", said, re.MULTILINE), said
