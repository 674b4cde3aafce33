"""What is known of sites' certificates: a line each, what happens next, and the whole story of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from port443.app.acme_issuer import Standing
from port443.app.need_jobs import certificate_job
from port443.app.reconcile import RoundResult
from port443.app.status import certificate_status, proof_status
from port443.core.acme.state import OpenOrder
from port443.core.control.certificates import (
    AttemptStatus,
    CertificateDocument,
    CertificateLine,
    CertificatesDocument,
    CertificateState,
    OrderStatus,
    RenewalStatus,
)
from port443.core.control.status import CertificateStatus, JobStatus
from port443.core.plan.desired import AcmeCertificate, DesiredSite, LocalIssuer, OwnCertificate, SiteNeeds
from port443.core.renew.records import Attempt
from port443.core.renew.when import RenewalReason
from port443.core.x509.facts import CertFacts

WHY: Mapping[RenewalReason, str] = {
    "policy": "its names, key, profile or issuer are others now",
    "renewal_information": "when its CA suggests",
    "share_of_life": "by its share of life",
    "end_of_life": "before its last twentieth of life",
}


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """What the store has of a site's orders; nothing of a site whose certificate is not ordered."""

    standing: Standing | None = None
    attempts: tuple[Attempt, ...] = ()
    order: OpenOrder | None = None


NO_HISTORY = OrderHistory()


@dataclass(frozen=True, slots=True)
class Seen:
    """What lines are made of."""

    now: datetime
    round: RoundResult
    jobs: Sequence[JobStatus]
    histories: Mapping[str, OrderHistory]
    """Those of each site whose certificate is ordered."""

    def job(self, site: str) -> JobStatus | None:
        """Return where the job stands that brings a site's certificate."""
        return next((job for job in self.jobs if job.name == certificate_job(site)), None)


def certificates_document(seen: Seen) -> CertificatesDocument:
    """Return a line for each site, the one at the greatest risk first."""
    lines = sorted((_line(site, seen) for site in seen.round.desired.sites), key=risk)
    return CertificatesDocument("port443.cert.list/1", _text(seen.now), tuple(lines))


def certificate_document(site: DesiredSite, seen: Seen) -> CertificateDocument:
    """Return the whole story of one site's certificate."""
    history = seen.histories.get(site.id, NO_HISTORY)
    standing, order = history.standing, history.order
    proofs = (proof for proof in seen.round.proofs if proof.site == site.id)
    return CertificateDocument(
        schema="port443.cert.show/1",
        at=_text(seen.now),
        line=_line(site, seen),
        renewal=_renewal(standing) if standing else None,
        order=OrderStatus(order.directory, _text(order.created_at), order.state.order_url) if order else None,
        attempts=tuple(map(_attempt, history.attempts)),
        job=seen.job(site.id),
        served=tuple(map(proof_status, proofs)),
    )


def _line(site: DesiredSite, seen: Seen) -> CertificateLine:
    needs, job = seen.round.needs[site.id], seen.job(site.id)
    standing = seen.histories.get(site.id, NO_HISTORY).standing
    certificate = certificate_status(site, needs, seen.now)
    next_step, next_at = _next(site, certificate, standing, job)
    fault = needs.fault.message if needs.fault else job.last_message if job and job.last_code else None
    return CertificateLine(
        site=site.id,
        names=tuple(map(str, site.names)),
        origin=_origin(site),
        state=_state(needs, certificate),
        certificate=certificate,
        life_left_percent=_life_left(needs, seen.now),
        failures=job.failures if job else 0,
        fault=fault,
        next_step=next_step,
        next_at=next_at,
    )


def risk(line: CertificateLine) -> tuple[int, float, str]:
    """Order by who is worst off: nothing served first, then the least life left; failures weigh on it."""
    rank = {"ended": 0, "missing": 0, "pending": 1, "failing": 2, "good": 3}[line.state]
    return rank, (line.life_left_percent or 0) / (1 + line.failures), line.site


def _state(needs: SiteNeeds, certificate: CertificateStatus | None) -> CertificateState:
    if certificate is None:
        return "missing" if needs.fault else "pending"
    if certificate.seconds_left == 0:
        return "ended"
    return "failing" if needs.fault else "good"


def _life_left(needs: SiteNeeds, now: datetime) -> int | None:
    if needs.credential is None:
        return None
    leaf = CertFacts.from_der(needs.credential.chain[0])
    whole = (leaf.not_after - leaf.not_before).total_seconds()
    left = (leaf.not_after - now).total_seconds()
    return int(100 * min(max(left / whole, 0.0), 1.0)) if whole > 0 else 0


def _next(
    site: DesiredSite,
    certificate: CertificateStatus | None,
    standing: Standing | None,
    job: JobStatus | None,
) -> tuple[str, str | None]:
    """Return what happens next, and when."""
    if job and job.state == "running":
        return job.progress or "its job begins", None
    if job and job.failures:
        return "tried again", job.next_at
    if standing:
        return f"renewed {WHY[standing.renewal.reason]}", _text(standing.renewal.at)
    match site.certificate:
        case LocalIssuer():
            return "renewed by the local CA", certificate.renews_at if certificate else None
        case OwnCertificate():
            return "replaced by its owner before it ends", certificate.not_after if certificate else None
        case AcmeCertificate():
            return "ordered", job.next_at if job else None
        case unknown:
            assert_never(unknown)


def _origin(site: DesiredSite) -> str:
    match site.certificate:
        case LocalIssuer():
            return "local CA"
        case OwnCertificate():
            return "own files"
        case AcmeCertificate(cas=cas):
            return ", ".join(ca.name for ca in cas)
        case unknown:
            assert_never(unknown)


def _renewal(standing: Standing) -> RenewalStatus:
    information = standing.information
    window = information.window if information else None
    return RenewalStatus(
        at=_text(standing.renewal.at),
        reason=standing.renewal.reason,
        window_start=_text(window.start) if window else None,
        window_end=_text(window.end) if window else None,
        explanation=window.explanation if window else None,
        next_poll=_text(information.next_poll) if information else None,
    )


def _attempt(attempt: Attempt) -> AttemptStatus:
    return AttemptStatus(
        ca=attempt.facts.get("ca", attempt.directory),
        directory=attempt.directory,
        started_at=_text(attempt.started_at),
        ended_at=_text(attempt.ended_at),
        reason=attempt.reason,
        step=attempt.step,
        code=attempt.code,
        message=attempt.message,
        hint=attempt.hint,
        generation=attempt.generation,
        facts={name: text for name, text in attempt.facts.items() if name not in ("ca", "verdict")},
    )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
