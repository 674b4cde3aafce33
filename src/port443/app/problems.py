"""Deviations of what runs from the settings, each with its severity and its subject."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from port443.app.prove import Proof
from port443.app.reconcile import RoundResult
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.reasons import (
    QuarantineCode,
)
from port443.core.contract.receipt import SitePending, SiteQuarantined, SiteRunning, SiteState
from port443.core.control.status import Problem, ServerStatus, Severity, Verdict
from port443.core.errors import Port443Error
from port443.core.plan.desired import Credential, DesiredSite
from port443.core.x509.facts import CertFacts

WARNED_BEFORE, URGENT_BEFORE = timedelta(days=14), timedelta(days=2)
WARNED_SHARE, URGENT_SHARE = 1 / 3, 1 / 10
"""A certificate ends soon by the rest of its lifetime, and never earlier than by the spans above."""
ALWAYS_URGENT = timedelta(hours=1)
PROOF_IS_OLD = timedelta(hours=3)
"""Ticket keys change every hour, and each round repeats all proofs: an older proof means that rounds fail."""
NAMED_AT_MOST = 5
CURRENT = "put a current certificate in place; one of the local CA is renewed by itself: see the log of serve"
RESTART_IS_NEWS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often the edge had to be restarted since this `serve` started."""

    count: int
    last_at: datetime | None


def verdict_of(problems: Sequence[Problem]) -> Verdict:
    """Return the gravest."""
    severities = {problem.severity for problem in problems}
    return "error" if "error" in severities else "warning" if severities else "good"


def edge_problems(
    identity: EdgeIdentity, running: str, version: str, restarts: Restarts, now: datetime
) -> Iterator[Problem]:
    """Yield the problems of the edge that answers."""
    if identity.running != running:
        cause = f"it runs {(identity.running or 'nothing')[:16]}, not {running[:16]}, which was applied"
        hint = "if this stays: look for other users of edge.sock, then port443 reload --wait"
        yield Problem("another_snapshot_runs", "error", None, "edge", cause, hint)
    if identity.version != version:
        cause = f"it is of version {identity.version}, and port443 of {version}"
        hint = "it serves on; for the new one: port443 stop, then start serve again"
        yield Problem("edge_version_differs", "warning", None, "edge", cause, hint)
    if not identity.boot_copy_in_memory:
        yield Problem(
            "runtime_not_in_memory",
            "warning",
            None,
            "runtime directory",
            "the edge's boot copy, which holds keys, lies on a disk",
            "name one on a tmpfs with --runtime, such as one in /dev/shm; `findmnt -t tmpfs` lists them",
        )
    if restarts.last_at and now - restarts.last_at < RESTART_IS_NEWS:
        times = "once" if restarts.count == 1 else f"{restarts.count} times"
        cause = f"it died and was restarted {times}, last at {text(restarts.last_at)}"
        yield Problem("edge_restarted", "warning", None, "edge", cause, "edge.log in the runtime directory")


def round_problems(round_: RoundResult, now: datetime) -> Iterator[Problem]:
    """Yield the problems of the last round."""
    if round_.store_fault:
        yield general_problem("store", round_.store_fault)
    for listener, state in sorted(round_.receipt.listeners.items()):
        if state != "listening":
            cause = "no client is accepted there"
            yield Problem(state, "error", None, listener, cause, "port443 reload --wait")
    for site in round_.desired.sites:
        yield from _site_problems(site, round_, now)
    yield from proof_problems(round_.proofs, now)


def _site_problems(site: DesiredSite, round_: RoundResult, now: datetime) -> Iterator[Problem]:
    needs, state = round_.needs[site.id], round_.receipt.sites.get(site.id)
    fault, locked = needs.fault, needs.client_roots == ()
    harmed = locked or _is_refused(state)
    severity: Severity = "error" if harmed else "warning"
    if fault:
        served = "" if harmed else f"; {_still_served(needs.credential, now)}"
        served = "; no client is accepted until then" if locked else served
        yield Problem(fault.code, severity, site.id, site.id, fault.message + served, fault.hint)
    if isinstance(state, SitePending) and not fault:
        waits = f": {needs.waits_for}" if needs.waits_for else ""
        cause = f"it has no certificate yet, and its names are refused until then{waits}"
        hint = "port443 status tells when it has one"
        yield Problem("certificate_pending", "warning", site.id, site.id, cause, hint)
    if isinstance(state, SiteQuarantined) and not (
        fault and state.code is QuarantineCode.CERTIFICATE_MISSING
    ):
        served = "" if state.serves is None else "; the last good version is still served"
        cause = f"{state.path}: {state.message}{served}"
        yield Problem(state.code, severity, site.id, site.id, cause, f"port443 explain {state.code}")
    if credential := needs.credential:
        chain = tuple(CertFacts.from_der(der) for der in credential.chain)
        yield from _date_problems(site.id, chain, now)
    for warning in needs.warnings:
        yield Problem("certificate_warned", "warning", site.id, site.id, warning, "")


