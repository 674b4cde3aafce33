"""The ledger of a CA's rate limits: what is refused, until when, and that it never refuses for nothing."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from port443.core.renew.known_cas import BY_DIRECTORY, KNOWN_CAS, LETSENCRYPT_LIMITS, RateLimit
from port443.core.renew.ledger import LONGEST_PERIOD, Demand, Ledger
from port443.core.renew.records import Spent

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NAME = Demand("failed_validation", "a.test", "failed validations of a.test")
NAMES = Demand("certificate", "a.test", "certificates for a.test")
HOUR = timedelta(hours=1)
FIVE_AN_HOUR = (RateLimit("failed_validation", 5, HOUR),)


def failed(*minutes_ago: int, subject: str = "a.test") -> list[Spent]:
    return [Spent("failed_validation", subject, NOW - timedelta(minutes=minutes)) for minutes in minutes_ago]


def test_the_order_beyond_the_limit_waits_for_the_oldest() -> None:
    """The sixth failure within an hour is not risked, and may be an hour after the first."""
    assert Ledger("CA", FIVE_AN_HOUR, failed(50, 40, 30, 20)).refusal([NAME], NOW) is None
    refused = Ledger("CA", FIVE_AN_HOUR, failed(50, 40, 30, 20, 10)).refusal([NAME], NOW)
    assert refused
    assert refused.retry_at == NOW + timedelta(minutes=10)
    assert "CA allows 5 failed validations of a.test within 1 h" in refused.message
    assert "2026-11-30 12:10 UTC" in refused.message


def test_other_names_and_other_kinds_do_not_count() -> None:
    spent = failed(5, 4, 3, 2, 1, subject="b.test")
    assert Ledger("CA", LETSENCRYPT_LIMITS, spent).refusal([NAME, NAMES], NOW) is None


def test_a_renewal_that_says_what_it_replaces_is_exempt() -> None:
    """Of the certificates for the same names; of failed validations it is not."""
    spent = [Spent("certificate", "a.test", NOW - timedelta(days=day)) for day in range(5)]
    refused = Ledger("CA", LETSENCRYPT_LIMITS, spent).refusal([NAMES], NOW)
    assert refused
    assert "5 certificates for a.test within 7 days" in refused.message
    assert refused.retry_at == NOW + timedelta(days=3)
    assert Ledger("CA", LETSENCRYPT_LIMITS, spent).refusal([NAMES], NOW, is_renewal=True) is None
    spent += failed(5, 4, 3, 2, 1)
    assert Ledger("CA", LETSENCRYPT_LIMITS, spent).refusal([NAMES, NAME], NOW, is_renewal=True)


def test_the_latest_of_several_moments_counts() -> None:
    spent = [Spent("certificate", "a.test", NOW - timedelta(days=day)) for day in range(5)]
    refused = Ledger("CA", LETSENCRYPT_LIMITS, spent + failed(5, 4, 3, 2, 1)).refusal([NAME, NAMES], NOW)
    assert refused
    assert refused.retry_at == NOW + timedelta(days=3)


@given(
    st.lists(st.timedeltas(timedelta(days=-3), timedelta(days=9)), max_size=30),
    st.integers(1, 8),
    st.timedeltas(timedelta(minutes=1), LONGEST_PERIOD),
)
def test_one_more_is_allowed_just_when_it_is_within_the_limit(
    ages: list[timedelta], count: int, within: timedelta
) -> None:
    """Also what is dated ahead: nothing is refused for longer than the limit looks back."""
    limit = (RateLimit("failed_validation", count, within),)
    spent = [Spent("failed_validation", "a.test", NOW - age) for age in ages]
    recent = sum(age < within for age in ages)
    refused = Ledger("CA", limit, spent).refusal([NAME], NOW)
    assert (refused is None) == (recent < count)
    if refused:
        assert refused.retry_at
        assert NOW < refused.retry_at <= NOW + within
        later = refused.retry_at
        settled = [Spent(one.kind, one.subject, min(one.at, NOW)) for one in spent]
        assert Ledger("CA", limit, settled).refusal([NAME], later) is None


def test_known_cas_are_told_apart_and_within_what_is_remembered() -> None:
    assert len(BY_DIRECTORY) == len({ca.name for ca in KNOWN_CAS}) == len(KNOWN_CAS)
    for ca in KNOWN_CAS:
        assert ca.directory.startswith("https://")
        assert all(limit.within <= LONGEST_PERIOD for limit in ca.limits)
