"""What each reader of certificates says of the chains of the table."""

import asyncio
import base64
import functools
import json
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath

import pytest

from chain_table import ROWS, Made, Row
from pki import NOW
from port443.adapters.dial import Dialler
from port443.app.handshake import handshake
from port443.core.errors import CertificateError, ScanError
from port443.core.names import Endpoint, parse_site_name
from port443.core.x509.chain import ChainVerdict, explain_chain
from port443.core.x509.own import OwnChecked, OwnFiles, check_own
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificate_pem

PROGRAM = Path(__file__).parent / "verifiers" / "chains.go"


@functools.cache
def made(row: Row) -> Made:
    """Make a row's chain, once for all readers."""
    return row.make(row.host)


def by_openssl(directory: Path) -> dict[str, str]:
    """Ask `openssl verify` about every row."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")

    def ask(row: Row) -> str:
        root, sent = made(row)
        paths = [directory / f"{row.id}.{kind}" for kind in ("root", "rest", "leaf")]
        for path, members in zip(paths, ((root,), sent[1:], sent[:1]), strict=True):
            path.write_bytes(certificate_pem(one.der for one in members))
        rest: list[str | Path] = ["-untrusted", paths[1]] if sent[1:] else []
        said = subprocess.run(
            ["openssl", "verify", "-no-CAfile", "-no-CApath", "-policy_check", "-policy", "anyPolicy",
             "-purpose", "sslserver", "-verify_hostname", row.host, "-attime", str(int(NOW.timestamp())),
             "-CAfile", paths[0], *rest, paths[2]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return "ok" if said.returncode == 0 else " ".join(said.stderr.split())

    with ThreadPoolExecutor(2) as pool:
        return dict(zip((row.id for row in ROWS), pool.map(ask, ROWS), strict=True))


def by_go(directory: Path) -> dict[str, str]:
    """Ask Go's crypto/x509 about every row, in one process."""
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    program = directory / "chains"
    built = subprocess.run(
        ["go", "build", "-o", program, PROGRAM], capture_output=True, text=True, check=False, cwd=directory
    )
    assert built.returncode == 0, built.stderr
    asked = []
    for row in ROWS:
        root, sent = made(row)
        asked.append(
            {
                "Host": row.host,
                "Now": NOW.isoformat(),
                "Root": _base64(root.der),
                "Sent": [_base64(one.der) for one in sent],
            }
        )
    said = subprocess.run([program], input=json.dumps(asked), capture_output=True, text=True, check=True)
    return dict(zip((row.id for row in ROWS), json.loads(said.stdout), strict=True))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def by_scanner(row: Row) -> ChainVerdict:
    """Judge a row as a scan does that trusts its root."""
    root, sent = made(row)
    return explain_chain([one.facts for one in sent], TrustedRoots.of([root.facts]), NOW)


def by_control_plane(row: Row, *, knows_root: bool = True) -> OwnChecked | CertificateError:
    """Read a row as a site's own files, on a machine that trusts its root, or knows nothing of it."""
    root, sent = made(row)
    roots = TrustedRoots.of([root.facts] if knows_root else [])
    files = OwnFiles(
        PurePath("chain.pem"), certificate_pem(one.der for one in sent), PurePath("key.pem"), sent[0].key_pem
    )
    try:
        return check_own(files, (parse_site_name(row.host),), NOW, roots)
    except CertificateError as error:
        return error


async def by_handshake(endpoint: Endpoint, hosts: Sequence[str]) -> dict[str, tuple[bytes, ...] | str]:
    """Shake hands for every host, and return the chain that was shown, or why there was none."""
    dial = Dialler()

    async def ask(host: str) -> tuple[bytes, ...] | str:
        try:
            served = await handshake(dial, endpoint, host)
        except ScanError as error:
            return error.message
        return served.chain if served.key_proved else "the key was not proved"

    return dict(zip(hosts, await asyncio.gather(*map(ask, hosts)), strict=True))
