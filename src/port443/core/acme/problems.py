"""Problem documents of a CA (RFC 8555 §6.7), as one error: a sentence with the cause, and the next step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from port443.core.acme.errors import (
    AccountRefused,
    AcmeError,
    AnswerWrong,
    CAAForbids,
    CABusy,
    CALimited,
    DNSFailed,
    NameRefused,
    OrderRefused,
    Problem,
    RevocationRefused,
    ServerUnreachable,
    Subproblem,
)

PREFIX = "urn:ietf:params:acme:error:"
MAX_TEXT = 4096
MAX_SUBPROBLEMS = 200
SAID_AT_MOST = 3
"""Sub-problems that the sentence names; all of them stand in the facts."""
SENTENCE = 400


@dataclass(frozen=True, slots=True)
class _Row:
    """What is said about one type of problem."""

    error: type[AcmeError]
    cause: str
    next_step: str


WAIT = "it is tried again by itself"
LOOK_AT_DNS = "look at the name's A, AAAA and DNSSEC records at every one of its name servers"
UPDATE = "this is a defect of port443 or of the CA: report it with the message"
ROWS: dict[str, _Row] = {
    "accountDoesNotExist": _Row(
        AccountRefused, "it does not know the account", "the next attempt registers another account"
    ),
    "alreadyReplaced": _Row(
        OrderRefused, "the certificate has been replaced already", "order without naming what is replaced"
    ),
    "alreadyRevoked": _Row(
        RevocationRefused, "the certificate is revoked already", "nothing is left to be done"
    ),
    "badCSR": _Row(OrderRefused, "it does not accept the certificate request", UPDATE),
    "badNonce": _Row(CABusy, "it refused every nonce that it had given", WAIT),
    "badPublicKey": _Row(OrderRefused, "it does not accept the key", "use a key of another type or size"),
    "badRevocationReason": _Row(
        RevocationRefused, "it does not accept the reason", "revoke with another reason, or with none"
    ),
    "badSignatureAlgorithm": _Row(
        AccountRefused, "it does not accept this kind of account key", "use an account key of P-256 or RSA"
    ),
    "caa": _Row(
        CAAForbids,
        "a CAA record forbids it",
        "add a CAA record that names this CA, or remove the one that forbids it",
    ),
    "conflict": _Row(OrderRefused, "it conflicts with another order", WAIT),
    "connection": _Row(
        ServerUnreachable,
        "it could not connect to this server",
        "open ports 80 and 443 to the world, and lead every A and AAAA record here",
    ),
    "dns": _Row(DNSFailed, "it could not look the name up", LOOK_AT_DNS),
    "externalAccountRequired": _Row(
        AccountRefused,
        "it takes accounts only with an external account binding",
        "get a key id and a MAC key from the CA and set them as `eab` at the issuer",
    ),
    "incorrectResponse": _Row(
        AnswerWrong,
        "it got another answer to the challenge than ours",
        "lead every address of the name here, past any proxy that answers for itself",
    ),
    "invalidContact": _Row(
        AccountRefused, "it does not accept the e-mail address", "correct `email` at the issuer"
    ),
    "invalidProfile": _Row(
        OrderRefused, "it does not offer the profile", "name a profile that the CA offers, or none"
    ),
    "malformed": _Row(OrderRefused, "it does not understand the request", UPDATE),
    "orderNotReady": _Row(OrderRefused, "the order is not ready to be finalised", WAIT),
    "rateLimited": _Row(
        CALimited, "its rate limit is reached", "wait; the next attempt is made when the CA allows it"
    ),
    "rejectedIdentifier": _Row(
        NameRefused, "it does not certify the name", "look for a typing error, or use `issuer: local`"
    ),
    "serverInternal": _Row(CABusy, "it had an internal error", WAIT),
    "tls": _Row(
        AnswerWrong,
        "its TLS handshake with this server failed",
        "lead every address of the name here, past any proxy that ends TLS",
    ),
    "unauthorized": _Row(
        AccountRefused, "the account may not do this", "look at whether the account is active at the CA"
    ),
    "unsupportedContact": _Row(
        AccountRefused, "it does not accept this kind of contact", "correct `email` at the issuer"
    ),
    "unsupportedIdentifier": _Row(
        OrderRefused, "it does not certify names of this kind", "use a CA that does"
    ),
    "userActionRequired": _Row(
        AccountRefused, "it wants its terms agreed to", "read the page that the CA names, and agree to it"
    ),
}
AT_A_CHALLENGE = {
    "unauthorized": ROWS["incorrectResponse"],
    "serverInternal": ROWS["serverInternal"],
    "malformed": ROWS["incorrectResponse"],
}
"""Types that mean something else where a validation failed."""
UNKNOWN = _Row(OrderRefused, "it refused", "the CA's words are the reason; look at its documentation")
BUSY = _Row(CABusy, "it cannot work just now", WAIT)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known about a refusal beside the problem document itself."""

    ca: str
    """Its host, for the message."""
    doing: str
    """What was refused: `a new order`, …"""
    retry_at: datetime | None = None
    names: tuple[str, ...] = ()
    challenge: str | None = None


