"""What the probes find, put together: nothing that one of them has seen is denied by another."""

import pytest

from port443.core.names import HostName
from port443.core.probe.facts import Choice, GroupFacts, VersionFacts
from port443.core.probe.hellos import ENTROPY, build
from port443.core.probe.legacy import LegacySurvey, bare_query, plain_query, short_query, wide_query
from port443.core.probe.modern import ModernSurvey
from port443.core.probe.plan import Findings, assemble, curve_offer
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.extensions import ExtensionType, find
from port443.core.wire.suites import RENEGOTIATION_SCSV
from port443.core.wire.versions import Version

ECDHE_RSA, SECP160R1 = 0xC02F, 16
HIDDEN = unknown("it fell silent")
NOTHING_13 = ModernSurvey(VersionFacts(Version.TLS_1_3, no("alert protocol_version")))


def keyed_in(group: int | None) -> LegacySurvey:
    choices = (Choice(ECDHE_RSA, group),)
    base = plain_query(Version.TLS_1_2).offer
    return LegacySurvey(VersionFacts(Version.TLS_1_2, YES, choices, YES), base=base)


@pytest.mark.parametrize("group", [SECP160R1, None])
@pytest.mark.parametrize("search", [YES, HIDDEN])
def test_ecdhe_without_a_group_is_never_complete(group: int | None, search: Verdict) -> None:
    """A group that a suite was keyed in counts, and a search that has missed it is not whole."""
    ssl2 = VersionFacts(Version.SSL_2, no("connection reset"))
    facts = assemble(Findings(NOTHING_13, (keyed_in(group),), ssl2, GroupFacts((), search))).groups_12
    assert facts.groups == (() if group is None else (group,))
    assert facts.complete.is_unknown
    assert facts.complete.reason


def test_groups_are_searched_in_the_shape_of_hello_that_was_taken() -> None:
    """A server that takes the plain hello alone would refuse all others, whatever their groups."""
    found = curve_offer(keyed_in(SECP160R1))
    assert found is not None
    offer, by_ecdsa = found
    assert (offer.plain, offer.suites, by_ecdsa) == (True, (ECDHE_RSA,), False)


@pytest.mark.parametrize("query", [wide_query, short_query, plain_query, bare_query])
@pytest.mark.parametrize("version", [Version.TLS_1_2, Version.TLS_1_0, Version.SSL_3])
def test_every_hello_up_to_tls_12_offers_secure_renegotiation(query: object, version: Version) -> None:
    """What was not offered cannot be missed (RFC 5746 §3.3)."""
    assert callable(query)
    hello = build(query(version).offer, HostName("site.test"), bytes(ENTROPY)).hello
    extension = find(hello.extensions or (), ExtensionType.RENEGOTIATION_INFO)
    assert extension is not None or RENEGOTIATION_SCSV in hello.suites
