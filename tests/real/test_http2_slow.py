"""HTTP/2 clients that dawdle, stall or leave, frame by frame, and what becomes of their other streams."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from http2_frames import (
    CONNECTION_WINDOW,
    DATA,
    END_HEADERS,
    HEADERS,
    PING,
    RST_STREAM,
    STREAM_WINDOW,
    WINDOW_UPDATE,
    Http2,
    frame,
    http2,
    request,
)
from upstreams import Received, Visit
from web import Web, web_before

from waiting import wait_until

UPLOAD = frame(HEADERS, END_HEADERS, 1, request(method="POST"))
PIECE = bytes(16384)


def fill(client: Http2, stream: int) -> None:
    """Send a body until the windows are shut and stay so."""
    windows = {0: CONNECTION_WINDOW, stream: STREAM_WINDOW}
    silent = 0
    while silent < 20:
        while min(windows.values()) >= len(PIECE):
            client.send(frame(DATA, stream=stream, payload=PIECE))
            windows = {number: window - len(PIECE) for number, window in windows.items()}
        client.send(frame(PING, payload=bytes(8)))
        silent += 1
        while (found := client.read()) and found.kind != PING:
            if found.kind == WINDOW_UPDATE:
                windows[found.stream] += int.from_bytes(found.payload)
                silent = 0


def reset(client: Http2) -> None:
    """Break the first stream off."""
    client.send(frame(RST_STREAM, stream=1, payload=bytes(4)))


def hang_up(client: Http2) -> None:
    """Leave without a word."""
    client.tls.close()


def upstream_connections(web: Web) -> int:
    """Count the connections to servers that are open now."""
    count: int = web.edge.stats()["upstream"]["connections_open"]
    return count


@pytest.mark.parametrize("leave", [reset, hang_up])
def test_who_leaves_while_an_upload_is_stuck_cancels_it(
    tmp_path: Path, leave: Callable[[Http2], None]
) -> None:
    """Nobody waits for a server that takes no more, when the client has left."""
    turn = threading.Event()

    def take_nothing(_visit: Visit, _request: Received) -> None:
        turn.wait(20)

    with web_before(tmp_path, take_nothing) as (web, _), http2(web) as client:
        client.send(UPLOAD)
        fill(client, 1)
        assert upstream_connections(web) == 1
        leave(client)
        wait_until(lambda: upstream_connections(web) == 0)
        assert web.edge.stats()["upstream"]["failures"] == {}
        turn.set()
