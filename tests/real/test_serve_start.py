"""A start that takes its time: the admin socket answers from the first second."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from port443 import __version__
from port443.adapters.sample_backend import SampleBackend
from port443.core.errors import Port443Error
from port443.edge.locate import locate_program
from port443.settings.environment import Environment
from port443.wiring import ask_serve, status_of, stop_serve
from serving import Serving
from waiting import HANG_S, wait_until

pytestmark = [pytest.mark.machine, pytest.mark.slow]
NAME = "app.localhost"


@pytest.fixture
def gate(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have an edge program that begins when the returned file is there, and no sooner."""
    program, gate = short_directory / "port443-edge", short_directory / "gate"
    real = locate_program(Environment.read().edge)
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo port443-edge {__version__}; exit; fi\n'
        f'until [ -e {gate} ]; do sleep 0.02; done\nexec {real} "$@"\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("PORT443_EDGE", str(program))
    return gate


def test_a_start_is_told_while_it_lasts(serving: Serving, gate: Path) -> None:
    """There is no site yet; a reload that waits comes after it, and finds everything right."""
    serving.start()
    told = wait_until(serving.status)
    assert (told["starting"], told["edge"], told["sites"]) == ("it starts the edge", None, [])
    assert [problem["code"] for problem in told["problems"]] == ["starting"]
    with ThreadPoolExecutor() as pool:
        reloading = pool.submit(serving.reload)
        gate.touch()
        assert reloading.result(HANG_S)["whole"] is True
    assert serving.wait_ready()["problems"] == []


def test_what_a_reload_asks_for_during_the_start_is_served(
    serving: Serving, gate: Path, backend: SampleBackend
) -> None:
    serving.start()
    wait_until(serving.status)
    serving.write({NAME: backend.url, "two.localhost": backend.url})
    assert asyncio.run(ask_serve(serving.runtime, lambda app: app.ask_reload())).asked
    gate.touch()
    wait_until(lambda: len(serving.wait_ready()["sites"]) == 2)


def test_a_start_can_be_stopped(serving: Serving, gate: Path) -> None:
    """Serve ends as after any stop, and so does what it has started; whoever waits for a reload is told."""
    serving.start()
    wait_until(serving.status)
    assert serving.process
    with ThreadPoolExecutor() as pool:
        reloading = pool.submit(serving.reload)
        stopped = asyncio.run(stop_serve(serving.runtime))
        assert (stopped.serve, stopped.edge) == (serving.process.pid, None)
        assert isinstance(reloading.exception(HANG_S), Port443Error)
    assert serving.process.wait(HANG_S) == 0, serving.log()
    assert serving.edge_pid() is None
    assert not gate.exists()
    assert "Traceback" not in serving.log()
    assert '"event": "serving"' not in serving.log()


def test_jobs_stand_in_the_status(serving: Serving) -> None:
    """The certificate's, with its next moment, the round's, and that of the files; all have gone well."""
    jobs = {job["name"]: job for job in serving.started().wait_ready()["jobs"]}
    assert {f"certificate/{NAME}", "round", "watched_files", "proof"} <= jobs.keys()
    assert {job["last_code"] for job in jobs.values()} == {None}
    certificate = jobs[f"certificate/{NAME}"]
    assert certificate["next_at"] == status_certificate(serving)
    assert certificate["last_message"].startswith(NAME)


def status_certificate(serving: Serving) -> str | None:
    (site,) = asyncio.run(status_of(serving.runtime)).sites
    assert site.certificate
    return site.certificate.renews_at
