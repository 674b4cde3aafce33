"""The ring of ticket keys: hourly, three generations, nothing known of the older ones."""

from datetime import timedelta

from pki import NOW
from port443.app.tickets import TicketRing
from port443.core.contract.snapshot import TicketKey, hash_of

HOUR = timedelta(hours=1)


def test_the_newest_key_comes_first_and_two_older_ones_stay() -> None:
    """A ticket stays good for two rotations at least; older keys are known by their hash alone."""
    rings = [TicketRing.start(NOW)]
    for hours in range(1, 5):
        rings.append(rings[-1].rotated(NOW + hours * HOUR))
    assert len({hash_of(ring.newest) for ring in rings}) == 5
    assert [len(ring.keys) for ring in rings] == [1, 2, 3, 3, 3]
    newest = [hash_of(ring.newest) for ring in rings]
    assert rings[-1].hashes == (newest[4], newest[3], newest[2])
    assert [isinstance(key, TicketKey) for key in rings[-1].keys] == [True, False, False]


def test_a_key_is_due_each_hour() -> None:
    ring = TicketRing.start(NOW)
    assert ring.due == NOW + HOUR
    assert ring.rotated(ring.due).due == NOW + 2 * HOUR


def test_what_an_adopted_edge_runs_stays_behind_a_fresh_key() -> None:
    """Sessions that the edge gave out go on, and new ones get a key that no one before us had."""
    ring = TicketRing.start(NOW, ("aa" * 32, "bb" * 32, "cc" * 32))
    assert ring.older == ("aa" * 32, "bb" * 32)


def test_lost_keys_are_forgotten() -> None:
    """When the edge that held them is gone, nobody asks for them again."""
    ring = TicketRing.start(NOW).rotated(NOW + HOUR)
    assert ring.without_older().keys == (ring.newest,)
    assert ring.without_older().due == ring.due
