"""Make the status document: what runs, and whether it matches the settings."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from port443.app.alone import ending
from port443.app.problems import (
    Restarts,
    edge_problems,
    general_problem,
    round_problems,
    server_problems,
    some,
    verdict_of,
)
from port443.app.prove import Proof
from port443.app.reconcile import RoundResult
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.reasons import ListenerState
from port443.core.contract.receipt import SitePending, SiteQuarantined, SiteRunning
from port443.core.contract.stats import EdgeStats
from port443.core.control.status import (
    CertificateSource,
    CertificateStatus,
    EdgeStatus,
    HstsStatus,
    JobStatus,
    ListenerStatus,
    Problem,
    ProofStatus,
    ReloadStatus,
    RoundStatus,
    ServerStatus,
    SiteStatus,
    StatusDocument,
)
from port443.core.errors import Port443Error
from port443.core.plan.desired import (
    AcmeCertificate,
    DesiredSite,
    HstsFixed,
    LocalIssuer,
    OwnCertificate,
    SiteNeeds,
)
from port443.core.plan.hsts import HstsStep, header_of, next_step_due
from port443.core.renew.when import jitter_of, renew_at
from port443.core.x509.facts import CertFacts
from port443.ports import LoneEdge


@dataclass(frozen=True, slots=True)
class ServeFacts:
    """What does not change while `port443 serve` runs."""

    version: str
    pid: int
    settings: str
    """Where the settings come from: a path, or `command line`."""
    state: str
    runtime: str


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """The state of the edge when the status was requested."""

    identity: EdgeIdentity
    adopted: bool
    restarts: Restarts
    stats: EdgeStats


@dataclass(frozen=True, slots=True)
class ServeSeen:
    """The state of the control plane when the status was requested."""

    now: datetime
    since: datetime
    facts: ServeFacts
    starting: str | None
    """The progress of a start; None once the first round is complete."""
    last_reload: ReloadStatus | None
    failure: Port443Error | None
    """Why the last round failed."""
    log_fault: Port443Error | None
    servers: Mapping[str, ServerStatus]
    """The servers behind the sites, by their address."""
    jobs: tuple[JobStatus, ...]


def status_document(
    serve: ServeSeen, edge: EdgeSeen | Port443Error | None, round_: RoundResult | None
) -> StatusDocument:
    """Describe what runs; `edge` may be the reason why it does not answer.

    Without an edge or a round, there has been none yet.
    """
    facts = serve.facts
    seen = edge if isinstance(edge, EdgeSeen) else None
    problems = tuple(_problems(serve, edge, round_))
    return StatusDocument(
        schema="port443.status/1",
        at=_text(serve.now),
        verdict=verdict_of(problems),
        version=facts.version,
        pid=facts.pid,
        since=_text(serve.since),
        settings=facts.settings,
        state=facts.state,
        runtime=facts.runtime,
        edge=_edge(seen, serve.now) if seen else None,
        listeners=tuple(
            ListenerStatus(id_, state if seen else "unknown")
            for id_, state in (sorted(round_.receipt.listeners.items()) if round_ else ())
        ),
        starting=serve.starting,
        sites=tuple(_sites(round_, serve, problems, is_seen=seen is not None)) if round_ else (),
        jobs=serve.jobs,
        last_round=RoundStatus(_text(round_.at), round_.running, round_.changes) if round_ else None,
        last_reload=serve.last_reload,
        problems=problems,
        stats=seen.stats if seen else None,
    )


def lone_document(lone: LoneEdge, version: str, runtime: str, now: datetime) -> StatusDocument:
    """Describe an edge that serves on although no `port443 serve` runs."""
    hint = f"start port443 serve again: it takes this edge over; or end it: {ending(lone)}"
    cause = (
        f"none runs; its edge serves {some(lone.sites) or 'no site'}, but nothing is renewed, "
        "reloaded or proved, and it is not restarted"
    )
    problem = Problem("no_serve", "error", None, "port443 serve", cause, hint)
    seen = EdgeSeen(lone.identity, False, Restarts(0, None), lone.stats)  # noqa: FBT003 - not adopted
    return StatusDocument(
        schema="port443.status/1",
        at=_text(now),
        verdict="error",
        version=version,
        pid=None,
        since=None,
        settings=None,
        state=None,
        runtime=runtime,
        edge=_edge(seen, now),
        listeners=tuple(ListenerStatus(listener, ListenerState.LISTENING) for listener in lone.listeners),
        starting=None,
        sites=(),
        jobs=(),
        last_round=None,
        last_reload=None,
        problems=(problem,),
        stats=lone.stats,
    )


def _problems(
    serve: ServeSeen, edge: EdgeSeen | Port443Error | None, round_: RoundResult | None
) -> Iterator[Problem]:
    if serve.starting:
        hint = "try again later; or end it: port443 stop"
        yield Problem("starting", "warning", None, "port443 serve", f"starting: {serve.starting}", hint)
    if isinstance(edge, Port443Error):
        yield general_problem("edge", edge)
    elif edge and round_:
        version = serve.facts.version
        yield from edge_problems(edge.identity, round_.running, version, edge.restarts, serve.now)
    if serve.failure:
        yield general_problem("last round", serve.failure)
    if serve.log_fault:
        yield general_problem("log", serve.log_fault, "warning")
    reload = serve.last_reload
    if reload and not reload.ok:
        cause = f"{reload.message}; what ran before still runs"
        hint = "port443 reload --wait prints all of it"
        yield Problem(reload.code or "", "warning", None, "reload", cause, hint)
    if round_:
        yield from round_problems(round_, serve.now)
        yield from server_problems(round_.desired.sites, serve.servers)


def _edge(seen: EdgeSeen, now: datetime) -> EdgeStatus:
    identity = dataclasses.asdict(seen.identity)
    del identity["listeners"]  # the document has its own, with their states
    return EdgeStatus(
        **identity,
        adopted=seen.adopted,
        since=_text(now - timedelta(milliseconds=seen.stats.uptime_ms)),
        restarts=seen.restarts.count,
        restarted_at=_text(seen.restarts.last_at) if seen.restarts.last_at else None,
    )


def _sites(
    round_: RoundResult, serve: ServeSeen, problems: Sequence[Problem], *, is_seen: bool
) -> Iterator[SiteStatus]:
    by_site: dict[str | None, list[Problem]] = {}
    for problem in problems:
        by_site.setdefault(problem.site, []).append(problem)
    proofs: dict[str, list[Proof]] = {}
    for proof in round_.proofs:
        proofs.setdefault(proof.site, []).append(proof)
    for site in round_.desired.sites:
        shown = _site(site, round_, serve, by_site.get(site.id, []), proofs.get(site.id, []))
        yield shown if is_seen else _unseen(shown)


def _site(
    site: DesiredSite,
    round_: RoundResult,
    serve: ServeSeen,
    problems: Sequence[Problem],
    proofs: Sequence[Proof],
) -> SiteStatus:
    needs = round_.needs[site.id]
    addresses = tuple(str(server) for server in site.upstreams)
    return SiteStatus(
        id=site.id,
        names=tuple(str(name) for name in site.names),
        state=_state(site, round_),
        waits_for=round_.pending.get(site.id),
        verdict=verdict_of(problems),
        upstreams=addresses,
        servers=tuple(serve.servers[address] for address in addresses if address in serve.servers),
        tls=site.tls,
        certificate=certificate_status(site, needs, serve.now),
        hsts=_hsts(site, round_),
        client_cas=tuple(CertFacts.from_der(octets).subject for octets in needs.client_roots or ()),
        proofs=tuple(map(proof_status, proofs)),
    )


def _unseen(site: SiteStatus) -> SiteStatus:
    """Return what is known of a site while no edge answers: earlier proofs do not count."""
    detail = "no edge answers"
    proofs = tuple(dataclasses.replace(proof, verdict="unknown", detail=detail) for proof in site.proofs)
    return dataclasses.replace(site, verdict="error", proofs=proofs)


def _state(site: DesiredSite, round_: RoundResult) -> Literal["running", "pending", "last_good", "refused"]:
    match round_.receipt.sites.get(site.id):
        case SiteRunning():
            return "running"
        case SiteQuarantined(serves=serves):
            return "last_good" if serves else "refused"
        case SitePending():
            return "pending" if site.id in round_.pending else "refused"
        case None:
            return "refused"
        case state:
            assert_never(state)


def certificate_status(site: DesiredSite, needs: SiteNeeds, now: datetime) -> CertificateStatus | None:
    """Describe what a site is meant to be served with; None while there is nothing."""
    if needs.credential is None:
        return None
    leaf = CertFacts.from_der(needs.credential.chain[0])
    source: CertificateSource
    renews_at: str | None
    match site.certificate:
        case LocalIssuer():
            source, renews_at = "local CA", _text(renew_at(leaf, jitter_of(site.id)))
        case OwnCertificate():
            source, renews_at = "own files", None
        case AcmeCertificate():
            source, renews_at = "ACME CA", _text(needs.renews_at) if needs.renews_at else None
        case kind:
            assert_never(kind)
    return CertificateStatus(
        source=source,
        subject=leaf.subject,
        issuer=leaf.issuer,
        names=tuple(str(name) for name in leaf.names),
        key=str(leaf.key),
        fingerprint=str(leaf.fingerprint),
        not_before=_text(leaf.not_before),
        not_after=_text(leaf.not_after),
        seconds_left=max(0, int((leaf.not_after - now).total_seconds())),
        renews_at=renews_at,
        warnings=needs.warnings,
    )


def _hsts(site: DesiredSite, round_: RoundResult) -> HstsStatus:
    match site.hsts:
        case HstsFixed(max_age_s, include_subdomains, preload):
            return HstsStatus("settings", max_age_s, include_subdomains, preload, None, None, None)
        case "none":
            return HstsStatus("settings", None, False, False, None, None, None)  # noqa: FBT003 - the two flags
        case "ladder":
            # Where the clock is wrong, a site that is not known yet is on the first step, undated.
            step = round_.hsts_steps.get(site.id) or HstsStep(0, round_.at)
            if header_of(site, step) is None:
                return HstsStatus("ladder", None, False, False, None, None, None)  # noqa: FBT003
            due = next_step_due(step)
            next_at = _text(due) if due else None
            return HstsStatus("ladder", step.max_age_s, False, False, step.step, _text(step.since), next_at)  # noqa: FBT003
        case kind:
            assert_never(kind)


def proof_status(proof: Proof) -> ProofStatus:
    """Describe what one handshake showed."""
    return ProofStatus(str(proof.endpoint), proof.name, proof.verdict, proof.detail, _text(proof.at))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
