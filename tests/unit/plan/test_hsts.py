from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_samples import site
from port443.core.plan.desired import HstsFixed
from port443.core.plan.hsts import LADDER_S, HstsStep, advance, header_of

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_the_ladder_is_climbed_step_by_step() -> None:
    """Five minutes, a day, thirty days, a year; each passes before the next begins."""
    step, now, climbed = HstsStep(0, START), START, []
    for _ in range(4):
        climbed.append(LADDER_S[step.step])
        assert advance(step, now + timedelta(seconds=LADDER_S[step.step] - 1), None) == step
        now += timedelta(seconds=LADDER_S[step.step])
        step = advance(step, now, None)
    assert climbed == [300, 86_400, 2_592_000, 31_536_000]
    assert step.step == 3


def test_a_failed_proof_begins_the_step_anew() -> None:
    """The step is not taken back, but has to pass once more from the failure on."""
    step = HstsStep(1, START)
    failed = later(50_000)
    stayed = advance(step, later(86_400), failed)
    assert stayed == HstsStep(1, failed)
    assert advance(stayed, later(50_000 + 86_399), failed).step == 1
    assert advance(stayed, later(50_000 + 86_400), failed).step == 2


def test_a_failure_before_the_step_does_not_count() -> None:
    """What failed on an earlier step was paid for there."""
    assert advance(HstsStep(0, START), later(300), later(-10)).step == 1


def test_a_long_absence_climbs_one_step_only() -> None:
    """Each promise is given for its whole time before a longer one is."""
    assert advance(HstsStep(0, START), later(10**9), None) == HstsStep(1, later(10**9))


@given(
    step=st.integers(0, 3),
    passed=st.integers(0, 10**8),
    failed=st.none() | st.integers(-(10**8), 10**8),
)
def test_no_step_is_taken_back_or_skipped(step: int, passed: int, failed: int | None) -> None:
    """Whatever happens, a site stays or climbs by one, and never earlier than the step has passed."""
    proof = None if failed is None else later(failed)
    after = advance(HstsStep(step, START), later(passed), proof)
    assert after.step in {step, min(step + 1, 3)}
    assert START <= after.since <= later(passed)
    if after.step > step:
        assert passed >= LADDER_S[step]
        assert failed is None or failed <= 0 or passed - failed >= LADDER_S[step] or failed > passed


@pytest.mark.parametrize(("step", "expected"), [(None, 300), (0, 300), (1, 86_400), (3, 31_536_000)])
def test_the_header_says_the_step(step: int | None, expected: int) -> None:
    """A site on the ladder gets its step's time, without subdomains and without preloading."""
    header = header_of(site("app.test"), None if step is None else HstsStep(step, START))
    assert header is not None
    assert (header.max_age_s, header.include_subdomains, header.preload) == (expected, False, False)


def test_localhost_and_addresses_get_no_header() -> None:
    """Neither on the ladder nor by the operator's own value: the other names of the site do."""
    for wish in ("ladder", HstsFixed(31_536_000)):
        header = header_of(site("localhost", "demo.localhost", "127.0.0.1", "::1", hsts=wish), None)
        assert header is not None
        assert header.names == ("demo.localhost",)
        assert header_of(site("localhost", "::1", hsts=wish), None) is None


def test_the_operators_own_value_is_taken_whole() -> None:
    """Subdomains and preloading are the operator's to promise."""
    wish = HstsFixed(63_072_000, include_subdomains=True, preload=True)
    header = header_of(site("shop.example.com", hsts=wish), HstsStep(0, START))
    assert header is not None
    assert (header.max_age_s, header.include_subdomains, header.preload) == (63_072_000, True, True)


def test_off_is_no_header() -> None:
    assert header_of(site("shop.example.com", hsts="none"), HstsStep(3, START)) is None
