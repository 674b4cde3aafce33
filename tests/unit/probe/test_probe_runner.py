"""The runner: bounded for each probe, and no fault of one probe or answer is more than a doubt."""

import asyncio

from failing_dial import FailingDial
from port443.app.probe_runner import MAX_CONNECTIONS, ProbeRunner
from port443.core.names import Endpoint
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.modern import handshake_query
from port443.core.probe.query import InternalFault, NotSent, Probe, TLSQuery, describe

PLACE = Endpoint("192.0.2.1", 443)


def run(probe: Probe[str], dial: FailingDial) -> str:
    return asyncio.run(ProbeRunner(dial, PLACE, None, patience_s=1).run(probe, lambda reason: reason))


def test_a_probe_without_an_end_is_ended_by_its_budget() -> None:
    """After so many connections nothing is asked any more, and the probe is told why."""

    def endless() -> Probe[str]:
        while not isinstance(answer := (yield handshake_query()), NotSent):
            pass
        return describe(answer)

    dial = FailingDial(ConnectRefused("nobody"))
    assert f"limit of {MAX_CONNECTIONS} connections" in run(endless(), dial)
    assert dial.connections == MAX_CONNECTIONS


def test_an_answer_that_nobody_foresaw_proves_nothing() -> None:
    """Any error on the way is an answer with its cause, and the probe goes on."""

    def one() -> Probe[str]:
        answer = yield TLSQuery(handshake_query().offer)
        assert isinstance(answer, InternalFault)
        return describe(answer)

    reason = run(one(), FailingDial(UnicodeError("strange bytes")))
    assert "strange bytes" in reason
    assert "defect of port443" in reason


def test_a_probe_that_breaks_is_a_doubt_with_its_reason() -> None:
    """What the probe would have concluded is unknown; the scan does not end."""

    def broken() -> Probe[str]:
        yield handshake_query()
        raise IndexError("out of range")

    assert "IndexError at test_probe_runner.py" in run(broken(), FailingDial(ConnectRefused("nobody")))
