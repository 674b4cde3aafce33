"""Renewal information: drawn once, polled in time, and never beyond the last twentieth of a life."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from port443.core.renew.information import RenewalWindow, informed
from port443.core.renew.when import (
    ORDER_PAUSES,
    TRIES_IN_HAND,
    jitter_of,
    order_pause,
    renew_at,
    renewal,
)


@dataclass(frozen=True)
class Span:
    """A lifetime and nothing else."""

    not_before: datetime
    not_after: datetime


START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS_90 = Span(START, START + timedelta(days=90))
POLL = START + timedelta(hours=6)
draws = st.floats(0, 1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
windows = st.builds(
    lambda start, length: RenewalWindow(start, start + length),
    moments,
    st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400)),
)
spans = st.builds(
    lambda start, length: Span(start, start + length),
    moments,
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=4000)),
)


@given(windows, draws, draws)
def test_the_moment_is_drawn_once(window: RenewalWindow, first: float, second: float) -> None:
    """However often the same window is told, the moment stays; its explanation and the next poll are new."""
    known = informed(None, window, POLL, first)
    later = POLL + timedelta(hours=6)
    explained = RenewalWindow(window.start, window.end, "https://ca.test/incident")
    again = informed(known, explained, later, second)
    assert window.start <= known.renew_at <= window.end
    assert (again.renew_at, again.window, again.next_poll) == (known.renew_at, explained, later)


@given(windows, windows, draws, draws)
def test_another_window_is_another_moment(
    before: RenewalWindow, window: RenewalWindow, first: float, second: float
) -> None:
    """A window that was moved to now renews now, whatever was drawn before; one that grew changes nothing."""
    known = informed(None, before, POLL, first)
    again = informed(known, window, POLL, second)
    assert window.start <= again.renew_at <= window.end
    if window.start <= known.renew_at <= window.end:
        assert again.renew_at == known.renew_at


@given(spans, draws, st.none() | windows, draws)
def test_the_last_twentieth_of_life_overrides_everything(
    span: Span, jitter: float, window: RenewalWindow | None, draw: float
) -> None:
    """A window of next year is not waited for; without a reason to hurry the CA's word counts."""
    information = informed(None, window, POLL, draw) if window else None
    found = renewal(span, jitter, information)
    last = span.not_after - (span.not_after - span.not_before) / 20
    assert found.at <= last + timedelta(microseconds=1)
    if information and information.renew_at <= last:
        assert (found.at, found.reason) == (information.renew_at, "renewal_information")
    elif information:
        assert found.reason == "end_of_life"
    else:
        assert (found.at, found.reason) == (renew_at(span, jitter), "share_of_life")


@given(spans, draws, st.none() | windows)
def test_another_policy_renews_at_once(span: Span, jitter: float, window: RenewalWindow | None) -> None:
    information = informed(None, window, POLL, jitter) if window else None
    found = renewal(span, jitter, information, fits_policy=False)
    assert (found.at, found.reason) == (span.not_before, "policy")


def test_what_ends_before_it_begins_is_due_at_once() -> None:
    assert renewal(Span(START, START - timedelta(days=1)), 0.0, None).at <= START


def test_a_thousand_names_are_spread_over_a_twentieth_of_life() -> None:
    """Each hour of those four and a half days has some of them, and none has many."""
    hours = [0] * 108
    for number in range(1080):
        moment = renewal(DAYS_90, jitter_of(f"site-{number}.example.com"), None).at
        hours[-1 - int((renew_at(DAYS_90) - moment) / timedelta(hours=1))] += 1
    assert min(hours) >= 1
    assert max(hours) <= 30


@given(st.integers(0, 10**6), st.none() | st.timedeltas())
def test_a_short_rest_of_life_still_has_several_attempts(failures: int, left: timedelta | None) -> None:
    """Never sooner than a minute, never later than six hours or an eighth of what is left."""
    pause = order_pause(failures, left)
    assert ORDER_PAUSES[0] <= pause <= ORDER_PAUSES[-1]
    if left is not None:
        assert pause <= max(left / TRIES_IN_HAND, ORDER_PAUSES[0])


def test_failures_stay_within_what_a_ca_allows_in_an_hour() -> None:
    """Let's Encrypt: five failed validations of a name within an hour."""
    moments, now = [timedelta()], timedelta()
    for failures in range(1, 40):
        now += order_pause(failures, None)
        moments.append(now)
    for start in moments:
        assert sum(start <= moment < start + timedelta(hours=1) for moment in moments) <= 4
