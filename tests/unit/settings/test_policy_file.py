"""A policy file: what it asks for, what it tolerates, and the place of each mistake."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from port443.cli.scan_bar import Bar, assessments, exit_code_of
from port443.core.grade.baseline import Letter
from port443.core.grade.catalogue import RULES
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.policy import Policy
from port443.core.grade.report import Report, ScanTarget
from port443.core.grade.requirement import Standing
from port443.core.grade.rule import Severity
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint
from port443.core.wire.versions import Version
from port443.settings.diagnostics import SettingsInvalid
from port443.settings.policy_file import read_policy_file
from port443.settings.scan_request import read_policies
from scan_facts import GOOD_WEB, NAME, good, version, with_version, with_web

DAY = date(2026, 5, 1)
OWN = ("versions", "groups", "keys", "signatures", "certificate_days", "hsts", "findings")
WHOLE = """
name: shops
baselines: [mozilla-intermediate, BCP195]
versions: [tls 1.2, TLS 1.3]
suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
groups: [x25519, x25519mlkem768]
keys: [P-256, rsa 3072]
signatures: [ecdsa-with-SHA256]
certificate_days: 100
hsts: 365d
findings: [P443-HTTP-004]
min_grade: a+
fail_on: medium
tolerate:
  - {finding: P443-TLS-003, until: 2027-01-31, reason: old sensors}
  - {requirement: mozilla-intermediate.hsts, reason: not yet}
"""


def read(tmp_path: Path, text: str, day: date = DAY) -> Policy:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return read_policy_file(path, day)


def report(facts: ScanFacts) -> Report:
    judgement, place = judge(RULES, facts), Endpoint("192.0.2.1", 443)
    graded = grade(judgement, facts, SSL_LABS_2009R)
    return Report(ScanTarget(NAME), place, (), (), facts.now, 0.1, 9, facts, judgement, graded)


def bar(policy: Policy, day: date = DAY) -> Bar:
    return Bar(policy.min_grade, policy.fail_on, policy.baselines, policy.tolerated(day))


def test_a_policy_asks_for_baselines_and_for_more(tmp_path: Path) -> None:
    """Names in any case, an own baseline of its own demands, a grade and a severity."""
    policy = read(tmp_path, WHOLE)
    assert [one.id for one in policy.baselines] == ["mozilla-intermediate-6.0", "bcp195-2022", "shops"]
    assert (policy.min_grade, policy.fail_on) == (Letter.A_PLUS, Severity.MEDIUM)
    own = {one.requirement.key: one.standing for one in assessments(report(good()), bar(policy))[-1].results}
    assert own == {
        **dict.fromkeys(
            ("versions", "groups", "keys", "signatures", "certificate_days", "hsts", "findings"), Standing.MET
        ),
        "suites": Standing.BROKEN,
    }


def test_what_is_tolerated_does_not_count_until_its_day(tmp_path: Path) -> None:
    """Neither the finding nor the requirement; the day after, both do; the letter stays what it is."""
    policy = read(tmp_path, f"baselines: [bcp195]\nfail_on: medium\n{WHOLE[WHOLE.index('tolerate') :]}")
    old = report(with_version(version(Version.TLS_1_0, 0xC013)))
    assert old.grade.letter is Letter.B
    assert exit_code_of(old, bar(policy)) == 0
    assert exit_code_of(old, bar(policy, date(2027, 2, 1))) == 1
    hsts = replace(GOOD_WEB, policy=replace(GOOD_WEB.policy, max_age_s=31536000))  # type: ignore[type-var]
    mozilla = assessments(report(with_web(hsts)), bar(read(tmp_path, WHOLE)))[0]
    (excused,) = [one for one in mozilla.results if one.requirement.key == "hsts"]
    assert excused.standing is Standing.EXEMPT
    assert "not yet" in excused.reason


def test_an_empty_policy_asks_for_nothing(tmp_path: Path) -> None:
    """Every key may be left out."""
    assert read(tmp_path, "name: nothing\n") == Policy()


WRONG = {
    "baseline: [bcp195]": ("1:1", "did you mean `baselines`"),
    "baselines: [bcp]": ("1:13", "there is no baseline `bcp`"),
    "baselines: [mozilla-old]": ("1:13", "in force"),
    "versions: [TLS 1.4]": ("1:12", "there is no protocol version `TLS 1.4`"),
    "groups: [x25518]": ("1:10", "did you mean `x25519`"),
    "findings: [P443-TLS-999]": ("1:12", "there is no finding"),
    "hsts: soon": ("1:7", "not a duration"),
    "certificate_days: many": ("1:19", "certificate_days"),
    "min_grade: Z": ("1:12", "there is no grade `Z`"),
    "tolerate:\n  - {finding: P443-TLS-003}": ("2:5", "`reason` is missing"),
    "tolerate:\n  - {finding: P443-TLS-003, reason: a, until: soon}": ("2:47", "`soon` is no day"),
    "- a": ("1:1", "a policy is written as"),
    "a: b: c": ("1:5", ""),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_shown_at_its_place(tmp_path: Path, text: str) -> None:
    """Line, column, what is wrong, and what was probably meant."""
    place, words = WRONG[text]
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path, text)
    shown = caught.value.report()
    assert f"policy.yaml:{place}" in shown
    assert words in shown


def test_files_and_baselines_are_put_together(tmp_path: Path) -> None:
    """The strictest grade and severity of all that are named hold."""
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("min_grade: B\nfail_on: critical\nbaselines: [bcp195]")
    second.write_text("min_grade: A\nfail_on: low")
    policy = read_policies([str(first), str(second), "hstspreload", "bcp195"], DAY)
    assert (policy.min_grade, policy.fail_on) == (Letter.A, Severity.LOW)
    assert [one.family for one in policy.baselines] == ["bcp195", "hstspreload"]


def test_the_schema_takes_what_is_read_and_no_unknown_word() -> None:
    """Editors complete and check by it: words in their own spelling, and the keys that there are."""
    schema = json.loads((Path(__file__).parents[3] / "contract" / "policy.schema.json").read_text())
    whole = YAML(typ="safe", pure=True).load(WHOLE.replace("BCP195", "bcp195").replace("tls 1.2", "TLS 1.2"))
    whole |= {"groups": ["x25519", "X25519MLKEM768"], "min_grade": "A+"}
    whole["tolerate"][0]["until"] = "2027-01-31"
    jsonschema.validate(whole, schema)
    mistakes: list[dict[str, object]] = [
        {"suite": []},
        {"suites": ["TLS_NONE"]},
        {"fail_on": "bad"},
        {"tolerate": [{}]},
    ]
    for wrong in mistakes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
