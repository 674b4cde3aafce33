"""Say in the log what happened, each thing once."""

import dataclasses
import logging

from port443.app.converge import Converged
from port443.app.prove import Proof
from port443.core.plan.events import (
    Event,
    EventBody,
    EventsDropped,
    HandshakeFailed,
    UpstreamCameBack,
    UpstreamFailed,
    UpstreamWentDown,
)
from port443.core.plan.upstream_causes import cause_of

GOOD_NEWS = frozenset({"certificate_issued", "certificate_loaded"})

log = logging.getLogger("port443")


def tell(round_: Converged, before: Converged | None, *, anew: bool = True) -> None:
    """Log a round's news, and what is wrong now and was not wrong in the same way before.

    With `anew` False only the handshakes were made again: the rest has been told.
    """
    if anew:
        _tell_news(round_)
        _tell_quarantine(round_, before)
    _tell_proofs(round_.proofs, before.proofs if before else ())


def _tell_news(round_: Converged) -> None:
    for news in round_.news:
        level = logging.INFO if news.name in GOOD_NEWS else logging.WARNING
        log.log(level, news.name, extra={"site": news.site, "detail": news.detail})
    for change in round_.changes:
        log.info("changed", extra={"what": change})
    if fault := round_.store_fault:
        log.error("store_unusable", extra={"code": fault.code, "cause": fault.message})


def _tell_quarantine(round_: Converged, before: Converged | None) -> None:
    known = before.receipt.quarantined if before else {}
    for site, state in round_.receipt.quarantined.items():
        if known.get(site) != state:
            log.error("site_quarantined", extra={"site": site, "code": state.code, "cause": state.message})


def _tell_proofs(proofs: tuple[Proof, ...], before: tuple[Proof, ...]) -> None:
    known = {proof.question: (proof.verdict, proof.detail) for proof in before}
    for proof in proofs:
        was = known.get(proof.question, ("same", ""))
        extra = {"site": proof.site, "endpoint": str(proof.endpoint), "server_name": proof.name}
        if proof.verdict == "same" and was[0] != "same":
            log.info("served_as_issued_again", extra=extra)
        elif proof.verdict != "same" and was != (proof.verdict, proof.detail):
            event = "served_is_not_issued" if proof.verdict == "different" else "not_proved"
            log.error(event, extra={**extra, "cause": proof.detail})


def tell_event(event: Event) -> None:
    """Log what the edge tells, as far as an operator acts on it, with the time when it happened."""
    match event.body:
        case HandshakeFailed() | UpstreamFailed() | UpstreamCameBack():
            level = logging.INFO
        case UpstreamWentDown() | EventsDropped():
            level = logging.WARNING
        case _:
            return
    if log.isEnabledFor(level):
        extra = {**dataclasses.asdict(event.body), **_cause(event.body)}
        record = log.makeRecord(log.name, level, "", 0, event.name, (), None, extra=extra)
        record.created = event.at_ms / 1000
        log.handle(record)


def _cause(body: EventBody) -> dict[str, str]:
    """Say in words what a reason means."""
    if isinstance(body, UpstreamFailed | UpstreamWentDown):
        return {"cause": cause_of(body.reason, body.server)}
    return {}
