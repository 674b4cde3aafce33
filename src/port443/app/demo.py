"""The demo: start the product on sample servers, scan it, and report the grade."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from port443.app.handshake import handshake
from port443.app.reconcile import RoundResult
from port443.app.scan import ScanOptions, Viewpoint, scan
from port443.core.contract.identity import EdgeIdentity
from port443.core.errors import CertificateError, Port443Error
from port443.core.grade.baseline import Letter
from port443.core.grade.report import Report, ScanTarget
from port443.core.names import Endpoint, HostName
from port443.core.plan.desired import DesiredSite, LocalIssuer
from port443.core.probe.http import HTTPRequest
from port443.core.x509.facts import CertFacts
from port443.ports import Dial

NAME = HostName("demo.localhost")
TIMEOUT_S = 5.0
SETTINGS = """\
# What `port443 demo` serves. `port443 serve FILE` does the same.
listen:
  https: [{https}]
  http: [{http}]
sites:
  {name}:
    to: [{upstreams}]
    aliases: [{aliases}]
{issuer}    # Without this line HSTS would start at five minutes.
    hsts: {{max_age: 1y}}
"""

ISSUERS = """\
issuers:
  - {{name: demo, directory: "{directory}", trust: "{trust}", agree_tos: true}}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the demo: a step and its result."""

    label: str
    good: bool
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DemoCA:
    """A CA that the demo's certificate is ordered from."""

    directory: str
    trust: PurePath
    """A file with the roots of its own HTTPS."""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where the demo serves."""

    addresses: tuple[str, ...]
    https_port: int
    http_port: int

    @property
    def https(self) -> Endpoint:
        return Endpoint(self.addresses[0], self.https_port)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.https_port}/"


def demo_settings(place: DemoPlace, upstreams: Sequence[str], ca: DemoCA | None = None) -> str:
    """Return the demo's settings file; with a CA, its certificate is ordered there."""
    names = ("localhost", *place.addresses) if ca is None else ()
    issuers = "" if ca is None else ISSUERS.format(directory=ca.directory, trust=ca.trust)
    return issuers + SETTINGS.format(
        https=", ".join(f'"{Endpoint(address, place.https_port)}"' for address in place.addresses),
        http=", ".join(f'"{Endpoint(address, place.http_port)}"' for address in place.addresses),
        name=NAME,
        upstreams=", ".join(upstreams),
        aliases=", ".join(f'"{name}"' for name in names),
        issuer="    issuer: demo\n" if ca else "",
    )


async def demo_steps(
    round_: RoundResult, edge: EdgeIdentity, place: DemoPlace, dial: Dial, view: Viewpoint
) -> AsyncIterator[Step]:
    """Run the steps; each yields its actual result."""
    yield Step("edge", good=True, text=f"port443-edge {edge.version}, {edge.workers} workers")
    yield await _backends(round_, dial)
    yield certificate_step(round_.desired.sites[0], round_)
    try:
        target = ScanTarget(NAME, place.https_port, connect=place.https)
        report = await scan(dial, target, view, ScanOptions(http_port=place.http_port))
    except Port443Error as error:
        yield Step("serving", good=False, text=error.message, hint=error.hint)
        return
    yield await _serving(report, place, dial)
    yield _redirect(report, place)
    yield proof_step(round_)
    yield grade_step(report)


async def _backends(round_: RoundResult, dial: Dial) -> Step:
    servers = round_.desired.sites[0].upstreams
    for server in servers:
        endpoint = Endpoint(server.host, server.port)
        try:
            answer = await dial.get(endpoint, HTTPRequest(NAME, server.port, is_tls=False), TIMEOUT_S)
        except Port443Error as error:
            return Step("backends", good=False, text=f"{endpoint}: {error.message}", hint=error.hint)
        if answer.status != 200:
            return Step("backends", good=False, text=f"{endpoint} answered {answer.status}")
    return Step("backends", good=True, text=f"{len(servers)} sample servers")


def certificate_step(site: DesiredSite, round_: RoundResult) -> Step:
    """Say which certificate a site has, and who signed it; or why there is none."""
    needs = round_.needs[site.id]
    if needs.fault or needs.credential is None:
        fault = needs.fault or CertificateError("there is no certificate yet", "see port443 status")
        return Step("cert", good=False, text=fault.message, hint=fault.hint)
    leaf = CertFacts.from_der(needs.credential.chain[0])
    names = ", ".join(str(name) for name in site.names)
    signer = "local CA" if isinstance(site.certificate, LocalIssuer) else leaf.issuer
    return Step("cert", good=True, text=f"{names}   {leaf.key}   {signer}   ends {leaf.not_after:%Y-%m-%d}")


async def _serving(report: Report, place: DemoPlace, dial: Dial) -> Step:
    versions = [facts.version for facts in report.facts.server.versions if facts.offered.is_yes]
    shown = " ".join(version.label.removeprefix("TLS ") for version in sorted(versions, reverse=True))
    try:
        negotiated = (await handshake(dial, place.https, NAME.text)).alpn
        answer = await dial.get(place.https, HTTPRequest(NAME, place.https_port, is_tls=True), TIMEOUT_S)
    except Port443Error as error:
        return Step("serving", good=False, text=f"{place.url}: {error.message}", hint=error.hint)
    if answer.status != 200:
        hint = "the sample servers answer 200: look at the log of the edge"
        return Step("serving", good=False, text=f"{place.url} answered {answer.status}", hint=hint)
    # The request used HTTP/1.1; a client that offers both negotiates the other protocol.
    protocols = " ".join(dict.fromkeys([negotiated or "http/1.1", "http/1.1"]))
    return Step("serving", good=True, text=f"{place.url.rstrip('/')}   TLS {shown}   {protocols}")


def _redirect(report: Report, place: DemoPlace) -> Step:
    web = report.facts.web
    address = f"http://{NAME}:{place.http_port}"
    if web.redirect.is_yes and web.location:
        return Step("redirect", good=True, text=f"{address} → {web.location}")
    return Step(
        "redirect", good=False, text=f"{address}: {web.redirect}", hint="port443 explain P443-HTTP-004"
    )


def proof_step(round_: RoundResult) -> Step:
    """Report whether every handshake matched."""
    wrong = [proof for proof in round_.proofs if proof.verdict != "same"]
    if wrong or not round_.proofs:
        cause = (
            f"{wrong[0].name} on {wrong[0].endpoint}: {wrong[0].detail}" if wrong else "nothing was proved"
        )
        return Step("proof", good=False, text=cause, hint="see port443 status")
    endpoints = dict.fromkeys(str(proof.endpoint) for proof in round_.proofs)
    places = " and ".join(endpoints)
    count = "1 handshake" if len(round_.proofs) == 1 else f"{len(round_.proofs)} handshakes"
    return Step("proof", good=True, text=f"served == issued on {places}   {count}")


def grade_step(report: Report) -> Step:
    """Report the grade, and what keeps it from the best one."""
    grade = report.grade
    looked = f"({grade.baseline})   {report.judgement.checks} checks in {report.took_s:.2f} s"
    if grade.letter is None:
        return Step("grade", good=False, text=f"withheld: {grade.withheld}   {looked}")
    best = grade.letter is Letter.A_PLUS
    cap = None if best or not grade.caps else grade.caps[0]
    text = f"{grade.letter.value}   {looked}" + (f"   {cap.reason}" if cap else "")
    return Step("grade", good=best, text=text, hint=f"port443 explain {cap.rule}" if cap else "")
