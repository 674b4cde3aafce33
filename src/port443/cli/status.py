"""Show what is served, and whether it matches the settings."""

import asyncio
import dataclasses
import difflib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.cli.exits import DONE, FINDINGS, UsageInvalid
from port443.cli.options import json_option, runtime_option
from port443.core.contract.stats import EdgeStats
from port443.core.control.status import EdgeStatus, HstsStatus, JobStatus, SiteStatus, StatusDocument
from port443.wiring import status_of

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
TONES: Final[dict[str, output.Tone]] = {"good": "good", "warning": "note", "error": "bad"}
STATES: Final = {
    "running": "",
    "pending": "  refused until its first certificate is there",
    "last_good": "  in its last good version",
    "refused": "  refused",
}
NAMED_AT_MOST = 5
"""Sites that the summary names."""


@click.command
@click.argument("site", required=False, metavar="[SITE]")
@click.option("--brief", is_flag=True, help="Print only problems, and the summary.")
@runtime_option()
@json_option()
def status(site: str | None, runtime: Path | None, *, brief: bool, as_json: bool) -> int:
    """Show what runs, and whether it matches the settings: of all sites, or of the one that is named.

    Ends with 0 when all is right (✓), and with 1 when something needs attention (!) or is wrong (✗).

    \b
    port443 status
    port443 status app.example.com
    port443 status --brief
    port443 status --json | jq .problems
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    document = asyncio.run(status_of(runtime))
    if site is not None:
        document = _of_site(document, site)
    if as_json:
        output.data_json(dataclasses.asdict(document))
    else:
        for line in _brief(document) if brief else _whole(document, only_site=site is not None):
            output.data(line)
    return DONE if document.verdict == "good" else FINDINGS


def _of_site(document: StatusDocument, wanted: str) -> StatusDocument:
    """Return the document with one site, its problems and its verdict."""
    if document.starting:
        return document
    by_name = {name: site for site in document.sites for name in (*site.names, site.id)}
    found = by_name.get(wanted.lower().removesuffix("."))
    if found is None:
        close = difflib.get_close_matches(wanted, list(by_name), n=1)
        hint = f"did you mean {close[0]}?" if close else "port443 status names all sites"
        raise UsageInvalid(f"no site has the name {wanted}", hint)
    sites = {found.id, None} if document.edge is None else {found.id}
    jobs = tuple(job for job in document.jobs if job.name.partition("/")[2] == found.id)
    problems = [problem for problem in document.problems if problem.site in sites]
    return dataclasses.replace(
        document, sites=(found,), jobs=jobs, problems=tuple(problems), verdict=found.verdict
    )


def _brief(document: StatusDocument) -> Iterator[str]:
    for site in document.sites:
        if site.verdict != "good":
            yield f"{_mark(site.verdict)} {site.id}"
            yield from _problems_of(document, site.id)
    yield from _problems_of(document, None)
    yield _summary(document)


def _whole(document: StatusDocument, *, only_site: bool) -> Iterator[str]:
    if not only_site:
        yield from _head(document)
    for site in document.sites:
        yield from _site_lines(site)
        yield from _problems_of(document, site.id)
    if document.stats and not only_site:
        yield from _counter_lines(document.stats)
    yield ""
    yield from _problems_of(document, None)
    yield _summary(document)


def _head(document: StatusDocument) -> Iterator[str]:
    if document.pid is None or document.since is None:
        yield "port443   does not run"
    else:
        yield f"port443   {document.version}, pid {document.pid}, since {_moment(document.since)}"
    if document.starting:
        yield f"starting  {document.starting}"
    if document.edge or not document.starting:
        yield from _edge_lines(document.edge)
    for what, place in (
        ("settings", document.settings),
        ("state", document.state),
        ("runtime", document.runtime),
    ):
        if place is not None:
            yield f"{what:<9} {place}"
    for listener in document.listeners:
        role, _, address = listener.id.partition(":")
        mark = output.mark("good" if listener.state == "listening" else "bad")
        yield f"{mark} {role:<8} {address}  {listener.state.replace('_', ' ')}"
    yield from _job_lines(document.jobs)
    yield ""


def _job_lines(jobs: Sequence[JobStatus]) -> Iterator[str]:
    """Write the jobs that run, or will be retried."""
    shown = [job for job in jobs if job.state == "running" or job.failures]
    for job in shown[:NAMED_AT_MOST]:
        if job.state == "running":
            yield f"job       {job.name}: {job.progress or 'begins'}"
        else:
            times = "once" if job.failures == 1 else f"{job.failures} times"
            again = f", again at {_moment(job.next_at)}" if job.next_at else ""
            yield f"job       {job.name}: failed {times}{again}"
    if (more := len(shown) - NAMED_AT_MOST) > 0:
        yield f"job       and {more} more: port443 status --json"


def _edge_lines(edge: EdgeStatus | None) -> Iterator[str]:
    if edge is None:
        yield "edge      does not answer"
        return
    taken = ", taken over" if edge.adopted else ""
    version = f"{edge.version}, pid {edge.pid}, since {_moment(edge.since)}"
    yield f"edge      {version}, {edge.workers} workers{taken}"
    if edge.restarts and edge.restarted_at:
        yield f"restarts  {edge.restarts}, the last at {_moment(edge.restarted_at)}"
    yield f"running   {edge.running}"


def _site_lines(site: SiteStatus) -> Iterator[str]:
    state = STATES[site.state]
    yield f"{_mark(site.verdict)} {output.paint(', '.join(site.names), 'strong')}{state}"
    yield f"    to           {', '.join(_servers(site))}"
    if certificate := site.certificate:
        renews = certificate.renews_at
        when = f", renews {_moment(renews)}" if renews else ", renewed by its owner"
        ends = f"ends {_moment(certificate.not_after)} ({_span(certificate.seconds_left)} left)"
        yield f"    certificate  {certificate.key}, {certificate.source}, {ends}{when}"
    if site.waits_for:
        yield f"    certificate  on order: {site.waits_for}"
    else:
        yield _served(site)
    yield f"    hsts         {_hsts(site.hsts)}"
    if site.client_cas:
        yield f"    clients      need a certificate of {', '.join(site.client_cas)}"


def _served(site: SiteStatus) -> str:
    proved = sum(proof.verdict == "same" for proof in site.proofs)
    made = "1 handshake" if len(site.proofs) == 1 else f"{len(site.proofs)} handshakes"
    if site.proofs and all(proof.verdict == "unknown" for proof in site.proofs):
        return f"    served       not known: {site.proofs[0].detail}"
    return f"    served       equals issued in {proved} of {made}"


def _servers(site: SiteStatus) -> Iterator[str]:
    """Mark each server by whether it accepts connections; one without a result in time has no mark."""
    faults = {server.address: server.fault for server in site.servers}
    for address in site.upstreams:
        mark = f"{output.mark('bad' if faults[address] else 'good')} " if address in faults else ""
        yield f"{mark}{address}"


def _hsts(hsts: HstsStatus) -> str:
    if hsts.max_age_s is None:
        return "none" if hsts.origin == "settings" else "none: never for localhost or an address"
    if hsts.origin == "settings":
        return f"max-age {_span(hsts.max_age_s)}, from the settings"
    following = f"the next from {_moment(hsts.next_at)}" if hsts.next_at else "the last"
    return f"max-age {_span(hsts.max_age_s)}, step {(hsts.step or 0) + 1} of the ladder, {following}"


def _counter_lines(stats: EdgeStats) -> Iterator[str]:
    shaken = sum(kind.count for kind in stats.handshakes)
    resumed = sum(kind.count for kind in stats.handshakes if kind.resumed)
    failed = stats.handshake_failures
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(failed.items()))
    answered = sum(row.count for row in stats.requests)
    challenges = sum(stats.acme_challenges.values())
    connections = stats.connections
    yield ""
    yield f"connections  {connections.accepted} accepted, {connections.open} open"
    yield f"handshakes   {shaken}, {resumed} resumed; failed: {reasons or 'none'}"
    yield f"requests     {answered}"
    if challenges:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(stats.acme_challenges.items()))
        yield f"challenges   {challenges} answered: {kinds}"
    yield f"memory       {stats.memory.resident_bytes / 2**20:.1f} MiB"


def _problems_of(document: StatusDocument, site: str | None) -> Iterator[str]:
    """Write the problems of a site below it, or the general ones."""
    indent = "" if site is None else "    "
    for problem in document.problems:
        if problem.site != site:
            continue
        about = "" if problem.about == site else f"{problem.about}: "
        yield f"{indent}{_mark(problem.severity)} {about}{problem.cause} ({problem.code})"
        if problem.hint:
            yield f"{indent}  {output.hint(problem.hint)}"


def _summary(document: StatusDocument) -> str:
    mark, sites = _mark(document.verdict), document.sites
    if document.verdict == "good":
        return f"{mark} {_count(len(sites), 'site')}: everything matches the settings"
    wrong = [site.id for site in sites if site.verdict == "error"]
    doubtful = [site.id for site in sites if site.verdict == "warning"]
    general = [problem for problem in document.problems if problem.site is None]
    parts = []
    if wrong:
        parts.append(f"{len(wrong)} of {_count(len(sites), 'site')} with errors: {_some(wrong)}")
    if doubtful:
        parts.append(f"{len(doubtful)} of {_count(len(sites), 'site')} with warnings: {_some(doubtful)}")
    if general:
        about = list(dict.fromkeys(problem.about for problem in general))
        parts.append(f"differs from the settings: {_some(about)}")
    return f"{mark} {'; '.join(parts)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _mark(verdict: str) -> str:
    return output.mark(TONES[verdict])


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _span(seconds: int) -> str:
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"
