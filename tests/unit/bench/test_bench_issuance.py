"""What the bench of certificates measures by: real orders at a real CA."""

import asyncio

import issuance
from pebble import answering, running_pebble


def test_our_client_is_measured_by_certificates() -> None:
    """One at a time, and eight at once."""
    with running_pebble() as ca, answering(ca.http_port, ca.tls_port) as responder:
        figures = asyncio.run(issuance._ours(ca, responder, 1))
    assert figures.wall_ms > 0
    assert figures.rate is not None
    assert "| port443 |" in issuance._row("port443", figures, "50 ms")


def test_a_client_that_is_missing_is_said_to_be() -> None:
    assert issuance._row("lego", None, "") == "| lego | not installed | | | |\n"
