"""Scan one host from a client's point of view, and grade it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from port443.app.fetch import fetch
from port443.app.probe_runner import ProbeRunner
from port443.app.redirects import walk
from port443.app.survey import read_certificate, survey
from port443.core.errors import ScanError
from port443.core.grade.catalogue import RULES
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.hsts import WebFacts, read_web
from port443.core.grade.report import Report, ScanTarget, Unreachable
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint
from port443.core.probe.confirm import ControlProbe
from port443.core.probe.contact import Contact, first_contact
from port443.core.probe.facts import MAX_CHAINS, ServedChain, ServerFacts
from port443.core.probe.failures import (
    EveryHelloRefused,
    HandshakeFailed,
    HostSilent,
    ScanFaulted,
    ScanTimedOut,
    fault_in_words,
)
from port443.core.probe.http import HTTPAnswer, HTTPRequest
from port443.core.probe.sessions import Requests
from port443.core.x509.chain import ChainVerdict, explain_chain
from port443.core.x509.facts import CertFacts
from port443.core.x509.ocsp import Answer, judge_response
from port443.core.x509.path import TrustedRoots

if TYPE_CHECKING:
    from port443.ports import Dial

MAX_HOPS = 4
"""So many pages of a site are asked for, one redirect after the other."""
STRANGER = "https://port443-scan.invalid"
"""The origin of nobody (RFC 2606)."""
NOWHERE = "/.well-known/port443-probe"
"""Where no server has anything."""
GRACE_S = 2.0
"""How long after the time is over the probes may take to come to their ends."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to look."""

    patience_s: float = 5.0
    """For one connection. A server that has not answered in five seconds is not served by ten."""
    deadline_s: float = 60.0
    """For the whole host, in seconds; what was not probed by then stays unknown."""
    http_port: int = 80
    revocation: bool = False
    """Whether the CAs are asked, by OCSP or for their lists: they then know who is scanned."""
    light: bool = False
    """Whether versions, certificates and first choices are enough: a few connections, and no lists."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """The client's view: the trusted roots, and the time of the scan."""

    roots: TrustedRoots
    now: datetime
    roots_are_public: bool = True
    """Whether `roots` are the system's; else a file that the user gave."""
    rules_as_of: date | None = None
    """The day for which the rules are evaluated, if it is not that of `now`."""


DEFAULTS = ScanOptions()
Progress = Callable[[int], None]
"""Called with the number of connections so far, after each response."""


async def scan(
    dial: "Dial",
    target: ScanTarget,
    view: Viewpoint,
    options: ScanOptions = DEFAULTS,
    on_progress: Progress = lambda _: None,
) -> Report:
    """Scan one target. Raises a ScanError when the host cannot be scanned at all."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(options.deadline_s + GRACE_S):
            met = await _meet(dial, target, options, began + options.deadline_s, on_progress)
            server, web, requests = await _look(dial, met, target, options)
    except TimeoutError as error:
        raise ScanTimedOut(f"{target} was not done within {options.deadline_s:g} s") from error
    facts = _facts(target, view, server, web)
    if options.revocation:
        facts = replace(facts, chains=await _asked(dial, facts.chains, met.endpoint, view.now))
    judgement = judge(RULES, facts)
    return Report(
        target=target,
        endpoint=met.endpoint,
        others=met.others,
        unreached=met.unreached,
        started=view.now,
        took_s=loop.time() - began,
        connections=met.runner.connections + requests,
        facts=facts,
        judgement=judgement,
        grade=grade(judgement, facts, SSL_LABS_2009R),
    )


async def _endpoints(dial: "Dial", target: ScanTarget) -> tuple[Endpoint, ...]:
    return (target.connect,) if target.connect else await dial.resolve(target.host, target.port)


@dataclass(frozen=True, slots=True)
class _Met:
    """The address that answered, and its responses so far."""

    endpoint: Endpoint
    runner: ProbeRunner
    control: ControlProbe
    others: tuple[Endpoint, ...]
    unreached: tuple[Unreachable, ...]
    end: float
    """When, in the event loop's time, nothing is waited for any more."""


async def _meet(
    dial: "Dial", target: ScanTarget, options: ScanOptions, end: float, on_progress: Progress
) -> _Met:
    """Try the addresses until one accepts a connection; its response decides."""
    endpoints = await _endpoints(dial, target)
    unreached: list[Unreachable] = []
    for endpoint in endpoints:
        runner = ProbeRunner(dial, endpoint, target.name, patience_s=options.patience_s)
        runner.end_at(end)
        runner.on_response = lambda met=runner: on_progress(met.connections)  # type: ignore[misc]
        contact = await runner.run(first_contact(), Contact.broken)
        if contact.control is not None:
            seen = {endpoint, *(one.endpoint for one in unreached)}
            others = tuple(other for other in endpoints if other not in seen)
            return _Met(endpoint, runner, contact.control_probe(), others, tuple(unreached), end)
        if contact.unreached is None:
            place = str(target) if str(endpoint) == str(target) else f"{target} at {endpoint}"
            raise _no_way_in(place, contact)
        unreached.append(Unreachable(endpoint, contact.unreached))
    raise unreached[0].error


def _no_way_in(place: str, contact: Contact) -> ScanError:
    if not contact.speaks_tls:
        return HostSilent(f"{place} answers no TLS: {contact.silence}", contact.advice)
    tried = f"{len(contact.answers)} hellos (TLS 1.3 to {contact.oldest}; all suites and groups, and few)"
    refused = f"{place} speaks TLS, but takes none of {tried}: {contact.silence}"
    return EveryHelloRefused(refused, contact.advice)


