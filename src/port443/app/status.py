"""The status document: what runs, and whether it is what was meant."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from port443.app.local_ca import jitter_of
from port443.app.problems import (
    Problem,
    Restarts,
    Verdict,
    edge_problems,
    round_problems,
    server_problems,
    some,
    told,
    verdict_of,
)
from port443.app.prove import Proof
from port443.app.prove import Verdict as ProofVerdict
from port443.app.reconcile import RoundResult
from port443.app.server_checks import ServerSeen
from port443.core.contract.stats import EdgeStats
from port443.core.errors import Port443Error
from port443.core.plan.desired import DesiredSite, HstsFixed, LocalIssuer, OwnCertificate
from port443.core.plan.hsts import HstsStep, header_of, next_step_due
from port443.core.renew.when import renew_at
from port443.core.x509.facts import CertFacts
from port443.ports import EdgeIdentity, LoneEdge


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
class EdgeStatus:
    """The edge that answers."""

    version: str
    contract: int
    boot: str
    """Another one after each start of the program."""
    pid: int
    workers: int
    epoch: int
    running: str | None
    """The hash of the snapshot that runs."""
    boot_copy_in_memory: bool
    adopted: bool
    """Whether this `port443 serve` found it running."""
    since: str
    restarts: int
    """How often this `port443 serve` had to restart it."""
    restarted_at: str | None
    """When it did so last."""


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """An address that the edge accepts connections on."""

    id: str
    state: Literal["listening", "waiting_for_sockets", "unknown"]
    """Unknown while no edge answers."""


CertificateSource = Literal["local CA", "own files"]


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What a site is meant to be served with."""

    source: CertificateSource
    subject: str
    issuer: str
    names: tuple[str, ...]
    key: str
    fingerprint: str
    """SHA-256 of the certificate."""
    not_before: str
    not_after: str
    seconds_left: int
    renews_at: str | None
    """Null when its owner renews it."""
    warnings: tuple[str, ...]
    """What is not wrong with it, but will be."""


@dataclass(frozen=True, slots=True)
class HstsStatus:
    """What browsers are told about plain HTTP."""

    origin: Literal["ladder", "settings"]
    max_age_s: int | None
    """Null when no header is sent."""
    include_subdomains: bool
    preload: bool
    step: int | None
    """Counted from 0; null when the site is not on the ladder."""
    since: str | None
    next_at: str | None
    """When the next step is taken at the earliest; null on the last one, and off the ladder."""


@dataclass(frozen=True, slots=True)
class ProofStatus:
    """What one handshake showed."""

    endpoint: str
    name: str
    verdict: ProofVerdict
    detail: str
    at: str


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site of the settings."""

    id: str
    names: tuple[str, ...]
    state: Literal["running", "last_good", "refused"]
    """Not running as meant, but as it did before; or its names are refused."""
    verdict: Verdict
    """The gravest of the problems that name this site; error as well while no edge answers."""
    upstreams: tuple[str, ...]
    servers: tuple[ServerSeen, ...]
    """Those of the servers that were asked for a connection just now."""
    tls: str
    certificate: CertificateStatus | None
    hsts: HstsStatus
    client_cas: tuple[str, ...]
    """The subjects of the CAs of which clients must show a certificate; none, and they are not asked."""
    proofs: tuple[ProofStatus, ...]


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """The last time that all was brought to what was wanted."""

    at: str
    running: str
    """The hash of the snapshot that the edge took."""
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last time that the settings were read again."""

    at: str
    ok: bool
    code: str | None
    message: str | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """What `port443 status --json` prints. Times are ISO 8601 in UTC."""

    schema: Literal["port443.status/1"]
    at: str
    verdict: Verdict
    """The gravest of all problems."""
    version: str
    pid: int | None
    """Null, as is what only it knows, when no `port443 serve` runs, but an edge goes on without it."""
    since: str | None
    settings: str | None
    state: str | None
    runtime: str
    edge: EdgeStatus | None
    """Null while the edge does not answer."""
    listeners: tuple[ListenerStatus, ...]
    sites: tuple[SiteStatus, ...]
    last_round: RoundStatus | None
    last_reload: ReloadStatus | None
    problems: tuple[Problem, ...]
    """Empty when everything is as it was meant to be."""
    stats: EdgeStats | None
    """The edge's counters since its boot."""


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """The edge at the moment of asking."""

    identity: EdgeIdentity
    adopted: bool
    restarts: Restarts
    stats: EdgeStats


@dataclass(frozen=True, slots=True)
class ServeSeen:
    """The control plane at the moment of asking."""

    now: datetime
    since: datetime
    facts: ServeFacts
    last_reload: ReloadStatus | None
    failure: Port443Error | None
    """Why the last attempt at a round came to nothing."""
    log_fault: Port443Error | None
    servers: Mapping[str, ServerSeen]
    """The servers behind the sites, by their address."""


def status_document(serve: ServeSeen, edge: EdgeSeen | Port443Error, round_: RoundResult) -> StatusDocument:
    """Describe what runs; `edge` may be the reason why it does not answer."""
    facts = serve.facts
    seen = None if isinstance(edge, Port443Error) else edge
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
            for id_, state in sorted(round_.receipt.listeners.items())
        ),
        sites=tuple(
            site if seen else _unseen(site)
            for site in (_site(site, round_, serve, problems) for site in round_.desired.sites)
        ),
        last_round=RoundStatus(_text(round_.at), round_.running, round_.changes),
        last_reload=serve.last_reload,
        problems=problems,
        stats=seen.stats if seen else None,
    )


