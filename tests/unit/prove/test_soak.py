"""What the soak takes for explained, and for flat: a soak that cannot fail would prove nothing."""

import pytest

from soak_verdict import Fault, Kind, Memory, Trouble

KILLED = Fault("upstream killed", 10, 11, frozenset({"gateway", "broken"}))


@pytest.mark.parametrize(
    ("kind", "began", "ended", "is_explained"),
    [
        ("gateway", 10.5, 10.6, True),
        ("broken", 3, 10, True),
        ("gateway", 10.9, 20, True),
        ("gateway", 11.1, 11.2, False),
        ("broken", 3, 9.9, False),
        ("wrong", 10.5, 10.6, False),
    ],
)
def test_a_fault_explains_its_own_kind_in_its_own_time(
    kind: Kind, began: float, ended: float, *, is_explained: bool
) -> None:
    assert KILLED.explains_it(Trouble(kind, began, ended, "")) is is_explained


def test_memory_that_grows_is_seen() -> None:
    """Buffers of the moment may come and go, but a leak shows at the end of a life."""
    flat = [20 << 20, 60 << 20, 60 << 20, 58 << 20, 61 << 20, 60 << 20, 62 << 20, 60 << 20]
    assert Memory(1, flat).is_flat()
    leak = [(60 + step * 8) << 20 for step in range(8)]
    assert not Memory(1, leak).is_flat()
