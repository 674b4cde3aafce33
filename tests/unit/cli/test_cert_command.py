"""`port443 cert` as its reader sees it: lines, stories, exit codes."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from port443.app.certificate_story import risk
from port443.cli import cert as command
from port443.core.control.certificates import (
    CertificateDocument,
    CertificateLine,
    CertificateOrdered,
    CertificatesDocument,
    RenewalStatus,
)
from port443.core.control.status import CertificateStatus, ProofStatus
from standin_app import LINE, STORY, StandInApp

AT = "2026-03-01T12:00:00+00:00"
CERTIFICATE = CertificateStatus(
    source="ACME CA", subject="", issuer="CN=R3", names=("b.test",), key="ECDSA P-256", fingerprint="ab" * 32,
    not_before=AT, not_after="2026-05-30T12:00:00+00:00", seconds_left=86400, renews_at=AT, warnings=(),
)  # fmt: skip
GOOD = replace(
    LINE, site="b.test", state="good", certificate=CERTIFICATE, life_left_percent=66, failures=0, fault=None,
    next_step="renewed when its CA suggests", next_at=AT,
)  # fmt: skip


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> StandInApp:
    app = StandInApp()

    async def ask(_: Path | None, verb: Callable[[StandInApp], Awaitable[Any]]) -> Any:
        return await verb(app)

    monkeypatch.setattr(command, "ask_serve", ask)
    return app


def cert(*args: str) -> Result:
    return CliRunner().invoke(command.cert, args, standalone_mode=False)


def test_the_list_has_a_line_for_each_with_what_comes_next(
    app: StandInApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def certificates() -> CertificatesDocument:
        return CertificatesDocument("port443.cert.list/1", AT, (LINE, GOOD))

    monkeypatch.setattr(app, "certificates", certificates)
    result = cert("list")
    first, fault, second = result.stdout.splitlines()
    assert result.return_value == 1
    assert first.startswith("✗ a.test  missing  letsencrypt  next: tried again 2026-03-01 ")
    assert fault == "    a.test leads elsewhere (3 failed)"
    assert second.startswith("✓ b.test  good  letsencrypt  ends 2026-05-30 ")
    assert "(66 % left)  next: renewed when its CA suggests 2026-03-01 " in second
    assert json.loads(cert("list", "--json").stdout)["certificates"][1]["site"] == "b.test"


def test_the_story_has_every_attempt_with_its_cause(app: StandInApp) -> None:
    result = cert("show", "a.test")
    assert app.asked == ["certificate a.test"]
    assert result.return_value == 1
    for told in (
        "attempt      ✗ 2026-03-01",
        "letsencrypt, first: a.test leads elsewhere (P443-E248)",
        "at: ready to be validated: a.test",
        "hint: lead it here",
        "order: https://ca.test/order/1",
        "order        https://ca.test/order/2, since 2026-03-01",
    ):
        assert told in result.stdout
    assert json.loads(cert("show", "a.test", "--json").stdout)["schema"] == "port443.cert.show/1"


def test_the_story_of_a_good_one_says_when_it_is_renewed_and_where_it_is_served(
    app: StandInApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewal = RenewalStatus(AT, "renewal_information", AT, AT, "https://ca.test/why", AT)
    served = (
        ProofStatus("127.0.0.1:443", "b.test", "same", "", AT),
        ProofStatus("[::1]:443", "b.test", "different", "another certificate", AT),
    )

    async def certificate(_: str) -> CertificateDocument:
        return replace(STORY, line=GOOD, renewal=renewal, order=None, attempts=(), served=served)

    monkeypatch.setattr(app, "certificate", certificate)
    result = cert("show", "b.test")
    assert result.return_value == 0
    for told in (
        "(renewal_information)",
        "see https://ca.test/why; asked again 2026-03-01",
        "✓ b.test on 127.0.0.1:443: served as issued",
        "✗ b.test on [::1]:443: another certificate",
    ):
        assert told in result.stdout


def test_issue_and_renew_say_what_came_of_it(app: StandInApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """0: there is a good one; 3: it could not be had, with its code and when it is tried again."""
    renewed = cert("renew", "a.test")
    assert (renewed.return_value, renewed.stderr.split()) == (0, ["✓", "cert", "issued"])
    assert "nothing was ordered" in cert("issue", "a.test").stderr
    assert app.asked == ["order a.test True", "order a.test False"]

    async def order(name: str, *, anew: bool) -> CertificateOrdered:
        return CertificateOrdered(
            "port443.cert.order/1", name, anew, "P443-E248", "another server", "port443 cert show a.test", AT
        )

    monkeypatch.setattr(app, "order_certificate", order)
    failed = cert("renew", "a.test")
    assert failed.return_value == 3
    assert "another server (P443-E248); tried again 2026-03-01" in failed.stderr
    assert json.loads(cert("renew", "a.test", "--json").stdout)["code"] == "P443-E248"


def test_a_dry_run_orders_nothing_and_says_what_speaks_against_it(app: StandInApp) -> None:
    result = cert("issue", "--dry-run", "a.test")
    assert (result.return_value, app.asked) == (1, ["preflight a.test"])
    first, second, hint = result.stdout.splitlines()
    assert first == "✓ listening  port 443 is listened on"
    assert second == "✗ address    a.test on 192.0.2.1:443 is another server"
    assert "lead it here" in hint
    assert json.loads(cert("issue", "-n", "a.test", "--json").stdout)["ca"] == "letsencrypt"


def test_nothing_is_revoked_without_a_yes(app: StandInApp) -> None:
    refused = cert("revoke", "a.test")
    assert (refused.return_value, app.asked) == (5, [])
    assert "port443 cert revoke a.test --reason superseded --yes" in refused.stderr
    revoked = cert("revoke", "a.test", "--reason", "key-compromise", "--yes")
    assert (revoked.return_value, app.asked) == (0, ["revoke a.test key-compromise"])
    assert json.loads(cert("revoke", "a.test", "--yes", "--json").stdout)["serial"] == "0a"


def test_the_list_begins_with_the_greatest_risk() -> None:
    """Nothing served, then what is on order, then failures, each by the life that is left."""

    def line(site: str, state: Any, left: int | None, failures: int = 0) -> CertificateLine:
        return replace(GOOD, site=site, state=state, life_left_percent=left, failures=failures)

    lines = [
        line("good", "good", 80),
        line("older", "good", 40),
        line("failing", "failing", 50, 1),
        line("often", "failing", 50, 9),
        line("pending", "pending", None),
        line("missing", "missing", None, 3),
        line("ended", "ended", 0),
    ]
    ordered = [one.site for one in sorted(lines, key=risk)]
    assert ordered == ["ended", "missing", "pending", "often", "failing", "older", "good"]
