"""Measure certificates from a local pebble: our client beside lego and certbot, part of `make bench`.

pebble validates without pauses and asks for none. Our client is warm, as it is in `port443 serve`; lego and
certbot are programs that are started for each certificate, with their account made before.
"""

import argparse
import asyncio
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pebble import INSTALLED, Pebble, Responder, answering, running_pebble
from port443.adapters.acme_http import AcmeClient
from port443.adapters.clock import SystemClock
from port443.app.acme_account import AccountCalls
from port443.app.acme_order import OrderRequest, run_order
from port443.core.acme.account import Account, Registration
from port443.core.acme.challenges import PendingAnswer
from port443.core.acme.progress import OrderProgress
from port443.core.acme.state import OrderState
from port443.core.names import HostName
from port443.core.x509.keys import pkcs8

TOP = Path(__file__).resolve().parents[1]
CLOCK = SystemClock()
AT_ONCE = 8
RUNS, QUICK_RUNS = 25, 3
PATIENCE_S = 120
NUMBERS = itertools.count()
HEAD = """# Certificates

{when}: certificates from a pebble on the same {cores} cores, which validates without pauses, by tls-alpn-01
(certbot: http-01, as it has no other). The CPU of port443 holds the responder too. Medians of {runs}.
`make bench` writes this page.

| client | one certificate | CPU of the client | certificates a second | goal |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one client takes for a certificate; the rate is that of eight orders at a time."""

    wall_ms: float
    cpu_ms: float
    rate: float | None = None


@dataclass(slots=True)
class Calls:
    """Implements `OrderCalls` with a responder in this process, and stores nothing."""

    responder: Responder

    async def publish(self, answers: tuple[PendingAnswer, ...]) -> None:
        self.responder.put(self, answers)

    async def save(self, state: OrderState) -> None:
        """Forget it."""

    def report(self, progress: OrderProgress) -> None:
        """Show nothing."""


def main() -> int:
    """Measure, and write the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few certificates of each, and no page")
    parser.add_argument("--to", type=Path, default=TOP / "bench", help="the directory of the page")
    options = parser.parse_args()
    runs = QUICK_RUNS if options.quick else RUNS
    if not all(shutil.which(INSTALLED / name) for name in ("pebble", "pebble-challtestsrv")):
        raise SystemExit(
            "bench: pebble is not installed: `make .build/clients` installs it where there is Go"
        )
    page = HEAD.format(when=time.strftime("%Y-%m-%d"), cores=os.cpu_count(), runs=runs) + _rows(runs)
    sys.stdout.write(page)
    if not options.quick:
        (options.to / "CERTIFICATES.md").write_text(page)
    return 0


def _rows(runs: int) -> str:
    quiet = {"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    with running_pebble(quiet) as ca, tempfile.TemporaryDirectory() as place:
        with answering(ca.http_port, ca.tls_port) as responder:
            ours = asyncio.run(_ours(ca, responder, runs))
        rows = [_row("port443", ours, "50 ms, 60 a second")]
        root = Path(place) / "root.pem"
        root.write_bytes(ca.trust.cert_pem.bytes())
        for title, command in _peers(ca, Path(place)).items():
            found = _program(command, root, runs) if shutil.which(command[0]) else None
            rows.append(_row(title, found, ""))
    return "".join(rows)


def _row(title: str, found: Figures | None, goal: str) -> str:
    if found is None:
        return f"| {title} | not installed | | | |\n"
    rate = "" if found.rate is None else f"{found.rate:.0f}"
    return f"| {title} | {found.wall_ms:.0f} ms | {found.cpu_ms:.0f} ms | {rate} | {goal} |\n"


async def _ours(ca: Pebble, responder: Responder, runs: int) -> Figures:
    transport = AcmeClient(ca.directory_url, CLOCK, user_agent="port443/bench", trust=[ca.trust_der])
    try:
        key = ec.generate_private_key(ec.SECP256R1())
        account = await AccountCalls(transport, CLOCK).register(Registration(key, agree_tos=True))
        await _order(transport, account, responder)
        took = [await _order(transport, account, responder) for _ in range(runs)]
        began, many = time.perf_counter(), runs * AT_ONCE
        turns = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with turns:
                await _order(transport, account, responder)

        await asyncio.gather(*(one() for _ in range(many)))
        return _medians(took, many / (time.perf_counter() - began))
    finally:
        await transport.close()


async def _order(transport: AcmeClient, account: Account, responder: Responder) -> tuple[float, float]:
    """Return seconds of wall and of CPU."""
    began, used = time.perf_counter(), time.process_time()
    state = OrderState((HostName(f"n{next(NUMBERS)}.example"),))
    request = OrderRequest(state, pkcs8(ec.generate_private_key(ec.SECP256R1())), account)
    await run_order(request, transport, Calls(responder), CLOCK)
    return time.perf_counter() - began, time.process_time() - used


def _peers(ca: Pebble, place: Path) -> dict[str, list[str]]:
    """Return the command lines of others; `{name}` is what to certify."""
    lego = [
        "lego", "run", "--server", ca.directory_url, "--path", f"{place}/lego", "--accept-tos", "--email",
        "ops@example.com", "--key-type", "EC256", "--tls", "--tls.address", f"127.0.0.1:{ca.tls_port}",
        "--domains", "{name}",
    ]  # fmt: skip
    certbot = [
        "certbot", "certonly", "--standalone", "--server", ca.directory_url, "--agree-tos",
        "--non-interactive", "--register-unsafely-without-email", "--http-01-port", str(ca.http_port),
        "--domain", "{name}", "--config-dir", f"{place}/certbot", "--work-dir", f"{place}/work",
        "--logs-dir", f"{place}/logs",
    ]  # fmt: skip
    return {"lego": lego, "certbot": certbot}


def _program(command: Sequence[str], root: Path, runs: int) -> Figures:
    _certificate_by(command, root)
    return _medians([_certificate_by(command, root) for _ in range(min(runs, 5))], None)


def _certificate_by(command: Sequence[str], root: Path) -> tuple[float, float]:
    words = [part.format(name=f"n{next(NUMBERS)}.example") for part in command]
    environment = os.environ | {"LEGO_CA_CERTIFICATES": str(root), "REQUESTS_CA_BUNDLE": str(root)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE_S, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _medians(took: Sequence[tuple[float, float]], rate: float | None) -> Figures:
    walls, cpus = zip(*took, strict=True)
    return Figures(statistics.median(walls) * 1000, statistics.median(cpus) * 1000, rate)


if __name__ == "__main__":
    sys.exit(main())
