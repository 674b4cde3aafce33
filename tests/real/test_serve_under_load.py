"""What visitors notice of changes and crashes: of changes nothing, of crashes as little as can be."""

import os
import signal
from typing import Any

import pytest

from port443.adapters.sample_backend import SampleBackend
from serving import Load, Serving
from waiting import wait_until

pytestmark = [pytest.mark.machine, pytest.mark.slow]
APPLIES = 60


def test_applies_under_load_lose_no_request(serving: Serving, backend: SampleBackend) -> None:
    """Another snapshot each time, under load: every request is answered on its connection."""
    variants: list[dict[str, Any]] = [
        {"app.localhost": backend.url},
        {"app.localhost": {"to": backend.url, "hsts": {"max_age": "30d"}}},
        {"app.localhost": {"to": backend.url, "tls": "modern", "aliases": ["www.app.localhost"]}},
        {"app.localhost": [backend.url, backend.url.replace("127.0.0.1", "localhost")]},
    ]
    serving.started()
    running = set()
    with Load(serving).running() as load:
        for number in range(APPLIES):
            serving.write(variants[number % len(variants)])
            answer = serving.reload()
            assert answer["whole"], serving.log()
            running.add(answer["running"])
        load.wait_more(50)
    assert load.failures == []
    assert load.reconnected == 0
    # The names change twice a cycle, and with them the certificate: no two snapshots are the same.
    assert len(running) == APPLIES


def test_a_killed_edge_is_back_with_the_same_snapshot_and_sockets(serving: Serving) -> None:
    """Connections that were open break; no new one is refused, and the same snapshot runs again."""
    before = serving.started().wait_ready()["edge"]
    load = Load(serving, tolerate_broken=True)
    with load.running():
        load.wait_more(50)
        os.kill(before["pid"], signal.SIGKILL)
        wait_until(lambda: serving.edge_pid() not in {None, before["pid"]})
        load.wait_more(200)
    after = serving.wait_ready()["edge"]
    assert load.failures == []
    assert after["running"] == before["running"]
    assert after["boot"] != before["boot"]


def test_a_killed_serve_is_followed_without_a_lost_connection(serving: Serving) -> None:
    """The edge goes on alone, and the next serve takes it over: no request fails."""
    before = serving.started().wait_ready()["edge"]
    with Load(serving).running() as load:
        load.wait_more(50)
        serving.kill()
        load.wait_more(200)
        assert serving.edge_pid() == before["pid"]
        serving.started()
        load.wait_more(200)
        after = serving.wait_ready()
    assert load.failures == []
    assert load.reconnected == 0
    assert after["edge"]["pid"] == before["pid"]
    assert after["edge"]["adopted"]
    assert after["problems"] == []
    assert {proof["verdict"] for proof in after["sites"][0]["proofs"]} == {"same"}


def test_serve_and_edge_killed_together_come_back_with_the_same_certificate(serving: Serving) -> None:
    """After a power cut the next start serves what was issued before it."""
    before = serving.started().wait_ready()
    edge = serving.edge_pid()
    assert edge
    serving.kill()
    os.kill(edge, signal.SIGKILL)
    wait_until(lambda: serving.edge_pid() is None)
    after = serving.started().wait_ready()
    assert after["sites"][0]["certificate"] == {
        **before["sites"][0]["certificate"],
        "seconds_left": after["sites"][0]["certificate"]["seconds_left"],
    }
    assert after["problems"] == []
