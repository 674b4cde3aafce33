"""Every name that the product prints has a page in `port443 explain`: codes, events, reasons, problems."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from port443.app.prove import ProofProblem
from port443.cli.explain import all_pages, other_names
from port443.cli.glossary import named_pages
from port443.cli.main import run
from port443.core.contract.events import (
    EVENTS,
)
from port443.core.contract.reasons import (
    HandshakeFailure,
    Http2Cutoff,
    ListenerState,
    QuarantineCode,
    RequestRefusal,
    TlsFailure,
    UpstreamFailure,
)
from port443.core.control.events import AppEvent, CertificateEventName

TOP = Path(__file__).parents[2]
SOURCE = TOP / "src" / "port443"
TOPICS = {"hsts", "policy"}
ADD_IT = "add it to src/port443/cli/glossary.toml"


def python() -> Iterator[str]:
    for path in SOURCE.rglob("*.py"):
        yield path.read_text()


def printed() -> Iterator[str]:
    """Yield every name that stands in an event, a log line or the status."""
    yield from EVENTS
    yield from set(ListenerState) - {ListenerState.LISTENING}
    yield from get_args(ProofProblem)
    yield from get_args(CertificateEventName)
    yield from (kind.name for kind in get_args(AppEvent) if isinstance(kind.name, str))
    kinds = (HandshakeFailure, TlsFailure, RequestRefusal, Http2Cutoff, UpstreamFailure, QuarantineCode)
    for reasons in kinds:
        yield from reasons
    for text in python():
        yield from re.findall(r'\blog\.(?:debug|info|warning|error)\(\s*"(\w+)"', text)
        yield from re.findall(r'\b_line\(logging\.\w+, "(\w+)"', text)
        yield from re.findall(r'\bProblem\(\s*"(\w+)"', text)
        yield from re.findall(r'\("(\w+)", "(?:error|warning)"\)', text)


def codes() -> Iterator[str]:
    """Yield every code that stands anywhere in the product or in what is written about it."""
    pages = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
    for text in (*python(), *(page.read_text() for page in pages)):
        yield from re.findall(r"P443-[A-Z]+-?[0-9]{3}\b", text)


def test_the_search_finds_names_of_every_kind() -> None:
    """What follows is about names that were really found."""
    found = set(printed())
    assert {"not_tls", "rapid_reset", "pool_full", "key_mismatch", "bare_cr", "certificate_issued"} <= found
    assert {"runtime_not_in_memory", "served_is_not_issued", "reload_refused", "upstream_went_down"} <= found


def test_every_name_has_a_page() -> None:
    assert set(printed()) - set(named_pages()) == set(), ADD_IT


def test_an_event_of_the_control_plane_has_no_name_of_the_edge() -> None:
    """Both stand in one log: one name there means one thing."""
    assert EVENTS.keys() & {kind.name for kind in get_args(AppEvent)} == set()


def test_no_page_is_of_a_name_that_nothing_prints() -> None:
    """A name that has gone takes its page along."""
    known = {*printed(), *TOPICS}
    assert set(named_pages()) - known == set()


def test_every_code_has_a_page() -> None:
    unknown = set(codes()) - set(all_pages())
    assert {code for code in unknown if not code.endswith("00")} == set()


@pytest.mark.parametrize(
    "name", ["not_tls", "NOT-TLS", "runtime_not_in_memory", "stale_base", "key-unknown", "hsts"]
)
def test_explain_takes_a_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In any spelling: as events, problems and mistakes print it."""
    assert run(["explain", name]) == 0
    assert capsys.readouterr().out.strip()


def test_words_of_codes_lead_to_codes() -> None:
    assert set(other_names().values()) <= set(all_pages())


def test_a_misspelt_name_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "runtime_not_in_memroy"]) == 2
    assert "did you mean runtime_not_in_memory?" in capsys.readouterr().err
