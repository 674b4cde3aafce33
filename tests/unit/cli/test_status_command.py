"""`port443 status` as its reader sees it: marks, summary, one site, the brief form, exit codes."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from port443.cli import status as command
from port443.cli.exits import UsageWrong


def site(name: str, verdict: str = "good") -> dict[str, Any]:
    hsts = {"origin": "settings", "max_age_s": None}
    return {
        "id": name, "names": [name, f"www.{name}"], "verdict": verdict, "state": "running",
        "upstreams": ["a:80", "b:80", "c:80"],
        "servers": [{"address": "a:80", "fault": None}, {"address": "b:80", "fault": "nothing listens"}],
        "certificate": None, "hsts": hsts, "client_cas": [], "proofs": [],
    }  # fmt: skip


def problem(site: str | None, severity: str, cause: str, about: str = "edge") -> dict[str, Any]:
    return {"code": "a_code", "severity": severity, "site": site, "about": site or about, "cause": cause,
            "hint": "do that"}  # fmt: skip


def document(*sites: dict[str, Any], problems: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    gravities = {one["severity"] for one in problems}
    verdict = "error" if "error" in gravities else "warning" if gravities else "good"
    edge = {
        "version": "0.1.0", "pid": 4711, "since": "2026-03-01T12:00:00+00:00", "workers": 2, "adopted": False,
        "restarts": 3, "restarted_at": "2026-03-01T13:00:00+00:00", "running": "ab" * 32,
    }  # fmt: skip
    return {
        "verdict": verdict, "version": "0.1.0", "pid": 1, "since": "2026-03-01T12:00:00+00:00", "edge": edge,
        "settings": "p.yaml", "state": "/s", "runtime": "/r", "listeners": [], "sites": list(sites),
        "problems": list(problems), "stats": None,
    }  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], *args: str) -> Result:
    async def answer(*_: object) -> dict[str, Any]:
        return told

    monkeypatch.setattr(command, "status_of", answer)
    monkeypatch.setenv("TZ", "UTC")
    return CliRunner().invoke(command.status, args, standalone_mode=False)


def test_a_site_in_trouble_among_five_hundred_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brief form has what is wrong and the summary, and not the 499 others."""
    sites = [site(f"s{number}.test") for number in range(499)]
    told = document(*sites, site("ill.test", "error"), problems=(problem("ill.test", "error", "it fails"),))
    done = run(monkeypatch, told, "--brief")
    assert done.return_value == 1
    assert done.stdout.splitlines() == [
        "✗ ill.test",
        "    ✗ it fails (a_code)",
        "      hint: do that",
        "✗ 1 of 500 sites in trouble: ill.test",
    ]


def test_one_site_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """By any of its names; what is wrong elsewhere is not its reader's business."""
    told = document(site("ill.test", "error"), site("well.test"),
                    problems=(problem("ill.test", "error", "it fails"),))  # fmt: skip
    well = run(monkeypatch, told, "www.well.test")
    assert (well.return_value, "ill.test" in well.stdout) == (0, False)
    assert well.stdout.splitlines()[-1] == "✓ 1 site: everything is as it was meant to be"
    assert run(monkeypatch, told, "ill.test").return_value == 1
    wrong = run(monkeypatch, told, "wel.test").exception
    assert isinstance(wrong, UsageWrong)
    assert wrong.hint == "did you mean well.test?"


def test_what_needs_attention_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning is marked, named in the summary, and tells by the exit code."""
    problems = (problem("a.test", "warning", "it ends soon"), problem(None, "warning", "it was restarted"))
    done = run(monkeypatch, document(site("a.test", "warning"), site("b.test"), problems=problems))
    assert done.return_value == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == "! 1 of 2 sites to look after: a.test; not as meant: edge"
    assert "    ! it ends soon (a_code)" in lines
    assert "    to           \u2713 a:80, \u2717 b:80, c:80" in lines
    assert "! edge: it was restarted (a_code)" in lines
    assert any(line.startswith("restarts  3, the last at 2026-03-01 13:00:00 ") for line in lines)


@pytest.mark.parametrize(
    ("hsts", "told"),
    [
        (
            {"origin": "ladder", "max_age_s": 300, "step": 0, "next_at": "2026-03-01T12:05:00+00:00"},
            "max-age 5 min, step 1 of the ladder, the next from 2026-03-01 ",
        ),
        (
            {"origin": "ladder", "max_age_s": 31_536_000, "step": 3, "next_at": None},
            "max-age 365 d, step 4 of the ladder, the last",
        ),
        ({"origin": "ladder", "max_age_s": None}, "none: never for localhost or an address"),
        ({"origin": "settings", "max_age_s": None}, "none"),
        ({"origin": "settings", "max_age_s": 86_400}, "max-age 1 d, from the settings"),
    ],
    ids=["first step", "last step", "localhost", "none", "fixed"],
)
def test_hsts_is_told_with_its_next_date(
    hsts: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site's step of the ladder, and when the next one comes."""
    shown = run(monkeypatch, document({**site("a.test"), "hsts": hsts})).stdout
    assert f"    hsts         {told}" in shown
