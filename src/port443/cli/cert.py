"""See the sites' certificates, and have them ordered, renewed and revoked."""

import asyncio
import dataclasses
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.cli.exits import DONE, FINDINGS, REFUSED, UNDETERMINED
from port443.cli.options import json_option, runtime_option
from port443.core.control.certificates import (
    REVOCATION_WORDS,
    AttemptStatus,
    CertificateDocument,
    CertificateLine,
    CertificateOrdered,
    CertificatesDocument,
    PreflightDocument,
    RevocationWord,
)
from port443.wiring import ask_serve

MARKS: Final[dict[str, output.Tone]] = {
    "good": "good",
    "pending": "note",
    "failing": "note",
    "missing": "bad",
    "ended": "bad",
}

VERDICTS: Final[dict[str, output.Tone]] = {"good": "good", "warning": "note", "failed": "bad"}


@click.group
def cert() -> None:
    """See the sites' certificates, and have them ordered, renewed and revoked.

    \b
    port443 cert list
    port443 cert show app.example.com
    port443 cert renew app.example.com
    """  # noqa: D301 - \b is Click's mark for "keep these lines"


@cert.command("list")
@runtime_option()
@json_option()
def list_(runtime: Path | None, *, as_json: bool) -> int:
    """List all certificates, the one at the greatest risk first.

    Ends with 0 when all of them are good, else with 1.

    \b
    port443 cert list
    port443 cert list --json | jq '.certificates[0]'
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    document: CertificatesDocument = asyncio.run(ask_serve(runtime, lambda app: app.certificates()))
    if as_json:
        output.data_json(dataclasses.asdict(document))
    else:
        for line in document.certificates:
            for text in _line(line):
                output.data(text)
    return DONE if all(line.state == "good" for line in document.certificates) else FINDINGS


@cert.command
@click.argument("name")
@runtime_option()
@json_option()
def show(name: str, runtime: Path | None, *, as_json: bool) -> int:
    """Tell all that is known of one certificate: its order, what the CA said, where it is served.

    \b
    port443 cert show app.example.com
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    document: CertificateDocument = asyncio.run(ask_serve(runtime, lambda app: app.certificate(name)))
    if as_json:
        output.data_json(dataclasses.asdict(document))
    else:
        for text in _story(document):
            output.data(text)
    return DONE if document.line.state == "good" else FINDINGS


