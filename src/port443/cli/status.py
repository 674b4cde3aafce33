"""Show what is being served, and whether it is right."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from port443.cli import output
from port443.cli.options import json_option, runtime_option
from port443.wiring import ask_serve

TIMEOUT_S = 30
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@click.command
@runtime_option()
@json_option()
def status(runtime: Path | None, *, as_json: bool) -> int:
    """Show what runs, and whether it is what was meant.

    Ends with 1 when something is not as it was meant to be.

    \b
    port443 status
    port443 status --json | jq .problems
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    document = asyncio.run(ask_serve(runtime, {"verb": "status"}, TIMEOUT_S))
    if as_json:
        output.data_json(document)
    else:
        for line in _lines(document):
            output.data(line)
    return 1 if document["problems"] else 0


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"port443   {document['version']}, pid {document['pid']}, since {_moment(document['since'])}"
    yield from _edge_lines(document["edge"])
    yield f"settings  {document['settings']}"
    yield f"state     {document['state']}"
    yield f"runtime   {document['runtime']}"
    for listener in document["listeners"]:
        role, _, address = listener["id"].partition(":")
        mark = output.mark("good" if listener["state"] == "listening" else "bad")
        yield f"{mark} {role:<8} {address}  {listener['state'].replace('_', ' ')}"
    yield ""
    for site in document["sites"]:
        yield from _site_lines(site)
    if document["stats"]:
        yield from _counter_lines(document["stats"])
    yield ""
    yield from _problem_lines(document["problems"])


def _edge_lines(edge: dict[str, Any] | None) -> Iterator[str]:
    if edge is None:
        yield "edge      does not answer"
        return
    taken = ", taken over" if edge["adopted"] else ""
    yield f"edge      {edge['version']}, pid {edge['pid']}, {edge['workers']} workers{taken}"
    yield f"running   {edge['running']}"


def _site_lines(site: dict[str, Any]) -> Iterator[str]:
    proved = [proof for proof in site["proofs"] if proof["verdict"] == "same"]
    whole = site["state"] == "running" and len(proved) == len(site["proofs"])
    yield f"{output.mark('good' if whole else 'bad')} {output.paint(', '.join(site['names']), 'strong')}"
    yield f"    to           {', '.join(site['upstreams'])}"
    if certificate := site["certificate"]:
        renews = certificate["renews_at"]
        when = f", renews {_moment(renews)}" if renews else ", renewed by its owner"
        ends = f"ends {_moment(certificate['not_after'])} ({_span(certificate['seconds_left'])} left)"
        yield f"    certificate  {certificate['key']}, {certificate['source']}, {ends}{when}"
        for warning in certificate["warnings"]:
            yield f"    {output.mark('note')} {warning}"
    yield f"    served       equals issued in {len(proved)} of {len(site['proofs'])} handshakes"
    yield f"    hsts         {_hsts(site['hsts'])}"
    if site["client_cas"]:
        yield f"    clients      need a certificate of {', '.join(site['client_cas'])}"


def _hsts(hsts: dict[str, Any]) -> str:
    if hsts["max_age_s"] is None:
        return "none"
    origin = f"step {hsts['step'] + 1} of the ladder" if hsts["origin"] == "ladder" else "from the settings"
    return f"max-age {_span(hsts['max_age_s'])}, {origin}"


def _counter_lines(stats: dict[str, Any]) -> Iterator[str]:
    shaken = sum(kind["count"] for kind in stats["handshakes"])
    resumed = sum(kind["count"] for kind in stats["handshakes"] if kind["resumed"])
    failed = stats["handshake_failures"]
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(failed.items()))
    answered = sum(row["count"] for row in stats["requests"])
    connections = stats["connections"]
    yield ""
    yield f"connections  {connections['accepted']} accepted, {connections['open']} open"
    yield f"handshakes   {shaken}, {resumed} resumed; failed: {reasons or 'none'}"
    yield f"requests     {answered}"
    yield f"memory       {stats['memory']['resident_bytes'] / 2**20:.1f} MiB"


def _problem_lines(problems: list[dict[str, str]]) -> Iterator[str]:
    if not problems:
        yield f"{output.mark('good')} everything is as it was meant to be"
    for problem in problems:
        yield f"{output.mark('bad')} {problem['about']}: {problem['cause']} ({problem['code']})"
        if problem["hint"]:
            yield f"  {output.paint('hint:', 'next')} {problem['hint']}"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")


def _span(seconds: int) -> str:
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"
