"""Say in the log what happened, each thing once."""

import asyncio
import dataclasses
import logging
from typing import assert_never

from port443.app.log_throttle import PERIOD_S, LogThrottle
from port443.app.prove import Proof
from port443.app.reconcile import RoundResult
from port443.core.contract.events import (
    DrainEnded,
    DrainStarted,
    EarlyDataRejected,
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
from port443.core.contract.receipt import QuarantineCode
from port443.core.contract.upstream_causes import cause_of

GOOD_NEWS = frozenset({"certificate_issued", "certificate_loaded"})

log = logging.getLogger("port443")


def log_round(round_: RoundResult, before: RoundResult | None, *, anew: bool = True) -> None:
    """Log a round's news, and what is wrong now and was not wrong in the same way before.

    With `anew` False only the handshakes were made again: the rest has been told.
    """
    if anew:
        _log_changes(round_)
        _log_quarantine(round_, before)
    _log_proofs(round_.proofs, before.proofs if before else ())


def _log_changes(round_: RoundResult) -> None:
    for event in round_.events:
        level = logging.INFO if event.name in GOOD_NEWS else logging.WARNING
        log.log(level, event.name, extra={"site": event.site, "detail": event.detail})
    for change in round_.changes:
        log.info("changed", extra={"what": change})
    if fault := round_.store_fault:
        log.error("store_unusable", extra={"code": fault.code, "cause": fault.message})


def _log_quarantine(round_: RoundResult, before: RoundResult | None) -> None:
    """Tell which sites are put aside, with what is wrong with their files where that is why."""
    known = _aside(before) if before else {}
    for site, (code, cause) in _aside(round_).items():
        if known.get(site) != (code, cause):
            log.error("site_quarantined", extra={"site": site, "code": code, "cause": cause})


def _aside(round_: RoundResult) -> dict[str, tuple[str, str]]:
    found = {site: (str(state.code), state.message) for site, state in round_.receipt.quarantined.items()}
    for site, fault in round_.faults.items():
        state = round_.receipt.quarantined.get(site)
        if site not in round_.receipt.sites or (state and state.code is QuarantineCode.CERTIFICATE_MISSING):
            found[site] = fault.code, fault.message
    return found


def _log_proofs(proofs: tuple[Proof, ...], before: tuple[Proof, ...]) -> None:
    known = {proof.question: (proof.verdict, proof.detail) for proof in before}
    for proof in proofs:
        was = known.get(proof.question, ("same", ""))
        extra = {"site": proof.site, "endpoint": str(proof.endpoint), "server_name": proof.name}
        if proof.verdict == "same" and was[0] != "same":
            log.info("served_as_issued_again", extra=extra)
        elif proof.problem and was != (proof.verdict, proof.detail):
            log.error(proof.problem, extra={**extra, "cause": proof.detail})


class EdgeEventLog:
    """Logs what the edge tells, as far as an operator acts on it, and little of what strangers repeat."""

    def __init__(self) -> None:
        self._throttle = LogThrottle()

    def tell(self, event: Event) -> None:
        """Log an event with the time when it happened, or count it when too many of its kind come."""
        body = event.body
        match body:
            case EventsSuppressed():
                self._throttle.count((body.event, body.reason), body.count)
                return
            case HandshakeFailed() | TlsFailed() | UpstreamFailed():
                level, kind = logging.INFO, (event.name, str(body.reason))
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
                | EarlyDataRejected()
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

    async def summarise(self) -> None:
        """Say from time to time, and at last when this is cancelled, how much was left out."""
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                self._tell_suppressed()
        finally:
            self._tell_suppressed()

    def _tell_suppressed(self) -> None:
        for (name, reason), count in self._throttle.settle():
            log.info("lines_suppressed", extra={"of": name, "reason": reason, "count": count})


def _cause(body: EventBody) -> dict[str, str]:
    """Say in words what a reason means."""
    if isinstance(body, UpstreamFailed | UpstreamWentDown):
        return {"cause": cause_of(body.reason, body.server)}
    return {}
