"""What is looked at before an order, by real handshakes on loopback: here, elsewhere, or nowhere."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from acme_bench import AcmeBench, Transport
from acme_ca import Answer, Instead
from free_ports import free_port
from pebble import Responder, answering
from port443.adapters.dial import Dialler
from port443.app.preflight import Preflight
from port443.core.acme.challenges import HttpAnswer, PendingAnswer
from port443.core.control.certificates import PreflightCheck
from port443.core.names import Endpoint
from port443.core.renew.known_cas import KNOWN_CAS, RateLimit
from port443.core.renew.records import Spent
from tls_certs import Wish, ec_key, issue, write
from tls_servers import python_server

LISTENING = Endpoint("127.0.0.1", 8443)


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def responder(ports: tuple[int, int]) -> Iterator[Responder]:
    with answering(*ports) as running:
        yield running


def look(bench: AcmeBench, port: int, responder: Responder | None = None) -> list[PreflightCheck]:
    """Look first; what is published is answered by `responder`, which stands for our edge."""
    published: list[tuple[PendingAnswer, ...]] = []
    services = bench.issuer.services

    async def apply() -> None:
        published.append(services.answers.of(bench.site.id))
        if responder:
            responder.put(bench, published[-1])

    services.answers.set_apply(apply)

    async def play() -> list[PreflightCheck]:
        wanted = await bench.issuer.wanted(bench.site)
        preflight = Preflight(services, Dialler(), (LISTENING,), port)
        return [check async for check in preflight.checks(wanted)]

    checks = asyncio.run(play())
    assert published[-1:] in ([], [()])  # whatever was answered is withdrawn
    return checks


def about(checks: list[PreflightCheck], what: str) -> PreflightCheck:
    return next(check for check in checks if check.about == what)


@pytest.fixture
def bench() -> AcmeBench:
    return AcmeBench(cas=("first",), names=("127.0.0.1", "app.localhost"))


def test_names_that_lead_here_are_told_from_those_that_do_not(
    bench: AcmeBench, ports: tuple[int, int], responder: Responder
) -> None:
    """Each address of each name is asked for an answer that only this server has."""
    checks = look(bench, ports[1], responder)
    told = {check.text: check.verdict for check in checks if check.about == "address"}
    assert told[f"127.0.0.1 on 127.0.0.1:{ports[1]} leads here"] == "good"
    assert told[f"app.localhost on 127.0.0.1:{ports[1]} leads here"] == "good"
    assert about(checks, "listening").verdict == "warning"
    assert about(checks, "CA").verdict == about(checks, "rate limit").verdict == "good"
    assert bench.first.orders == []


@pytest.mark.usefixtures("responder")
def test_another_server_is_a_no_and_silence_is_none(
    bench: AcmeBench, ports: tuple[int, int], tmp_path: Path
) -> None:
    """A server that refuses the challenge's hello is there, and is not ours; a closed port says nothing."""
    refused = about(look(bench, ports[1]), "address")
    assert (refused.verdict, "is another server" in refused.text) == ("failed", True)
    leaf = issue(Wish(), ec_key())
    with python_server(write(tmp_path, leaf, ())) as other:
        shown = about(look(bench, other.port), "address")
    assert (shown.verdict, "is another server" in shown.text) == ("failed", True)
    silent = about(look(bench, free_port()), "address")
    assert (silent.verdict, "not visible from here" in silent.text) == ("warning", True)


def test_what_the_ca_would_refuse_is_known_before(bench: AcmeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its terms, its binding, a profile that it lacks, a clock that is off, a limit that is spent."""
    bench.first.meta = {"termsOfService": "https://first.test/terms", "externalAccountRequired": True}
    bench.profile = "long"
    limits = (RateLimit("failed_validation", 1, timedelta(hours=1)),)
    known = replace(KNOWN_CAS[1], directory="https://first.test/directory", limits=limits)
    monkeypatch.setattr("port443.app.acme_attempt.BY_DIRECTORY", {known.directory: known})
    spent = Spent("failed_validation", "127.0.0.1", bench.clock.now())
    asyncio.run(bench.store.note_spent(known.directory, [spent]))
    ahead = bench.clock.now() + timedelta(minutes=6)
    directory = Transport.directory

    async def dated(transport: Transport) -> Any:
        return replace(await directory(transport), date=ahead)

    monkeypatch.setattr(Transport, "directory", dated)
    checks = look(bench, free_port())
    failed = [check.about for check in checks if check.verdict == "failed"]
    assert failed == ["account", "account", "profile", "clock", "rate limit"]
    assert all(check.hint for check in checks if check.verdict != "good")


def test_a_ca_that_does_not_answer_is_told(bench: AcmeBench) -> None:
    bench.first.every["directory"] = Instead(Answer(404))
    checks = look(bench, free_port())
    assert (about(checks, "CA").verdict, bench.first.orders) == ("failed", [])


def test_an_order_under_way_is_not_disturbed(bench: AcmeBench) -> None:
    services = bench.issuer.services

    async def nothing() -> None:
        return

    async def play() -> list[PreflightCheck]:
        services.answers.set_apply(nothing)
        wanted = await bench.issuer.wanted(bench.site)
        preflight = Preflight(services, Dialler(), (LISTENING,), free_port())
        answer = (HttpAnswer("token", "token.thumbprint"),)
        await services.answers.publish(bench.site.id, answer)
        checks = [check async for check in preflight.checks(wanted)]
        assert services.answers.of(bench.site.id) == answer
        return checks

    assert "is under way" in about(asyncio.run(play()), "address").text
