"""How often the same thing is said."""

from port443.app.log_throttle import BURST, EACH_PERIOD, LogThrottle

NOISE, OTHER = ("handshake_failed", "plain_http"), ("handshake_failed", "not_tls")


def told(moderation: LogThrottle, attempts: int) -> int:
    return sum(moderation.admits(NOISE) for _ in range(attempts))


def test_a_burst_is_told_and_the_rest_is_counted() -> None:
    """Each kind has its own count, and a period later there is room for a sample."""
    moderation = LogThrottle()
    assert told(moderation, 1500) == BURST
    assert moderation.admits(OTHER)
    assert list(moderation.settle()) == [(NOISE, 1500 - BURST)]
    assert told(moderation, 1500) == EACH_PERIOD
    assert list(moderation.settle()) == [(NOISE, 1500 - EACH_PERIOD)]


def test_a_quiet_kind_is_forgotten() -> None:
    """After some quiet periods a burst is told again as it was at first."""
    moderation = LogThrottle()
    told(moderation, BURST)
    assert [list(moderation.settle()) for _ in range(BURST // EACH_PERIOD)] == [[]] * (BURST // EACH_PERIOD)
    assert moderation == LogThrottle()
    assert told(moderation, 1500) == BURST


def test_what_was_left_out_elsewhere_is_counted_too() -> None:
    moderation = LogThrottle()
    moderation.count(NOISE, 7)
    assert list(moderation.settle()) == [(NOISE, 7)]
    assert moderation == LogThrottle()
