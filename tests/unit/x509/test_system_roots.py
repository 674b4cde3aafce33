"""The system's roots: read once, and again when their file has changed."""

from pathlib import Path

import pytest

from pki import root
from port443.adapters.roots import SystemRoots


def test_they_are_read_anew_only_when_the_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand sites that look at them read the bundle once; an update of the system is seen."""
    bundle, (first, second) = tmp_path / "roots.pem", (root("First"), root("Second"))
    bundle.write_bytes(first.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    roots = SystemRoots()
    seen = roots()
    assert seen.holds(first.facts)
    assert roots() is seen
    bundle.write_bytes(first.pem + second.pem)
    assert roots().holds(second.facts)