async def _look(
    dial: "Dial", met: _Met, target: ScanTarget, options: ScanOptions
) -> tuple[ServerFacts, WebFacts, int]:
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(survey(met.runner, met.control, _requests(target), light=options.light))
        web = tasks.create_task(_web(dial, met, target, options))
    return server.result(), *web.result()


def _requests(target: ScanTarget) -> Requests:
    request = HTTPRequest(target.name, target.port, is_tls=True)
    return Requests(request.encode(), replace(request, path=NOWHERE, method="POST").encode())


async def _web(dial: "Dial", met: _Met, target: ScanTarget, options: ScanOptions) -> tuple[WebFacts, int]:
    """Ask both ports over HTTP, and say in how many requests."""
    secured = HTTPRequest(target.name, target.port, is_tls=True, wants_body=True)
    in_clear = HTTPRequest(target.name, options.http_port, is_tls=False)
    asked: list[HTTPRequest] = []

    async def get(request: HTTPRequest) -> HTTPAnswer | ScanError:
        asked.append(request)
        if request.is_tls:
            return await _get_secured(dial, met, request, options)
        plain = Endpoint(met.endpoint.address, request.port)
        return await _get(dial.get(plain, request, options.patience_s), met.end)

    async with asyncio.TaskGroup() as tasks:
        https = tasks.create_task(_get_hsts(get, secured))
        http = tasks.create_task(walk(get, in_clear, (target.port, options.http_port)))
        shared = tasks.create_task(get(replace(secured, origin=STRANGER, wants_body=False)))
    first, hops = http.result()
    web = read_web(target.name, https.result(), first, (target.port, options.http_port))
    return replace(web, hops=hops, shares_with_all=_shares(shared.result())), len(asked)


def _shares(answer: HTTPAnswer | ScanError) -> bool:
    """Whether a site lets a stranger's scripts read its pages in the name of the user (Fetch §3.2)."""
    if isinstance(answer, ScanError):
        return False
    allows = (answer.field("access-control-allow-credentials") or "").strip().lower() == "true"
    return allows and answer.field("access-control-allow-origin") == STRANGER


async def _get_hsts(
    get: Callable[[HTTPRequest], Awaitable[HTTPAnswer | ScanError]], request: HTTPRequest
) -> HTTPAnswer | ScanError:
    """Follow redirects on the same host until an answer asks for HSTS: a browser would note it there too."""
    answer = await get(request)
    for _ in range(1, MAX_HOPS):
        if isinstance(answer, ScanError) or answer.field("strict-transport-security") is not None:
            return answer
        following = request.follow(answer)
        if following is None:
            return answer
        request = following
        answer = await get(request)
    return answer


async def _get_secured(
    dial: "Dial", met: _Met, request: HTTPRequest, options: ScanOptions
) -> HTTPAnswer | ScanError:
    """Request over the system's TLS, and over a handshake of our own where that one fails."""
    answer = await _get(dial.get(met.endpoint, request, options.patience_s), met.end)
    query = met.control.query
    if not isinstance(answer, HandshakeFailed) or query is None or not query.offer.share_groups:
        return answer
    offer = replace(query.offer, alpn=("http/1.1",) if query.offer.alpn else ())
    met.runner.connections += 1
    again = await _get(fetch(dial, met.endpoint, request, offer, options.patience_s), met.end)
    return answer if isinstance(again, ScanError) else again


async def _get(answer: Awaitable[HTTPAnswer], end: float) -> HTTPAnswer | ScanError:
    try:
        async with asyncio.timeout_at(end):
            return await answer
    except TimeoutError:
        return ScanTimedOut("the time for this host was over")
    except ScanError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the response of a web server must not end the scan
        return ScanFaulted(fault_in_words(error))


async def _asked(
    dial: "Dial", chains: tuple[JudgedChain, ...], place: Endpoint, now: datetime
) -> tuple[JudgedChain, ...]:
    """Ask the CA of each chain whether its leaf is revoked."""
    from port443.app.revocation import ask_revocation  # noqa: PLC0415 - for those who ask for it

    return tuple([replace(one, asked=await ask_revocation(dial, one.verdict, place, now)) for one in chains])


def _staple(served: ServedChain, verdict: ChainVerdict, view: Viewpoint) -> Answer | None:
    if served.staple is None:
        return None
    issuer = verdict.path[1] if len(verdict.path) > 1 else None
    return judge_response(served.staple, verdict.sent[0], issuer, view.now)


def _facts(target: ScanTarget, view: Viewpoint, server: ServerFacts, web: WebFacts) -> ScanFacts:
    chains = []
    unreadable = (
        f"more than {MAX_CHAINS} chains were seen, not all were judged" if server.more_chains else None
    )
    for served in server.chains:
        judged = _judged(served, view)
        if isinstance(judged, str):
            unreadable = judged
        else:
            chains.append(judged)
    return ScanFacts(
        name=target.name,
        port=target.port,
        now=view.now,
        server=server,
        chains=tuple(chains),
        unreadable_chain=unreadable,
        web=web,
        roots_are_public=view.roots_are_public,
        rules_as_of=view.rules_as_of,
    )


def _judged(served: ServedChain, view: Viewpoint) -> JudgedChain | str:
    """Explain a chain, or return why it cannot be read."""
    sent = [read_certificate(der) for der in served.certificates]
    if unreadable := [one for one in sent if isinstance(one, str)]:
        return unreadable[0]
    try:
        facts = [one for one in sent if isinstance(one, CertFacts)]
        verdict = explain_chain(facts, view.roots, view.now)
        return JudgedChain(served, verdict, _staple(served, verdict, view))
    except Exception as error:  # noqa: BLE001 - one chain must not end the scan
        return fault_in_words(error)
