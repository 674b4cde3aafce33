"""Addresses and hosts beside each other: what differs, what is unknown, and what they share."""

from dataclasses import replace

from port443.core.grade.compare import compare_addresses, shared_ticket_keys
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.report import Report, ScanTarget
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, HostName
from port443.core.probe.facts import Trait, VersionFacts
from port443.core.probe.verdict import Standing, Verdict
from port443.core.wire.versions import Version
from scan_facts import GOOD_SERVER, HIDDEN, good, version, with_version


def report(facts: ScanFacts, address: str, name: str = "site.test") -> Report:
    judgement = judge((), facts)
    return Report(
        ScanTarget(HostName(name)), Endpoint(address, 443), (), (), facts.now, 0.1, 9, facts, judgement,
        grade(judgement, facts, SSL_LABS_2009R),
    )  # fmt: skip


def with_key(name: str) -> ScanFacts:
    trait = Trait("ticket_key", "the key", Verdict(Standing.YES, name))
    return replace(good(), server=replace(GOOD_SERVER, traits=(trait,)))


def test_what_was_not_seen_differs_from_nothing() -> None:
    """A list that may go on is not compared; one that is whole is."""
    old = with_version(version(Version.TLS_1_0, 0xC013))
    hidden = with_version(VersionFacts(Version.TLS_1_0, HIDDEN))
    (found,) = compare_addresses([report(good(), "192.0.2.1"), report(old, "192.0.2.2")])
    assert {one.what for one in found.differences} >= {"protocols", "cipher suites"}
    (found,) = compare_addresses([report(good(), "192.0.2.1"), report(hidden, "192.0.2.2")])
    assert not {one.what for one in found.differences} & {"protocols", "cipher suites"}
    assert compare_addresses([report(good(), "192.0.2.1")]) == ()


def test_hosts_that_share_a_ticket_key_are_named() -> None:
    """Two addresses of one name may; two names are worth a look."""
    reports = [
        report(with_key("aa"), "192.0.2.1", "a.test"),
        report(with_key("aa"), "192.0.2.2", "a.test"),
        report(with_key("bb"), "192.0.2.3", "b.test"),
    ]
    assert shared_ticket_keys(reports) == ()
    assert shared_ticket_keys([*reports, report(with_key("aa"), "192.0.2.4", "c.test")]) == (
        ("a.test:443", "c.test:443"),
    )
