"""A `serve` that answers every verb, as whoever asks over the admin socket sees it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from port443.app.status import lone_document
from port443.core.contract.stats import EdgeStats
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.certificates import (
    AttemptStatus,
    CertificateDocument,
    CertificateLine,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    OrderStatus,
    PreflightCheck,
    PreflightDocument,
    RevocationWord,
)
from port443.core.control.status import JobStatus, Problem, StatusDocument
from port443.core.errors import EdgeError
from port443.ports import LoneEdge
from standin_edge import an_edge, nothing_yet

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROBLEM = Problem("a_code", "warning", None, "edge", "it was restarted", "do that")
JOB = JobStatus("round", "running", "it applies", None, 2, "2026-03-01T12:00:00+00:00", "P443-E300", "no")


LINE = CertificateLine(
    "a.test",
    ("a.test",),
    "letsencrypt",
    "missing",
    None,
    None,
    3,
    "a.test leads elsewhere",
    "tried again",
    "2026-03-01T13:00:00+00:00",
)
ATTEMPT = AttemptStatus(
    "letsencrypt",
    "https://ca.test/directory",
    NOW.isoformat(),
    NOW.isoformat(),
    "first",
    "ready to be validated: a.test",
    "P443-E248",
    "a.test leads elsewhere",
    "lead it here",
    None,
    {"order": "https://ca.test/order/1"},
)
ORDER = OrderStatus("https://ca.test/directory", NOW.isoformat(), "https://ca.test/order/2")
STORY = CertificateDocument("port443.cert.show/1", NOW.isoformat(), LINE, None, ORDER, (ATTEMPT,), JOB, ())


PREFLIGHT = PreflightDocument(
    "port443.cert.preflight/1",
    "a.test",
    "letsencrypt",
    (
        PreflightCheck("listening", "good", "port 443 is listened on", ""),
        PreflightCheck("address", "failed", "a.test on 192.0.2.1:443 is another server", "lead it here"),
    ),
)


def document() -> StatusDocument:
    """Return a status with something in most of its fields."""
    identity = an_edge(boot="b" * 16, running="ab" * 32)
    stats: EdgeStats = nothing_yet(EdgeStats)
    lone = LoneEdge(identity, NOW, ("a.test",), ("https:127.0.0.1:8443",), has_unit=False, stats=stats)
    return replace(lone_document(lone, "0.1.0", "/run", NOW), jobs=(JOB,), starting="it starts the edge")


@dataclass
class StandInApp:
    """Implements `App`."""

    asked: list[str] = field(default_factory=list)

    async def alive(self) -> Alive:
        self.asked.append("alive")
        return Alive(40)

    async def status(self) -> StatusDocument:
        self.asked.append("status")
        return document()

    async def reload(self) -> Reloaded:
        self.asked.append("reload")
        return Reloaded("ab" * 32, ("one thing",), whole=False, problems=(PROBLEM,))

    async def ask_reload(self) -> ReloadAsked:
        self.asked.append("ask_reload")
        raise EdgeError("not now", "later")

    async def certificates(self) -> CertificatesDocument:
        self.asked.append("certificates")
        return CertificatesDocument("port443.cert.list/1", NOW.isoformat(), (LINE,))

    async def certificate(self, name: str) -> CertificateDocument:
        self.asked.append(f"certificate {name}")
        return STORY

    async def order_certificate(self, name: str, *, anew: bool) -> CertificateOrdered:
        self.asked.append(f"order {name} {anew}")
        return CertificateOrdered("port443.cert.order/1", name, anew, None, "issued", "", None)

    async def preflight(self, name: str) -> PreflightDocument:
        self.asked.append(f"preflight {name}")
        return PREFLIGHT

    async def revoke_certificate(self, name: str, reason: RevocationWord) -> CertificateRevoked:
        self.asked.append(f"revoke {name} {reason}")
        return CertificateRevoked("port443.cert.revoke/1", name, "0a", was_revoked_before=False, ordered=True)

    async def stop(self) -> Stopped:
        self.asked.append("stop")
        return Stopped(stopped=True, serve=1, edge=None, edge_has_unit=True, edge_goes_on=False)
