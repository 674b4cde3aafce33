"""The interview: bounded for each lane, and no fault of one lane or answer is more than a doubt."""

import asyncio

from failing_dial import FailingDial
from port443.app.asking import MAX_QUESTIONS, Interview
from port443.core.names import Endpoint
from port443.core.probe.asking import Ask, Faulted, Lane, NotAsked, told
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.modern import full_question

PLACE = Endpoint("192.0.2.1", 443)


def walk(lane: Lane[str], dial: FailingDial) -> str:
    return asyncio.run(Interview(dial, PLACE, None, patience_s=1).walk(lane, lambda reason: reason))


def test_a_lane_without_an_end_is_ended_by_its_budget() -> None:
    """After so many connections nothing is asked any more, and the lane is told why."""

    def endless() -> Lane[str]:
        while not isinstance(answer := (yield full_question()), NotAsked):
            pass
        return told(answer)

    dial = FailingDial(ConnectRefused("nobody"))
    assert f"limit of {MAX_QUESTIONS} connections" in walk(endless(), dial)
    assert dial.connections == MAX_QUESTIONS


def test_an_answer_that_nobody_foresaw_proves_nothing() -> None:
    """Any error on the way is an answer with its cause, and the lane goes on."""

    def one() -> Lane[str]:
        answer = yield Ask(full_question().offer)
        assert isinstance(answer, Faulted)
        return told(answer)

    reason = walk(one(), FailingDial(UnicodeError("strange bytes")))
    assert "strange bytes" in reason
    assert "defect of port443" in reason


def test_a_lane_that_breaks_is_a_doubt_with_its_reason() -> None:
    """What the lane would have concluded is unknown; the scan does not end."""

    def broken() -> Lane[str]:
        yield full_question()
        raise IndexError("out of range")

    assert "IndexError at test_interview.py" in walk(broken(), FailingDial(ConnectRefused("nobody")))
