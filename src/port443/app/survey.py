"""Run all probes of a scan, and run again those whose refusals turned out to be noise."""

import asyncio
from functools import partial

from port443.app.probe_runner import ProbeRunner
from port443.core.probe.alpn import survey_alpn, unknown_alpn
from port443.core.probe.confirm import ControlProbe, check
from port443.core.probe.facts import NOT_ASKED, ApplicationProtocol, GroupFacts, ServerFacts, VersionFacts
from port443.core.probe.failures import fault_in_words
from port443.core.probe.legacy import LegacySurvey, learn_tolerance, survey_curves, survey_legacy, survey_ssl2
from port443.core.probe.light import glance_legacy, glance_modern, glance_older
from port443.core.probe.modern import ModernSurvey, survey_modern
from port443.core.probe.plan import CURVE_OF_KEY, LEGACY, Findings, alpn_offer, assemble, curve_offer
from port443.core.probe.sessions import Requests, SessionFacts, finish_sessions, survey_sessions
from port443.core.probe.traits import Negotiation, Seen, survey_traits
from port443.core.probe.verdict import unknown
from port443.core.wire.versions import Version
from port443.core.x509.facts import CertFacts, CertificateUnreadable

ROUNDS = 3
"""How often a query that was refused by noise is repeated, each time slower."""
NOISE = "the server refuses at times what it accepts at others"


async def survey(
    runner: ProbeRunner, control: ControlProbe, requests: Requests, *, light: bool = False
) -> ServerFacts:
    """Run all probes; what was accepted, or refused for good, is not asked again in a later round.

    The last round sends nothing: what has no clear answer by then is unknown.
    """
    look = _glance if light else partial(_round, requests=requests)
    for _ in range(ROUNDS):
        facts = await look(runner, control)
        await runner.run(check(control, control.last_refusal), lambda _: None)
        if not control.withdraw():
            return facts
        control.is_careful = True
        runner.back_off()
    control.stopped = control.stopped or NOISE
    return await look(runner, control)


async def _glance(runner: ProbeRunner, control: ControlProbe) -> ServerFacts:
    """Run the probes of a light look."""
    unknown_older = partial(_unknown_legacy, LEGACY[1:])
    async with asyncio.TaskGroup() as tasks:
        modern = tasks.create_task(runner.run(glance_modern(control), ModernSurvey.unknown))
        legacy = tasks.create_task(
            runner.run(glance_legacy(control), partial(LegacySurvey.unknown, LEGACY[0]))
        )
        older = tasks.create_task(runner.run(glance_older(control), unknown_older))
    surveys = (legacy.result(), *older.result())
    ssl2 = VersionFacts(Version.SSL_2, NOT_ASKED)
    return assemble(Findings(modern.result(), surveys, ssl2, GroupFacts((), NOT_ASKED), chains=runner.chains))


def _unknown_legacy(versions: tuple[Version, ...], reason: str) -> tuple[LegacySurvey, ...]:
    return tuple(LegacySurvey.unknown(version, reason) for version in versions)


async def _round(runner: ProbeRunner, control: ControlProbe, requests: Requests) -> ServerFacts:
    """Run all probes side by side; the dialler holds them to a few connections at a time."""
    await runner.run(learn_tolerance(control), lambda _: None)
    async with asyncio.TaskGroup() as tasks:
        modern = tasks.create_task(runner.run(survey_modern(control), ModernSurvey.unknown))
        legacy = [
            tasks.create_task(runner.run(survey_legacy(v, control), partial(LegacySurvey.unknown, v)))
            for v in LEGACY
        ]
        ssl2 = tasks.create_task(
            runner.run(survey_ssl2(control), partial(VersionFacts.unknown, Version.SSL_2))
        )
        curves = tasks.create_task(_curves(runner, control, legacy))
        protocols = tasks.create_task(_protocols(runner, control, modern, legacy))
        negotiation = tasks.create_task(_negotiation(runner, control, modern, legacy))
        sessions = tasks.create_task(_sessions(runner, control, requests, (modern, legacy)))
    surveys = tuple(task.result() for task in legacy)
    begun = sessions.result()
    whole = await runner.run(finish_sessions(begun, control), SessionFacts.unknown)
    return assemble(
        Findings(
            modern.result(),
            surveys,
            ssl2.result(),
            curves.result(),
            protocols.result(),
            runner.chains,
            negotiation.result(),
            whole,
        )
    )


async def _negotiation(
    runner: ProbeRunner,
    control: ControlProbe,
    modern: asyncio.Task[ModernSurvey],
    legacy: list[asyncio.Task[LegacySurvey]],
) -> Negotiation:
    """Probe how the server negotiates, once its versions and suites are known."""
    newest = await asyncio.shield(modern)
    older = tuple([await asyncio.shield(task) for task in legacy])
    probe = survey_traits(Seen(newest, older, runner.is_named), control)
    return await runner.run(probe, Negotiation.unknown)


async def _sessions(
    runner: ProbeRunner,
    control: ControlProbe,
    requests: Requests,
    surveys: tuple[asyncio.Task[ModernSurvey], list[asyncio.Task[LegacySurvey]]],
) -> SessionFacts:
    """Bring handshakes to their ends, once the versions and suites are known."""
    newest = await asyncio.shield(surveys[0])
    older = tuple([await asyncio.shield(task) for task in surveys[1]])
    legacy = Seen(newest, older, runner.is_named).newest_legacy
    return await runner.run(survey_sessions(newest, legacy, requests, control), SessionFacts.unknown)


async def _protocols(
    runner: ProbeRunner,
    control: ControlProbe,
    modern: asyncio.Task[ModernSurvey],
    legacy: list[asyncio.Task[LegacySurvey]],
) -> tuple[ApplicationProtocol, ...]:
    """Look for the protocols of ALPN in the newest version, once that is known."""
    newest = await asyncio.shield(modern)
    older = () if newest.facts.offered.is_yes else [await asyncio.shield(task) for task in legacy]
    offer = alpn_offer(newest, tuple(older))
    if offer is None:
        return ()
    seen = newest.flight if offer.alpn and offer == newest.offer else None
    return await runner.run(survey_alpn(offer, seen, control), unknown_alpn)


async def _curves(
    runner: ProbeRunner, control: ControlProbe, legacy: list[asyncio.Task[LegacySurvey]]
) -> GroupFacts:
    """Look for the groups of the newest version up to TLS 1.2 that has ECDHE, once its suites are known."""
    for task in legacy:
        found = await asyncio.shield(task)
        if (offered := curve_offer(found)) is None:
            continue
        offer, by_ecdsa = offered
        leaf = next((flight.chain[0].der for flight in found.flights if flight.chain), None)
        probe = survey_curves(offer, _curve_of(leaf) if by_ecdsa else None, control)
        return await runner.run(probe, lambda reason: GroupFacts((), unknown(reason)))
    return GroupFacts()


def _curve_of(leaf: bytes | None) -> int | None:
    facts = None if leaf is None else read_certificate(leaf)
    return CURVE_OF_KEY.get(facts.key.curve or "") if isinstance(facts, CertFacts) else None


def read_certificate(octets: bytes) -> CertFacts | str:
    """Read a certificate, or return why it cannot be read."""
    try:
        return CertFacts.from_der(octets)
    except CertificateUnreadable as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - one certificate must not end the scan
        return fault_in_words(error)