def lone_document(lone: LoneEdge, version: str, runtime: str, now: datetime) -> StatusDocument:
    """Describe an edge that serves on although no `port443 serve` runs."""
    hint = "start port443 serve again: it takes this edge over; or end it: port443 stop"
    cause = (
        f"none runs; its edge goes on with {some(lone.sites) or 'no site'}, but nothing is renewed, "
        "reloaded or proved, and nobody restarts it"
    )
    problem = Problem("no_serve", "error", None, "port443 serve", cause, hint)
    seen = EdgeSeen(lone.identity, False, Restarts(0, None), lone.stats)  # noqa: FBT003 - adopted by nobody
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
        listeners=tuple(ListenerStatus(listener, "listening") for listener in lone.listeners),
        sites=(),
        last_round=None,
        last_reload=None,
        problems=(problem,),
        stats=lone.stats,
    )


def _problems(serve: ServeSeen, edge: EdgeSeen | Port443Error, round_: RoundResult) -> Iterator[Problem]:
    if isinstance(edge, Port443Error):
        yield told("edge", edge)
    else:
        version = serve.facts.version
        yield from edge_problems(edge.identity, round_.running, version, edge.restarts, serve.now)
    if serve.failure:
        yield told("last round", serve.failure)
    if serve.log_fault:
        yield told("log", serve.log_fault, "warning")
    reload = serve.last_reload
    if reload and not reload.ok:
        cause = f"{reload.message}; what ran before goes on"
        hint = "port443 reload --wait says it all"
        yield Problem(reload.code or "", "warning", None, "reload", cause, hint)
    yield from round_problems(round_, serve.now)
    yield from server_problems(round_.desired.sites, serve.servers)


def _edge(seen: EdgeSeen, now: datetime) -> EdgeStatus:
    return EdgeStatus(
        **dataclasses.asdict(seen.identity),
        adopted=seen.adopted,
        since=_text(now - timedelta(milliseconds=seen.stats.uptime_ms)),
        restarts=seen.restarts.count,
        restarted_at=_text(seen.restarts.last_at) if seen.restarts.last_at else None,
    )


def _site(
    site: DesiredSite, round_: RoundResult, serve: ServeSeen, problems: Sequence[Problem]
) -> SiteStatus:
    addresses = tuple(str(server) for server in site.upstreams)
    return SiteStatus(
        id=site.id,
        names=tuple(str(name) for name in site.names),
        state=_state(site, round_),
        verdict=verdict_of([problem for problem in problems if problem.site == site.id]),
        upstreams=addresses,
        servers=tuple(serve.servers[address] for address in addresses if address in serve.servers),
        tls=site.tls,
        certificate=_certificate(site, round_, serve.now),
        hsts=_hsts(site, round_),
        client_cas=_client_cas(site, round_),
        proofs=tuple(_proof(proof) for proof in round_.proofs if proof.site == site.id),
    )


def _unseen(site: SiteStatus) -> SiteStatus:
    """Return what is known of a site while no edge answers: what was proved before says nothing now."""
    detail = "no edge answers"
    proofs = tuple(dataclasses.replace(proof, verdict="unknown", detail=detail) for proof in site.proofs)
    return dataclasses.replace(site, verdict="error", proofs=proofs)


def _state(site: DesiredSite, round_: RoundResult) -> Literal["running", "last_good", "refused"]:
    state = round_.receipt.quarantined.get(site.id)
    if state is None:
        return "running" if site.id in round_.receipt.sites else "refused"
    return "last_good" if state.serves else "refused"


def _certificate(site: DesiredSite, round_: RoundResult, now: datetime) -> CertificateStatus | None:
    credential = round_.credentials.get(site.id)
    if credential is None:
        return None
    leaf = CertFacts.from_der(credential.chain[0])
    source: CertificateSource
    renews_at: str | None
    match site.certificate:
        case LocalIssuer():
            source, renews_at = "local CA", _text(renew_at(leaf, jitter_of(site.id)))
        case OwnCertificate():
            source, renews_at = "own files", None
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
        warnings=round_.warnings.get(site.id, ()),
    )


def _client_cas(site: DesiredSite, round_: RoundResult) -> tuple[str, ...]:
    return tuple(CertFacts.from_der(octets).subject for octets in round_.client_roots.get(site.id, ()))


def _hsts(site: DesiredSite, round_: RoundResult) -> HstsStatus:
    match site.hsts:
        case HstsFixed(max_age_s, include_subdomains, preload):
            return HstsStatus("settings", max_age_s, include_subdomains, preload, None, None, None)
        case "none":
            return HstsStatus("settings", None, False, False, None, None, None)  # noqa: FBT003 - the two flags
        case "ladder":
            # Where the clock is wrong, a site that is not known yet stands on the first step, undated.
            step = round_.hsts_steps.get(site.id) or HstsStep(0, round_.at)
            if header_of(site, step) is None:
                return HstsStatus("ladder", None, False, False, None, None, None)  # noqa: FBT003
            due = next_step_due(step)
            next_at = _text(due) if due else None
            return HstsStatus("ladder", step.max_age_s, False, False, step.step, _text(step.since), next_at)  # noqa: FBT003
        case kind:
            assert_never(kind)


def _proof(proof: Proof) -> ProofStatus:
    return ProofStatus(str(proof.endpoint), proof.name, proof.verdict, proof.detail, _text(proof.at))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
