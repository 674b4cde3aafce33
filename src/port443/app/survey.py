"""Run all probes of a scan, and run again those whose refusals turned out to be noise."""

import asyncio
from functools import partial

from port443.app.probe_runner import ProbeRunner
from port443.core.probe.alpn import survey_alpn, unknown_alpn
from port443.core.probe.confirm import ControlProbe, checked
from port443.core.probe.facts import ApplicationProtocol, GroupFacts, ServerFacts, VersionFacts
from port443.core.probe.failures import fault_in_words
from port443.core.probe.legacy import LegacySurvey, survey_curves, survey_legacy, survey_ssl2
from port443.core.probe.modern import ModernSurvey, survey_modern
from port443.core.probe.plan import CURVE_OF_KEY, LEGACY, Findings, alpn_offer, assemble, curve_offer
from port443.core.probe.traits import Negotiation, Seen, survey_traits
from port443.core.probe.verdict import unknown
from port443.core.wire.versions import Version
from port443.core.x509.facts import CertFacts, CertificateUnreadable

ROUNDS = 3
"""How often what was refused by noise is asked again, each time slower."""
NOISE = "the server refuses at times what it accepts at others"


async def survey(runner: ProbeRunner, control: ControlProbe) -> ServerFacts:
    """Run all probes; what was accepted, or refused for good, is not asked again in a later round.

    The last round asks nothing: what has no clear answer by then is unknown.
    """
    for _ in range(ROUNDS):
        facts = await _round(runner, control)
        if not control.withdraw():
            return facts
        control.is_careful = True
        runner.back_off()
    control.stopped = control.stopped or NOISE
    return await _round(runner, control)


async def _round(runner: ProbeRunner, control: ControlProbe) -> ServerFacts:
    """Run all probes side by side; the dialler holds them to a few connections at a time."""
    async with asyncio.TaskGroup() as tasks:
        modern = tasks.create_task(runner.run(checked(survey_modern(control), control), ModernSurvey.unknown))
        legacy = [
            tasks.create_task(
                runner.run(checked(survey_legacy(v, control), control), partial(LegacySurvey.unknown, v))
            )
            for v in LEGACY
        ]
        ssl2 = tasks.create_task(
            runner.run(checked(survey_ssl2(control), control), partial(VersionFacts.unknown, Version.SSL_2))
        )
        curves = tasks.create_task(_curves(runner, control, legacy))
        protocols = tasks.create_task(_protocols(runner, control, modern, legacy))
        negotiation = tasks.create_task(_negotiation(runner, control, modern, legacy))
    surveys = tuple(task.result() for task in legacy)
    return assemble(
        Findings(
            modern.result(),
            surveys,
            ssl2.result(),
            curves.result(),
            protocols.result(),
            runner.chains,
            negotiation.result(),
        )
    )


async def _negotiation(
    runner: ProbeRunner,
    control: ControlProbe,
    modern: asyncio.Task[ModernSurvey],
    legacy: list[asyncio.Task[LegacySurvey]],
) -> Negotiation:
    """Look at how the server negotiates, once its versions and suites are known."""
    newest = await asyncio.shield(modern)
    older = tuple([await asyncio.shield(task) for task in legacy])
    probe = survey_traits(Seen(newest, older, runner.is_named), control)
    return await runner.run(checked(probe, control), Negotiation.unknown)


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
    return await runner.run(checked(survey_alpn(offer, seen, control), control), unknown_alpn)


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
        return await runner.run(checked(probe, control), lambda reason: GroupFacts((), unknown(reason)))
    return GroupFacts()


def _curve_of(leaf: bytes | None) -> int | None:
    facts = None if leaf is None else read_certificate(leaf)
    return CURVE_OF_KEY.get(facts.key.curve or "") if isinstance(facts, CertFacts) else None


def read_certificate(octets: bytes) -> CertFacts | str:
    """Read a certificate, or say why it cannot be read."""
    try:
        return CertFacts.from_der(octets)
    except CertificateUnreadable as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - one certificate must not end the scan
        return fault_in_words(error)
