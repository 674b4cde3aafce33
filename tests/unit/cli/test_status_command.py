"""`port443 status` as its reader sees it: marks, summary, one site, the brief form, exit codes."""

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from port443.cli import status as command
from port443.cli.exits import UsageInvalid
from port443.core.control.status import (
    EdgeStatus,
    HstsStatus,
    JobStatus,
    Problem,
    ServerStatus,
    Severity,
    SiteStatus,
    StatusDocument,
    Verdict,
)


def site(name: str, verdict: Verdict = "good", hsts: HstsStatus | None = None) -> SiteStatus:
    return SiteStatus(
        id=name, names=(name, f"www.{name}"), verdict=verdict, state="running", waits_for=None,
        tls="intermediate",
        upstreams=("a:80", "b:80", "c:80"),
        servers=(ServerStatus("a:80", None), ServerStatus("b:80", "nothing listens")),
        certificate=None, hsts=hsts or fixed(None), client_cas=(), proofs=(),
    )  # fmt: skip


def fixed(max_age_s: int | None) -> HstsStatus:
    return HstsStatus("settings", max_age_s, False, False, None, None, None)  # noqa: FBT003


def ladder(max_age_s: int | None, step: int | None = None, next_at: str | None = None) -> HstsStatus:
    return HstsStatus("ladder", max_age_s, False, False, step, None, next_at)  # noqa: FBT003


def problem(site: str | None, severity: Severity, cause: str, about: str = "edge") -> Problem:
    return Problem("a_code", severity, site, site or about, cause, "do that")


def job(name: str, **values: Any) -> JobStatus:
    fields = {"state": "waiting", "progress": None, "next_at": None, "failures": 0, "last_at": None}
    return JobStatus(name, **(fields | {"last_code": None, "last_message": None} | values))


def document(*sites: SiteStatus, problems: tuple[Problem, ...] = (), **values: Any) -> StatusDocument:
    gravities = {one.severity for one in problems}
    edge = EdgeStatus(
        version="0.1.0", contract=1, boot="b", pid=4711, since="2026-03-01T12:00:00+00:00", workers=2,
        epoch=1, boot_copy_in_memory=True, adopted=False,
        restarts=3, restarted_at="2026-03-01T13:00:00+00:00", running="ab" * 32,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "schema": "port443.status/1", "at": "2026-03-01T14:00:00+00:00",
        "verdict": "error" if "error" in gravities else "warning" if gravities else "good",
        "version": "0.1.0", "pid": 1, "since": "2026-03-01T12:00:00+00:00", "edge": edge,
        "settings": "p.yaml", "state": "/s", "runtime": "/r", "listeners": (), "starting": None,
        "sites": sites, "jobs": (), "last_round": None, "last_reload": None,
        "problems": problems, "stats": None,
    }  # fmt: skip
    return StatusDocument(**(fields | values))


def run(monkeypatch: pytest.MonkeyPatch, told: StatusDocument, *args: str) -> Result:
    async def answer(*_: object) -> StatusDocument:
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
        "✗ 1 of 500 sites with errors: ill.test",
    ]


def test_one_site_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """By any of its names; what is wrong elsewhere is not its reader's business."""
    told = document(site("ill.test", "error"), site("well.test"),
                    problems=(problem("ill.test", "error", "it fails"),))  # fmt: skip
    well = run(monkeypatch, told, "www.well.test")
    assert (well.return_value, "ill.test" in well.stdout) == (0, False)
    assert well.stdout.splitlines()[-1] == "✓ 1 site: everything matches the settings"
    assert run(monkeypatch, told, "ill.test").return_value == 1
    wrong = run(monkeypatch, told, "wel.test").exception
    assert isinstance(wrong, UsageInvalid)
    assert wrong.hint == "did you mean well.test?"


def test_what_needs_attention_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning is marked, named in the summary, and tells by the exit code."""
    problems = (problem("a.test", "warning", "it ends soon"), problem(None, "warning", "it was restarted"))
    done = run(monkeypatch, document(site("a.test", "warning"), site("b.test"), problems=problems))
    assert done.return_value == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == "! 1 of 2 sites with warnings: a.test; differs from the settings: edge"
    assert "    ! it ends soon (a_code)" in lines
    assert "    to           \u2713 a:80, \u2717 b:80, c:80" in lines
    assert "! edge: it was restarted (a_code)" in lines
    assert any(line.startswith("restarts  3, the last at 2026-03-01 13:00:00 ") for line in lines)


def test_a_pending_site_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a certificate and its proof, which there cannot be yet."""
    new = replace(site("new.test", "warning"), state="pending", waits_for="the CA validates new.test")
    lines = run(monkeypatch, document(new)).stdout.splitlines()
    assert "! new.test, www.new.test  refused until its first certificate is there" in lines
    assert "    certificate  on order: the CA validates new.test" in lines
    assert not any("served" in line for line in lines)


@pytest.mark.parametrize(
    ("hsts", "told"),
    [
        (
            ladder(300, 0, "2026-03-01T12:05:00+00:00"),
            "max-age 5 min, step 1 of the ladder, the next from 2026-03-01 ",
        ),
        (
            ladder(31_536_000, 3),
            "max-age 365 d, step 4 of the ladder, the last",
        ),
        (ladder(None), "none: never for localhost or an address"),
        (fixed(None), "none"),
        (fixed(86_400), "max-age 1 d, from the settings"),
    ],
    ids=["first step", "last step", "localhost", "none", "fixed"],
)
def test_hsts_is_told_with_its_next_date(
    hsts: HstsStatus, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site's step of the ladder, and when the next one comes."""
    shown = run(monkeypatch, document(site("a.test", hsts=hsts))).stdout
    assert f"    hsts         {told}" in shown


def test_a_start_is_told_with_what_it_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no site yet to complain about, whichever is asked for, and no silent edge."""
    waiting = problem(None, "warning", "starting: it starts the edge", about="port443 serve")
    told = document(problems=(waiting,), edge=None, starting="it starts the edge")
    for args in ((), ("a.test",)):
        done = run(monkeypatch, told, *args)
        assert done.return_value == 1
        assert "! port443 serve: starting: it starts the edge (a_code)" in done.stdout
        assert "does not answer" not in done.stdout


def test_jobs_are_told_that_run_or_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are nobody's news; many are counted."""
    failed = job("certificate/b.test", failures=3, next_at="2026-03-01T13:00:00+00:00")
    runs = job("watched_files", state="running", progress="looking at files")
    told = document(jobs=(job("certificate/a.test"), failed, runs))
    lines = [line for line in run(monkeypatch, told).stdout.splitlines() if line.startswith("job ")]
    assert lines == [
        "job       certificate/b.test: failed 3 times, again at 2026-03-01 13:00:00 UTC",
        "job       watched_files: looking at files",
    ]
    many = document(jobs=tuple(job(f"certificate/{number}.test", failures=1) for number in range(7)))
    assert "job       and 2 more: port443 status --json" in run(monkeypatch, many).stdout