@cert.command
@click.argument("name")
@click.option("-n", "--dry-run", is_flag=True, help="Look at what an order depends on, and order nothing.")
@runtime_option()
@json_option()
def issue(name: str, runtime: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Order the certificate that a site lacks, at once: also while failed attempts make it wait.

    What is good already is left as it is. A dry run ends with 0 when nothing speaks against an order, else
    with 1; what cannot be seen from here is marked with ! and speaks against nothing.

    \b
    port443 cert issue --dry-run app.example.com
    port443 cert issue app.example.com
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    if dry_run:
        return _dry_run(name, runtime, as_json=as_json)
    return _order(name, runtime, anew=False, as_json=as_json)


@cert.command
@click.argument("name")
@runtime_option()
@json_option()
def renew(name: str, runtime: Path | None, *, as_json: bool) -> int:
    """Order another certificate with another key, although the one that is served is good.

    Rate limits of the CA hold: an order that would go beyond one is refused, with the time when it may go.

    \b
    port443 cert renew app.example.com
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    return _order(name, runtime, anew=True, as_json=as_json)


@cert.command
@click.argument("name")
@click.option(
    "--reason",
    type=click.Choice(REVOCATION_WORDS),
    default="superseded",
    show_default=True,
    help="What the CA publishes as the reason. With `cessation` no other certificate is ordered.",
)
@click.option("--yes", is_flag=True, help="Do not ask: it cannot be undone.")
@runtime_option()
@json_option()
def revoke(name: str, reason: RevocationWord, runtime: Path | None, *, yes: bool, as_json: bool) -> int:
    """Have a site's certificate revoked by its CA, after another one was ordered in its place.

    \b
    port443 cert revoke app.example.com --reason key-compromise --yes
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    if not yes:
        output.say(f"revoking the certificate of {name} cannot be undone")
        output.say(f"  {output.hint(f'port443 cert revoke {name} --reason {reason} --yes')}")
        return REFUSED
    revoked = asyncio.run(ask_serve(runtime, lambda app: app.revoke_certificate(name, reason)))
    if as_json:
        output.data_json(dataclasses.asdict(revoked))
        return DONE
    before = ", which was revoked already" if revoked.was_revoked_before else ""
    output.step("good", "revoked", f"{revoked.site}: serial {revoked.serial}{before}")
    if revoked.ordered:
        output.step("good", "cert", "another one was ordered before, and is served")
    else:
        output.step("bad", "cert", "no other one is there: clients that look for revocation refuse it")
        output.say(f"  {output.hint(f'port443 cert show {revoked.site}')}")
    return DONE


def _dry_run(name: str, runtime: Path | None, *, as_json: bool) -> int:
    seen: PreflightDocument = asyncio.run(ask_serve(runtime, lambda app: app.preflight(name)))
    if as_json:
        output.data_json(dataclasses.asdict(seen))
    else:
        for check in seen.checks:
            output.data(f"{output.mark(VERDICTS[check.verdict])} {check.about:<10} {check.text}")
            if check.hint:
                output.data(f"  {output.hint(check.hint)}")
    return FINDINGS if any(check.verdict == "failed" for check in seen.checks) else DONE


def _order(name: str, runtime: Path | None, *, anew: bool, as_json: bool) -> int:
    ordered: CertificateOrdered = asyncio.run(
        ask_serve(runtime, lambda app: app.order_certificate(name, anew=anew))
    )
    if as_json:
        output.data_json(dataclasses.asdict(ordered))
    elif ordered.code:
        again = f"; tried again {_moment(ordered.next_at)}" if ordered.next_at else ""
        output.step("bad", "cert", f"{ordered.message} ({ordered.code}){again}")
        if ordered.hint:
            output.say(f"  {output.hint(ordered.hint)}")
    elif ordered.issued:
        output.step("good", "cert", ordered.message)
    else:
        output.step("good", "cert", f"{ordered.message}: it is good, and nothing was ordered")
    return UNDETERMINED if ordered.code else DONE


def _line(line: CertificateLine) -> Iterator[str]:
    certificate = line.certificate
    ends = f"ends {_moment(certificate.not_after)} ({line.life_left_percent} % left)" if certificate else ""
    when = f" {_moment(line.next_at)}" if line.next_at else ""
    told = "  ".join(one for one in (line.origin, ends) if one)
    yield f"{output.mark(MARKS[line.state])} {line.site}  {line.state}  {told}  next: {line.next_step}{when}"
    if line.fault:
        times = f" ({line.failures} failed)" if line.failures else ""
        yield f"    {line.fault}{times}"


def _story(document: CertificateDocument) -> Iterator[str]:
    line, certificate, renewal = document.line, document.line.certificate, document.renewal
    yield from _line(line)
    yield f"    names        {', '.join(line.names)}"
    if certificate:
        yield f"    certificate  {certificate.key}, of {certificate.issuer}"
        yield f"    fingerprint  {certificate.fingerprint}"
        yield f"    valid        {_moment(certificate.not_before)} to {_moment(certificate.not_after)}"
    if renewal:
        yield f"    renewal      {_moment(renewal.at)} ({renewal.reason})"
        if renewal.window_start and renewal.window_end:
            why = f", see {renewal.explanation}" if renewal.explanation else ""
            window = f"{_moment(renewal.window_start)} to {_moment(renewal.window_end)}{why}"
            yield f"    CA suggests  {window}; asked again {_moment(renewal.next_poll or '')}"
    if document.order:
        since = _moment(document.order.since)
        yield f"    order        {document.order.url or 'not made yet'}, since {since}"
    for attempt in document.attempts:
        yield from _attempt(attempt)
    for proof in document.served:
        mark = output.mark("good" if proof.verdict == "same" else "bad")
        said = "served as issued" if proof.verdict == "same" else proof.detail
        yield f"    served       {mark} {proof.name} on {proof.endpoint}: {said} ({_moment(proof.at)})"


def _attempt(attempt: AttemptStatus) -> Iterator[str]:
    outcome = f"certificate {attempt.generation}" if attempt.code is None else f"{attempt.message}"
    mark = output.mark("good" if attempt.code is None else "bad")
    code = f" ({attempt.code})" if attempt.code else ""
    when = _moment(attempt.ended_at)
    yield f"    attempt      {mark} {when} {attempt.ca}, {attempt.reason}: {outcome}{code}"
    if attempt.code:
        yield f"                 at: {attempt.step}"
        if attempt.hint:
            yield f"                 {output.hint(attempt.hint)}"
    for name, text in sorted(attempt.facts.items()):
        if name != "names":
            yield f"                 {name}: {text}"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if text else "later"
