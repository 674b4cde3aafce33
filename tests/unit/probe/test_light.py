"""A light look beside a table of a server: a few connections, no lists, and nothing wrong."""

import pytest

from model_server import Model, walk
from port443.core.probe.confirm import ControlProbe
from port443.core.probe.facts import NOT_ASKED
from port443.core.probe.legacy import wide_query
from port443.core.probe.light import OLDER, glance_legacy, glance_modern, glance_older
from port443.core.probe.modern import handshake_query
from port443.core.probe.verdict import Standing
from port443.core.wire.groups import POST_QUANTUM_GROUPS
from port443.core.wire.suites import suites_13, suites_legacy
from port443.core.wire.versions import Version

BOTH = {Version.TLS_1_3: suites_13(), Version.TLS_1_2: suites_legacy()}
YES, NO, UNKNOWN = Standing.YES, Standing.NO, Standing.UNKNOWN


def control() -> ControlProbe:
    return ControlProbe(handshake_query())


@pytest.mark.parametrize(
    ("groups", "lacks"),
    [((29, 23), YES), ((29, 4588), NO), ((4588, 29), NO)],
    ids=["none", "second", "first"],
)
def test_post_quantum_groups_are_there_or_not(groups: tuple[int, ...], lacks: Standing) -> None:
    """They are offered alone, unless the first handshake had one."""
    model = Model(BOTH, groups)
    found = walk(glance_modern(control()), model.answer)
    assert found.facts.offered.is_yes
    assert found.facts.complete == NOT_ASKED
    assert found.groups.lacks(POST_QUANTUM_GROUPS).standing is lacks
    assert len(model.asked) <= 7


def test_the_newest_older_version_is_seen_and_nothing_is_said_below_it() -> None:
    """TLS 1.0 is taken, 1.1 is not, and what is older stands behind it."""
    model = Model({**BOTH, Version.TLS_1_0: suites_legacy()})
    found = walk(glance_older(control()), model.answer)
    assert [one.facts.offered.standing for one in found] == [NO, YES, UNKNOWN]
    assert found[2].facts.offered == NOT_ASKED


def test_a_refusal_of_tls_1_1_is_one_of_all_that_is_older() -> None:
    """A server of TLS 1.2 and 1.3."""
    found = walk(glance_older(control()), Model(BOTH).answer)
    assert [one.facts.version for one in found] == list(OLDER)
    assert [one.facts.offered.standing for one in found] == [NO, NO, NO]


def test_the_first_suite_of_tls_1_2_is_seen() -> None:
    """And that there may be others."""
    found = walk(glance_legacy(control()), Model(BOTH).answer)
    assert [choice.code for choice in found.facts.choices] == [wide_query(Version.TLS_1_2).offer.suites[0]]
    assert found.facts.complete == NOT_ASKED