def _is_refused(state: SiteState | None) -> bool:
    """Whether a site's names are refused; one that was left out altogether has no state."""
    match state:
        case SiteRunning():
            return False
        case SitePending() | None:
            return True
        case SiteQuarantined(serves=serves):
            return serves is None
        case kind:
            assert_never(kind)


def _still_served(credential: Credential | None, now: datetime) -> str:
    """Return what is served in place of what was refused: perhaps the very certificate that has ended."""
    leaf = CertFacts.from_der(credential.chain[0]) if credential else None
    if leaf and now > leaf.not_after:
        return f"the one that ended {text(leaf.not_after)} is still served"
    return "the last good certificate is still served"


def _date_problems(site: str, chain: tuple[CertFacts, ...], now: datetime) -> Iterator[Problem]:
    one = min(chain, key=lambda one: one.not_after)
    whole, left = one.not_after - one.not_before, one.not_after - now
    if left <= timedelta():
        cause = f"its certificate ended {text(one.not_after)}: clients refuse it"
        yield Problem("certificate_ended", "error", site, site, cause, CURRENT)
    elif left < max(ALWAYS_URGENT, min(URGENT_BEFORE, whole * URGENT_SHARE)):
        yield Problem("certificate_ends_soon", "error", site, site, _ends(one), CURRENT)
    elif left < min(WARNED_BEFORE, whole * WARNED_SHARE):
        yield Problem("certificate_ends_soon", "warning", site, site, _ends(one), CURRENT)
    if late := next((one for one in chain if one.not_before > now), None):
        cause = f"its certificate begins {text(late.not_before)}: clients refuse it until then"
        yield Problem("certificate_not_yet_valid", "error", site, site, cause, "check this machine's clock")


def _ends(one: CertFacts) -> str:
    return f"its certificate ends {text(one.not_after)}"


def proof_problems(proofs: Sequence[Proof], now: datetime) -> Iterator[Problem]:
    """Yield the proofs that differ, that are unknown, or that are stale."""
    for proof in proofs:
        about = f"{proof.name} on {proof.endpoint}"
        if proof.problem:
            hint = (
                CURRENT
                if proof.is_out_of_date
                else (f"see who else listens there: ss -ltnp 'sport = :{proof.endpoint.port}'")
            )
            yield Problem(proof.problem, "error", proof.site, about, proof.detail, hint)
        elif now - proof.at > PROOF_IS_OLD:
            cause = f"the last proof is of {text(proof.at)}, and one is due every hour"
            yield Problem("proof_stale", "warning", proof.site, about, cause, "port443 reload --wait")


def server_problems(sites: Sequence[DesiredSite], seen: Mapping[str, ServerStatus]) -> Iterator[Problem]:
    """Yield the sites with servers that accept no connection: some, or all of them."""
    for site in sites:
        servers = [seen[address] for upstream in site.upstreams if (address := str(upstream)) in seen]
        down = [server for server in servers if server.fault]
        if not down:
            continue
        of = f"{len(down)} of {len(servers)} servers" if len(servers) > 1 else "its server"
        causes = "; ".join(f"{server.address}: {server.fault}" for server in down[:3])
        all_down = len(down) == len(servers)
        cause = f"{of} {'takes' if len(down) == 1 else 'take'} no connection: {causes}"
        code, severity = ("all_servers_down", "error") if all_down else ("servers_down", "warning")
        yield Problem(code, severity, site.id, site.id, cause, "start it, or correct `to:` in the settings")  # type: ignore[arg-type]


def general_problem(about: str, error: Port443Error, severity: Severity = "error") -> Problem:
    """Return an error as a problem of the whole installation."""
    return Problem(error.code, severity, None, about, error.message, error.hint)


def some(names: Sequence[str]) -> str:
    """Return the first few names, and the number of the others."""
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more


def text(moment: datetime) -> str:
    """Format a time for people, with its zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
