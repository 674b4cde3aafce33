"""Scan a server under test as the command does."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import jsonschema

from port443.app.scan import ScanOptions, Viewpoint, scan
from port443.core.grade.document import scan_document
from port443.core.grade.report import Report, ScanTarget
from port443.core.names import Endpoint, parse_site_name
from port443.core.x509.facts import CertFacts
from port443.core.x509.path import TrustedRoots
from port443.scan_wiring import make_dial
from tls_certs import NOW, root

SCHEMA = json.loads((Path(__file__).parents[2] / "contract" / "scan.schema.json").read_text())
LATER = NOW + timedelta(hours=1)
"""When the scans look: also what a test issues at the last moment has begun then."""


def look(
    endpoint: Endpoint,
    name: str = "localhost",
    http_port: int | None = None,
    *,
    is_public: bool = False,
    revocation: bool = False,
) -> Report:
    """Scan as the command does, believing the root under test, and check the document's form."""
    with ExitStack() as stack:
        closed = http_port or stack.enter_context(closed_port())
        roots = TrustedRoots.of([CertFacts.from_der(root().der)])
        target = ScanTarget(parse_site_name(name), endpoint.port, connect=endpoint)
        view = Viewpoint(roots, LATER, roots_are_public=is_public)
        options = ScanOptions(patience_s=3, http_port=closed, revocation=revocation)
        report = asyncio.run(scan(make_dial(), target, view, options))
    jsonschema.validate(scan_document([(report, 0)], "0", NOW), SCHEMA)
    return report


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port that nobody listens on: bound, so that nobody else gets it either."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def ids(report: Report) -> set[str]:
    return set(report.judgement.ids)
