"""The log of events, of the control plane and of the edge."""

import dataclasses
import logging
from collections.abc import Iterator
from typing import Final, assert_never

from port443.app.log_throttle import LogThrottle
from port443.app.prove import Proof
from port443.app.reconcile import RoundResult
from port443.core.contract.events import (
    AcmeChallengeAnswered,
    DrainEnded,
    DrainStarted,
    EdgeStarted,
    Event,
    EventBody,
    EventsDropped,
    EventsSuppressed,
    HandshakeCompleted,
    HandshakeFailed,
    Http2CutOff,
    ListenerClosed,
    ListenerOpened,
    RequestRefused,
    SiteWasQuarantined,
    SnapshotApplied,
    TlsFailed,
    UpstreamCameBack,
    UpstreamFailed,
    UpstreamWentDown,
)
from port443.core.contract.reasons import (
    QuarantineCode,
)
from port443.core.contract.receipt import SitePending, SiteQuarantined
from port443.core.contract.upstream_causes import cause_of
from port443.core.control.events import (
    AppEvent,
    CertificatePending,
    ChallengeUnanswered,
    Level,
    ProofFailed,
    ProofRecovered,
    SiteDegraded,
    SnapshotChanged,
    StoreFailed,
)

LEVELS: Final[dict[Level, int]] = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log = logging.getLogger("port443")


def log_event(event: AppEvent) -> None:
    """Write one line of an event: its name, and its fields beside it."""
    facts = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    facts.pop("name", None)
    log.log(LEVELS[event.level], event.name, extra=facts)


def round_events(
    round_: RoundResult, before: RoundResult | None, *, is_new: bool = True
) -> Iterator[AppEvent]:
    """Yield the changes of a round, and the faults that the round before did not have.

    With `is_new` False only the proofs are new: the rest has been yielded before.
    """
    if is_new:
        yield from round_.events
        yield from map(SnapshotChanged, round_.changes)
        if fault := round_.store_fault:
            yield StoreFailed(fault.code, fault.message)
        yield from _pending_events(round_, before)
        yield from _degraded_events(round_, before)
    yield from _proof_events(round_.proofs, before.proofs if before else ())


def _pending_events(round_: RoundResult, before: RoundResult | None) -> Iterator[AppEvent]:
    """Yield the sites that wait for their first certificate, and the challenges that are not answered."""
    known = before.pending if before else {}
    for site, waits_for in round_.pending.items():
        if site not in known:
            yield CertificatePending(site, waits_for)
    for name, refused in round_.receipt.refused_challenges.items():
        if before is None or before.receipt.refused_challenges.get(name) != refused:
            yield ChallengeUnanswered(name, refused.code, f"{refused.path}: {refused.message}")


def _degraded_events(round_: RoundResult, before: RoundResult | None) -> Iterator[AppEvent]:
    """Yield the quarantined sites, with the fault of their files where that is the cause."""
    known = _degraded(before) if before else {}
    for site, (code, cause) in _degraded(round_).items():
        if known.get(site) != (code, cause):
            yield SiteDegraded(site, code, cause)


def _degraded(round_: RoundResult) -> dict[str, tuple[str, str]]:
    quarantined = round_.receipt.quarantined
    found = {site: (str(state.code), state.message) for site, state in quarantined.items()}
    for site, fault in round_.faults.items():
        match round_.receipt.sites.get(site):
            case None | SitePending() | SiteQuarantined(code=QuarantineCode.CERTIFICATE_MISSING):
                found[site] = fault.code, fault.message
            case _:
                pass
    return found


def _proof_events(proofs: tuple[Proof, ...], before: tuple[Proof, ...]) -> Iterator[AppEvent]:
    known = {proof.target: (proof.verdict, proof.detail) for proof in before}
    for proof in proofs:
        was = known.get(proof.target, ("same", ""))
        if proof.verdict == "same" and was[0] != "same":
            yield ProofRecovered(proof.site, str(proof.endpoint), proof.name)
        elif proof.problem and was != (proof.verdict, proof.detail):
            yield ProofFailed(proof.problem, proof.site, str(proof.endpoint), proof.name, proof.detail)


class EdgeEventLog:
    """Logs the edge's events that an operator acts on, and limits the rate of those that clients cause."""

    def __init__(self) -> None:
        self._throttle = LogThrottle()

    def record(self, event: Event) -> None:
        """Log an event with the time when it happened, or count it when too many of its kind come."""
        body = event.body
        match body:
            case EventsSuppressed():
                self._throttle.count((body.event, body.reason), body.count)
                return
            case HandshakeFailed() | TlsFailed() | UpstreamFailed():
                level, kind = logging.INFO, (event.name, str(body.reason))
            case AcmeChallengeAnswered():
                level, kind = logging.INFO, (event.name, str(body.kind))
            case UpstreamCameBack():
                level, kind = logging.INFO, (event.name, body.server)
            case UpstreamWentDown():
                level, kind = logging.WARNING, (event.name, body.server)
            case EventsDropped():
                level, kind = logging.WARNING, (event.name, "")
            case (
                EdgeStarted()
                | SnapshotApplied()
                | SiteWasQuarantined()
                | ListenerOpened()
                | ListenerClosed()
                | HandshakeCompleted()
                | RequestRefused()
                | Http2CutOff()
                | DrainStarted()
                | DrainEnded()
            ):
                return
            case other:
                assert_never(other)
        if log.isEnabledFor(level) and self._throttle.admits(kind):
            extra = {**dataclasses.asdict(body), **_cause(body)}
            record = log.makeRecord(log.name, level, "", 0, event.name, (), None, extra=extra)
            record.created = event.at_ms / 1000
            log.handle(record)

    def log_suppressed(self) -> int:
        """Log how many lines were suppressed in the last `PERIOD_S` seconds, and return of how many kinds."""
        kinds = 0
        for (name, reason), count in self._throttle.settle():
            log.info("lines_suppressed", extra={"of": name, "reason": reason, "count": count})
            kinds += 1
        return kinds


def _cause(body: EventBody) -> dict[str, str]:
    """Return a reason as a text for people."""
    if isinstance(body, UpstreamFailed | UpstreamWentDown):
        return {"cause": cause_of(body.reason, body.server)}
    return {}