def read_problem(value: Any, status: int) -> Problem:
    """Read a problem document; whatever it holds, this says as much as can be understood of it."""
    if not isinstance(value, dict):
        return Problem("", "", status)
    found = value.get("subproblems")
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return Problem(
        _type(value),
        clean(value.get("detail") or value.get("title")),
        status,
        clean(value.get("instance")) or None,
        tuple(
            Subproblem(_type(one), clean(one.get("detail")), _name(one)) for one in listed[:MAX_SUBPROBLEMS]
        ),
    )


def error_for(problem: Problem, at: Circumstances) -> AcmeError:
    """Turn a problem into one error: a sentence with the cause, the next step, and all that is known."""
    row = _row(problem, at)
    when = f"; not before {at.retry_at:%Y-%m-%d %H:%M:%S} UTC" if at.retry_at else ""
    said = "; ".join(_said(problem))
    cause = f"{row.cause}: {said}" if said else row.cause
    about = f" for {', '.join(at.names[:SAID_AT_MOST])}" if at.names else ""
    step = f"{row.next_step} ({problem.instance})" if problem.instance else row.next_step
    error = row.error(f"{at.ca} refused {at.doing}{about}: {cause}"[:MAX_TEXT] + when, step)
    error.problem, error.retry_at, error.challenge = problem, at.retry_at, at.challenge
    named = (one.name for one in problem.subproblems if one.name)
    error.names = tuple(dict.fromkeys((*at.names, *named)))
    return error


def clean(value: object) -> str:
    """Return a CA's text for people: bounded, on one line, without what a terminal would obey."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(char if char.isprintable() else " " for char in value[:MAX_TEXT]).split())


def _row(problem: Problem, at: Circumstances) -> _Row:
    """Return what is said; a problem of one kind in all its parts is of that kind (RFC 8555 §6.7.1)."""
    types = {one.type for one in problem.subproblems}
    kind = problem.type
    if kind in {"compound", "malformed", "rejectedIdentifier", "unauthorized", ""} and len(types) == 1:
        kind = types.pop() or kind
    if at.challenge and (row := AT_A_CHALLENGE.get(kind)):
        return row
    if problem.status == 429:
        return ROWS["rateLimited"]
    return ROWS.get(kind) or (BUSY if problem.status >= 500 else UNKNOWN)


def _said(problem: Problem) -> Iterator[str]:
    """Yield the CA's own words: of the parts, where there are any, else of the whole."""
    parts = [one for one in problem.subproblems if one.detail]
    if not parts:
        if problem.detail or problem.type:
            yield problem.detail[:SENTENCE] or problem.type
        elif problem.status:
            yield f"status {problem.status}"
        return
    for one in parts[:SAID_AT_MOST]:
        yield f"{one.name}: {one.detail[:SENTENCE]}" if one.name else one.detail[:SENTENCE]
    if len(parts) > SAID_AT_MOST:
        yield f"and {len(parts) - SAID_AT_MOST} more"


def _type(value: dict[str, Any]) -> str:
    return clean(value.get("type")).removeprefix(PREFIX).removeprefix("about:blank")


def _name(value: dict[str, Any]) -> str | None:
    identifier = value.get("identifier")
    return (clean(identifier.get("value")) or None) if isinstance(identifier, dict) else None
