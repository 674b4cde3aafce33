"""The status document: what runs, and whether it is what was meant."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from port443.app.converge import Converged
from port443.app.local_ca import jitter_of
from port443.app.prove import Proof, Verdict
from port443.core.errors import Port443Error
from port443.core.plan.desired import DesiredSite, HstsFixed, OwnCertificate
from port443.core.plan.receipt import ListenerState, QuarantineCode
from port443.core.plan.stats import EdgeStats
from port443.core.renew.when import renew_at
from port443.core.x509.facts import CertFacts
from port443.ports import EdgeIdentity


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


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """An address that the edge accepts connections on."""

    id: str
    state: ListenerState


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What a site is meant to be served with."""

    source: Literal["local CA", "own files"]
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


@dataclass(frozen=True, slots=True)
class ProofStatus:
    """What one handshake showed."""

    endpoint: str
    name: str
    verdict: Verdict
    detail: str
    at: str


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site of the settings."""

    id: str
    names: tuple[str, ...]
    state: Literal["running", "last_good", "refused"]
    """Not running as meant, but as it did before; or its names are refused."""
    upstreams: tuple[str, ...]
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
class Problem:
    """Something that is not as it was meant to be."""

    code: str
    about: str
    cause: str
    hint: str


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """What `port443 status --json` prints. Times are ISO 8601 in UTC."""

    schema: Literal["port443.status/1"]
    at: str
    version: str
    pid: int
    since: str
    settings: str
    state: str
    runtime: str
    edge: EdgeStatus | None
    """Null while the edge does not answer."""
    listeners: tuple[ListenerStatus, ...]
    sites: tuple[SiteStatus, ...]
    last_round: RoundStatus
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


def status_document(serve: ServeSeen, edge: EdgeSeen | Port443Error, round_: Converged) -> StatusDocument:
    """Describe what runs; `edge` may be the reason why it does not answer."""
    facts = serve.facts
    seen = None if isinstance(edge, Port443Error) else edge
    return StatusDocument(
        schema="port443.status/1",
        at=_text(serve.now),
        version=facts.version,
        pid=facts.pid,
        since=_text(serve.since),
        settings=facts.settings,
        state=facts.state,
        runtime=facts.runtime,
        edge=EdgeStatus(**dataclasses.asdict(seen.identity), adopted=seen.adopted) if seen else None,
        listeners=tuple(ListenerStatus(*listener) for listener in sorted(round_.receipt.listeners.items())),
        sites=tuple(_site(site, round_, serve.now) for site in round_.desired.sites),
        last_round=RoundStatus(_text(round_.at), round_.running, round_.changes),
        last_reload=serve.last_reload,
        problems=(*_edge_problems(edge, round_, facts), *_serve_problems(serve), *_round_problems(round_)),
        stats=seen.stats if seen else None,
    )


def _site(site: DesiredSite, round_: Converged, now: datetime) -> SiteStatus:
    return SiteStatus(
        id=site.id,
        names=tuple(str(name) for name in site.names),
        state=_state(site, round_),
        upstreams=tuple(f"{server.host}:{server.port}" for server in site.upstreams),
        tls=site.tls,
        certificate=_certificate(site, round_, now),
        hsts=_hsts(site, round_),
        client_cas=_client_cas(site, round_),
        proofs=tuple(_proof(proof) for proof in round_.proofs if proof.site == site.id),
    )


def _state(site: DesiredSite, round_: Converged) -> Literal["running", "last_good", "refused"]:
    state = round_.receipt.quarantined.get(site.id)
    if state is None:
        return "running"
    return "last_good" if state.serves else "refused"


def _certificate(site: DesiredSite, round_: Converged, now: datetime) -> CertificateStatus | None:
    credential = round_.credentials.get(site.id)
    if credential is None:
        return None
    leaf = CertFacts.from_der(credential.chain[0])
    own = isinstance(site.certificate, OwnCertificate)
    return CertificateStatus(
        source="own files" if own else "local CA",
        subject=leaf.subject,
        issuer=leaf.issuer,
        names=tuple(str(name) for name in leaf.names),
        key=str(leaf.key),
        fingerprint=str(leaf.fingerprint),
        not_before=_text(leaf.not_before),
        not_after=_text(leaf.not_after),
        seconds_left=max(0, int((leaf.not_after - now).total_seconds())),
        renews_at=None if own else _text(renew_at(leaf, jitter_of(site.id))),
        warnings=round_.warnings.get(site.id, ()),
    )


def _client_cas(site: DesiredSite, round_: Converged) -> tuple[str, ...]:
    return tuple(CertFacts.from_der(octets).subject for octets in round_.client_roots.get(site.id, ()))


def _hsts(site: DesiredSite, round_: Converged) -> HstsStatus:
    match site.hsts:
        case HstsFixed(max_age_s, include_subdomains, preload):
            return HstsStatus("settings", max_age_s, include_subdomains, preload, None, None)
        case "none":
            return HstsStatus("settings", None, False, False, None, None)  # noqa: FBT003 - the two flags
        case "ladder":
            step = round_.ladder[site.id]
            return HstsStatus("ladder", step.max_age_s, False, False, step.step, _text(step.since))  # noqa: FBT003


def _proof(proof: Proof) -> ProofStatus:
    return ProofStatus(str(proof.endpoint), proof.name, proof.verdict, proof.detail, _text(proof.at))


def _edge_problems(edge: EdgeSeen | Port443Error, round_: Converged, facts: ServeFacts) -> Iterator[Problem]:
    if isinstance(edge, Port443Error):
        yield _told("edge", edge)
        return
    identity = edge.identity
    if identity.running != round_.running:
        cause = f"it runs {(identity.running or 'nothing')[:16]}, and was told to run {round_.running[:16]}"
        hint = "if this stays: see who else speaks on edge.sock, then port443 reload --wait"
        yield Problem("another_snapshot_runs", "edge", cause, hint)
    if identity.version != facts.version:
        cause = f"it is of version {identity.version}, and port443 of {facts.version}"
        hint = "it serves on; for the new one: port443 stop, then start serve again"
        yield Problem("edge_version_differs", "edge", cause, hint)
    if not identity.boot_copy_in_memory:
        yield Problem(
            "runtime_not_in_memory",
            "runtime directory",
            "the edge's boot copy, which holds keys, lies on a disk",
            "give serve a --runtime directory on a tmpfs, such as /run/port443",
        )


def _serve_problems(serve: ServeSeen) -> Iterator[Problem]:
    if serve.failure:
        yield _told("last round", serve.failure)
    reload = serve.last_reload
    if reload and not reload.ok:
        hint = "port443 reload --wait says it all"
        yield Problem(reload.code or "", "reload", reload.message or "", hint)


def _round_problems(round_: Converged) -> Iterator[Problem]:
    if round_.store_fault:
        yield _told("store", round_.store_fault)
    for site, fault in round_.faults.items():
        yield _told(site, fault)
    for site, state in round_.receipt.quarantined.items():
        if state.code is QuarantineCode.CERTIFICATE_MISSING and site in round_.faults:
            continue  # the fault is why
        yield Problem(state.code, site, f"{state.path}: {state.message}", "")
    for listener, state_ in sorted(round_.receipt.listeners.items()):
        if state_ != "listening":
            yield Problem(state_, listener, "nobody accepts connections there", "port443 reload --wait")
    yield from proof_problems(round_.proofs)


def proof_problems(proofs: Sequence[Proof]) -> Iterator[Problem]:
    """Say where something else was served than meant, or nothing could be seen."""
    for proof in proofs:
        if proof.verdict != "same":
            code = "served_is_not_issued" if proof.verdict == "different" else "not_proved"
            hint = f"see who else listens there: ss -ltnp 'sport = :{proof.endpoint.port}'"
            yield Problem(code, f"{proof.name} on {proof.endpoint}", proof.detail, hint)


def _told(about: str, error: Port443Error) -> Problem:
    return Problem(error.code, about, error.message, error.hint)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
