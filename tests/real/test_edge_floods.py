"""Clients that cause events without end: a part of each kind is sent, with the number of those left out."""

import contextlib
import socket
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from edge_harness import NOWHERE
from web import DEADLINE_S, Web, running_web

FLOOD = 1500
BURST = 256
"""What the edge tells of one kind at once."""


def flood(web: Web, first_bytes: bytes) -> None:
    """Connect often, say this, and leave."""
    for _ in range(FLOOD):
        with socket.create_connection(("127.0.0.1", web.port), DEADLINE_S) as tcp:
            tcp.sendall(first_bytes)


def told(web: Web) -> Iterator[dict[str, Any]]:
    """Return what has been told, up to the summary that makes the flood whole."""
    with contextlib.closing(web.edge.events()) as events:
        count = 0
        for event in events:
            yield event
            count += event.get("count", event["name"] == "handshake_failed")
            if count >= FLOOD:
                return


def test_a_flood_of_one_kind_leaves_room_for_other_events(tmp_path: Path) -> None:
    """Plain HTTP on the TLS port, 1,500 times: the events hold a burst of it, and the number of the rest."""
    with running_web(tmp_path, *NOWHERE) as web:
        flood(web, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        events = list(islice(told(web), 2 * FLOOD))
        assert web.edge.stats()["handshake_failures"] == {"plain_http": FLOOD}
        failures = [event for event in events if event["name"] == "handshake_failed"]
        assert {event["reason"] for event in failures} == {"plain_http"}
        assert BURST <= len(failures) < FLOOD / 2
        summaries = [event for event in events if event["name"] == "events_suppressed"]
        assert {(event["event"], event["reason"]) for event in summaries} == {
            ("handshake_failed", "plain_http")
        }
        assert len(failures) + sum(event["count"] for event in summaries) == FLOOD
