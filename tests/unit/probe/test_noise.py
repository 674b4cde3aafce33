"""Noise is no answer: whatever refuses at random, above a rate or every n-th time makes no verdict."""

import asyncio
import random
from collections.abc import Callable

import pytest

from failing_dial import FailingDial
from model_server import HANDSHAKE_FAILURE, PROTOCOL_VERSION, Model
from port443.app.probe_runner import ProbeRunner
from port443.app.survey import survey
from port443.core.names import Endpoint
from port443.core.probe.contact import Contact, first_contact
from port443.core.probe.facts import ServerFacts
from port443.core.probe.query import Closed, NoAnswer, Query, Reset, Response
from port443.core.probe.sessions import Requests
from port443.core.probe.verdict import Verdict
from port443.core.wire.versions import Version

SCANS = 20
PLACE = Endpoint("192.0.2.1", 443)
SUITES = {
    Version.TLS_1_3: (0x1301, 0x1302, 0x1303),
    Version.TLS_1_2: (0xC02F, 0xC030, 0xCCA8, 0x009C, 0x002F, 0x0035),
    Version.TLS_1_0: (0x002F, 0x0035, 0x000A),
}
GROUPS_12, GROUPS_13 = (29, 23, 24), (4588, 29, 23, 24)
Noise = Callable[["NoisyRunner"], bool]
REFUSALS: dict[str, Response] = {
    "reset": Reset(),
    "end": Closed(),
    "silence": NoAnswer(),
    "handshake_failure": HANDSHAKE_FAILURE,
    "protocol_version": PROTOCOL_VERSION,
}


class NoisyRunner(ProbeRunner):
    """Ask a model server through noise; a clock of its own moves with each connection."""

    def __init__(self, noise: Noise, refusal: Response, seed: int) -> None:
        super().__init__(FailingDial(AssertionError()), PLACE, None, patience_s=1)
        self.random = random.Random(seed)  # noqa: S311 - the same noise in each run of the test
        self.now = 0.0
        self.count = 0
        self.taken: list[float] = []
        self._noise, self._refusal = noise, refusal
        self._pause_s = 0.002
        self._counted = 0
        self._model = Model(dict(SUITES), own_order=seed % 2 == 0)

    def back_off(self) -> None:
        if self.count > self._counted:  # as the dialler does
            self._counted = self.count
            self._pause_s = min(2.0, max(0.03, 2 * self._pause_s))

    async def _response(self, query: Query, within_s: float) -> Response:
        del within_s
        await asyncio.sleep(0)  # the other probes go on
        self.now += self._pause_s
        self.count += 1
        if self._noise(self):
            return self._refusal
        version = getattr(getattr(query, "offer", None), "version", None)
        self._model.groups = GROUPS_13 if version is Version.TLS_1_3 else GROUPS_12
        return self._model.answer(query)


def rarely(rate: float) -> Noise:
    """Refuse this part of all connections, at random."""
    return lambda runner: runner.random.random() < rate


def every(count: int) -> Noise:
    return lambda runner: runner.count % count == 0


def above(most: int, window_s: float = 1.0) -> Noise:
    """Refuse what comes after so many connections in a window; refused ones do not count."""

    def is_refused(runner: NoisyRunner) -> bool:
        began = runner.now // window_s * window_s
        runner.taken = [moment for moment in runner.taken if moment >= began]
        if len(runner.taken) >= most:
            return True
        runner.taken.append(runner.now)
        return False

    return is_refused


def after(count: int) -> Noise:
    """Refuse everything from then on."""
    return lambda runner: runner.count > count


NOISE: dict[str, Noise] = {
    **{f"{rate:.0%}": rarely(rate) for rate in (0.02, 0.1, 0.3)},
    **{f"every {count}": every(count) for count in (2, 3, 5, 10)},
    **{f"above {most} a second": above(most) for most in (1, 10, 30)},
    **{f"after {count}": after(count) for count in (1, 20, 47)},
}


async def scan(runner: NoisyRunner) -> ServerFacts | None:
    contact = await runner.run(first_contact(), Contact.broken)
    return (
        None if contact.control is None else await survey(runner, contact.control_probe(), Requests(b"", b""))
    )


def agrees(verdict: Verdict, *, truth: bool) -> bool:
    return verdict.is_unknown or verdict.is_yes == truth


def is_true(facts: ServerFacts) -> bool:
    """Whether nothing is denied that is there, claimed that is not, or called complete that is less."""
    for one in facts.versions:
        truth = set(SUITES.get(one.version, ()))
        found = {choice.code for choice in one.choices}
        if not agrees(one.offered, truth=bool(truth)) or not found <= truth:
            return False
        if one.offered.is_yes and one.complete.is_yes and found != truth:
            return False
    return all(
        set(seen.groups) <= set(there) and not (seen.complete.is_yes and set(seen.groups) != set(there))
        for seen, there in ((facts.groups_13, GROUPS_13), (facts.groups_12, GROUPS_12))
    )


def is_whole(facts: ServerFacts) -> bool:
    verdicts = [one for version in facts.versions for one in (version.offered, version.complete)]
    return not any(one.is_unknown for one in verdicts if "not looked" not in one.reason)


def test_without_noise_all_is_known() -> None:
    """The truth itself, so that the tests below do not pass for want of verdicts."""
    for seed in range(2):
        facts = asyncio.run(scan(NoisyRunner(lambda _: False, Reset(), seed)))
        assert facts is not None
        assert is_true(facts)
        assert is_whole(facts)
        assert facts.groups_12.complete.is_yes
        assert facts.groups_13.complete.is_yes


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("noise", NOISE)
def test_noise_makes_no_verdict(noise: str, refusal: str) -> None:
    """In none of the scans is anything denied, or a list called complete, by what was only noise."""
    for seed in range(SCANS):
        facts = asyncio.run(scan(NoisyRunner(NOISE[noise], REFUSALS[refusal], seed)))
        assert facts is None or is_true(facts), (seed, facts)


@pytest.mark.parametrize("noise", ["2%", "10%", "every 10", "above 30 a second", "above 10 a second"])
def test_a_noisy_server_is_still_seen_through(noise: str) -> None:
    """Where its refusals are alerts and the noise is resets, slower and repeated queries find all."""
    scans = [asyncio.run(scan(NoisyRunner(NOISE[noise], Reset(), seed))) for seed in range(SCANS)]
    assert sum(facts is not None and is_whole(facts) for facts in scans) >= SCANS * 0.9


@pytest.mark.parametrize(("noise", "refusal"), [("10%", "silence"), ("above 10 a second", "reset")])
def test_fifty_scans_contradict_each_other_in_nothing(noise: str, refusal: str) -> None:
    """Dropped packets and a throttle leave doubts, but never a yes in one scan and a no in another."""
    verdicts: dict[Version, set[bool]] = {version: set() for version in Version}
    for seed in range(50):
        facts = asyncio.run(scan(NoisyRunner(NOISE[noise], REFUSALS[refusal], seed)))
        assert facts is not None
        for one in facts.versions:
            if not one.offered.is_unknown:
                verdicts[one.version].add(one.offered.is_yes)
    assert all(seen == {version in SUITES} for version, seen in verdicts.items())
