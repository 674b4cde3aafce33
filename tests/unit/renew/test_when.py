"""When to renew, for lifetimes long, short and broken."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.renew.when import LONGEST_PAUSE, is_due, renew_at, retry_pause


@dataclass(frozen=True)
class Span:
    """A lifetime and nothing else."""

    not_before: datetime
    not_after: datetime


START = datetime(2026, 1, 1, tzinfo=UTC)
lifetimes = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=4000))
jitters = st.floats(0, 1)


@pytest.mark.parametrize(
    ("days", "after"),
    [
        (90, timedelta(days=60)),
        (47, timedelta(days=47) * 2 / 3),
        (10, timedelta(days=5)),
        (6, timedelta(days=3)),
    ],
)
def test_two_thirds_or_half(days: int, after: timedelta) -> None:
    """A 90-day certificate is renewed on day 60, one of up to 10 days at its half."""
    assert abs(renew_at(Span(START, START + timedelta(days=days))) - (START + after)) < timedelta(seconds=1)


@given(lifetimes, jitters)
def test_jitter_never_delays(lifetime: timedelta, jitter: float) -> None:
    """The moment lies within a twentieth of the lifetime before the latest, never after it."""
    span = Span(START, START + lifetime)
    latest, moment = renew_at(span), renew_at(span, jitter)
    assert START < moment <= latest < span.not_after
    assert latest - moment <= lifetime / 20 + timedelta(microseconds=2)


@given(lifetimes, jitters)
def test_due_from_the_moment_on(lifetime: timedelta, jitter: float) -> None:
    """Not due before the moment, due at it and ever after."""
    span = Span(START, START + lifetime)
    moment = renew_at(span, jitter)
    assert not is_due(span, moment - timedelta(microseconds=1), jitter)
    assert is_due(span, moment, jitter)
    assert is_due(span, span.not_after + timedelta(days=1), jitter)


def test_what_has_not_begun_is_due() -> None:
    """After a clock was set back, a certificate of the future is replaced, since no client takes it."""
    assert is_due(Span(START, START + timedelta(days=90)), START - timedelta(hours=2))


def test_what_ends_before_it_begins_is_due() -> None:
    assert is_due(Span(START, START - timedelta(days=1)), START)


def test_pauses_double_up_to_an_hour() -> None:
    """The first retry comes after a minute, and none later than an hour after its failure."""
    pauses = [retry_pause(failures) for failures in range(1, 9)]
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses == sorted(pauses)
    assert retry_pause(10**9) == LONGEST_PAUSE
