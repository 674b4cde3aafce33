"""`from port443 import scan`: typed, frozen, and nothing done before it is called."""

import asyncio
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import date
from pathlib import Path

import jsonschema
import pytest

import port443
from port443 import Policy, ScanOptions, ScanResult, read_policy, scan, scan_async
from port443.core.errors import ScanError
from port443.core.grade.baseline import Letter
from port443.core.grade.rule import Severity
from scanning import SCHEMA, closed_port
from tls_certs import Wish, intermediate, issue, root, rsa_key, write
from tls_servers import openssl_server

pytestmark = pytest.mark.slow
BROWSERS = ("-cipher", "ECDHE+AESGCM", "-no_tls1", "-no_tls1_1")


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(root().pem)
    return path


def look(tmp_path: Path, ca_file: Path, *options: str) -> ScanResult:
    files = write(tmp_path, issue(Wish(), rsa_key(), intermediate()), (intermediate(),))
    with openssl_server(files, *options) as endpoint, closed_port() as http:
        asked = ScanOptions(connect=str(endpoint), ca_file=ca_file, http_port=http, timeout_s=30)
        return scan(f"localhost:{endpoint.port}", asked)


def test_a_result_says_whether_a_policy_is_met(tmp_path: Path, ca_file: Path) -> None:
    """The letter, findings, baselines and a document; frozen as it is."""
    result = look(tmp_path, ca_file, *BROWSERS)
    assert result.letter is Letter.A
    assert [one.id for one in result.findings][:1] == ["P443-HTTP-001"]
    assert result.objections(Policy()) == ()
    assert result.objections(read_policy("bcp195", as_of=date(2026, 5, 1))) == ()
    (short,) = result.objections(Policy(min_grade=Letter.A_PLUS))
    assert short.startswith("the grade is A, required is A+: The site has no HSTS")
    assert any(
        "HSTS for two years" in one for one in result.objections(read_policy("mozilla-intermediate-6.0"))
    )
    jsonschema.validate(json.loads(json.dumps(result.document())), SCHEMA)
    with pytest.raises(FrozenInstanceError):
        result.rules_as_of = date(2029, 1, 1)  # type: ignore[misc]


def test_what_is_wrong_is_named(tmp_path: Path, ca_file: Path) -> None:
    """A finding over the severity, and what it costs."""
    result = look(tmp_path, ca_file, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
    policy = Policy(min_grade=Letter.A, fail_on=Severity.HIGH)
    objections = result.objections(policy)
    assert objections[0].startswith("the grade is B, required is A")
    assert any(one.startswith("P443-TLS-015") for one in objections)


def test_a_scan_runs_in_a_loop_of_ones_own() -> None:
    """And a host that does not answer is an error with its cause."""

    async def both() -> None:
        with closed_port() as port:
            await scan_async(f"127.0.0.1:{port}", ScanOptions(timeout_s=5))

    with pytest.raises(ScanError, match="nothing listens"):
        asyncio.run(both())


def test_importing_the_package_loads_nothing() -> None:
    """What scans is loaded when it is asked for."""
    shown = "import sys, port443; print([one for one in sys.modules if one.startswith('port443.')])"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert all(getattr(port443, name) for name in port443.__all__)
    with pytest.raises(AttributeError):
        _ = port443.nothing
