"""Report after the start of `serve` in a terminal: addresses, trust and grade."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import PurePath

from port443.app.demo import Step, certificate_step, grade_step, proof_step
from port443.app.problems import round_problems, some, verdict_of
from port443.app.problems import text as text_of
from port443.app.prove import Proof
from port443.app.reconcile import RoundResult
from port443.app.scan import Viewpoint, scan
from port443.core.contract.identity import EdgeIdentity
from port443.core.errors import Port443Error
from port443.core.grade.report import Report, ScanTarget
from port443.core.names import SiteName, parse_site_name
from port443.core.plan.desired import AcmeCertificate, DesiredSite, LocalIssuer
from port443.core.plan.hsts import HstsStep, next_step_due
from port443.core.plan.planner import HTTPS_PORT, public_port
from port443.ports import Dial

SHOWN_AT_MOST = 10
SHORT_HSTS = "P443-HTTP-002"


async def greet(
    round_: RoundResult, edge: EdgeIdentity, dial: Dial, view: Viewpoint, root: PurePath | None
) -> AsyncIterator[Step]:
    """Report what runs, line by line; scan and grade the first site with a good proof."""
    yield Step("edge", good=True, text=f"port443-edge {edge.version}, {edge.workers} workers, pid {edge.pid}")
    for site in round_.desired.sites[:SHOWN_AT_MOST]:
        if isinstance(site.certificate, AcmeCertificate):
            yield certificate_step(site, round_)
        yield _site(site, round_, view)
    if (more := len(round_.desired.sites) - SHOWN_AT_MOST) > 0:
        yield Step("serving", good=True, text=f"{more} more sites: port443 status --brief")
    yield proof_step(round_)
    if renewal := _first_renewal(round_):
        yield renewal
    proved = next((one for one in round_.proofs if one.verdict == "same" and "*" not in one.name), None)
    if proved:
        yield await _grade(proved, dial, view, round_.hsts_steps.get(proved.site))
    if root and any(isinstance(site.certificate, LocalIssuer) for site in round_.desired.sites):
        url = _url(round_.desired.sites[0].names[0], round_)
        yield Step("trust", good=True, text=f"curl --cacert {root} {url}   (browsers: port443 trust path)")


def _first_renewal(round_: RoundResult) -> Step | None:
    """Say which of the ordered certificates is renewed first, and when."""
    moments = [(need.renews_at, site) for site, need in round_.needs.items() if need.renews_at]
    if not moments:
        return None
    at, site = min(moments)
    return Step("renewal", good=True, text=f"{site} on {text_of(at)}   (port443 cert list)")


def _site(site: DesiredSite, round_: RoundResult, view: Viewpoint) -> Step:
    urls = some([_url(name, round_) for name in site.names])
    servers = some([f"http://{server}" for server in site.upstreams])
    problems = [one for one in round_problems(round_, view.now) if one.site == site.id]
    if verdict_of(problems) == "good":
        return Step("serving", good=True, text=f"{urls} → {servers}")
    return Step("serving", good=False, text=f"{urls}: {problems[0].cause}", hint=problems[0].hint)


def _url(name: SiteName, round_: RoundResult) -> str:
    port = public_port(round_.desired)
    host = f"[{name}]" if ":" in str(name) else str(name)
    return f"https://{host}/" if port == HTTPS_PORT else f"https://{host}:{port}/"


async def _grade(proved: Proof, dial: Dial, view: Viewpoint, step: HstsStep | None) -> Step:
    target = ScanTarget(parse_site_name(proved.name), proved.endpoint.port, connect=proved.endpoint)
    try:
        report = await scan(dial, target, view)
    except Port443Error as error:
        return Step("grade", good=False, text=f"{proved.name}: {error.message}", hint=error.hint)
    due = next_step_due(step) if step else None
    if due and [cap.rule for cap in report.grade.caps] == [SHORT_HSTS]:
        return _on_the_way(report, due)
    return grade_step(report)


def _on_the_way(report: Report, due: datetime) -> Step:
    """Report a grade that the HSTS rollout still limits, with the time of its next step."""
    step = grade_step(report)
    reason = report.grade.caps[0].reason
    text = step.text.removesuffix(reason) + f"HSTS starts short; its next step is due {text_of(due)}"
    return Step("grade", good=True, text=text, hint="port443 explain hsts")
