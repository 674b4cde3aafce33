"""A policy file as written, to a policy: the demands of an operator on scanned servers."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from port443.core.grade.baseline import Letter, Source
from port443.core.grade.baselines import BASELINES, find_baseline
from port443.core.grade.catalogue import RULE_OF
from port443.core.grade.policy import Policy, Tolerance
from port443.core.grade.requirement import (
    Baseline,
    GroupsOnly,
    HSTSAtLeast,
    Judge,
    KeysOnly,
    LivesAtMost,
    NoFinding,
    Requirement,
    SignaturesOnly,
    SuitesOnly,
    VersionsOnly,
)
from port443.core.grade.rule import Severity
from port443.core.wire.groups import GROUPS_13, group_name
from port443.core.wire.suites import all_suites
from port443.core.wire.versions import Version
from port443.settings import document, error_kinds
from port443.settings.diagnostics import Diagnostic, SettingsInvalid
from port443.settings.load import content_of, decoded
from port443.settings.locate import locate
from port443.settings.problems import Problem, suggestion
from port443.settings.values import InvalidValue, read_duration

LABELS: Final = {version.label: version for version in Version}


def _one_of(known: Sequence[str], what: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Take a word that is known, in any case, and give it its own spelling; name all to editors."""
    by_word = {word.lower(): word for word in known}

    def check(word: str) -> str:
        if word.lower() not in by_word:
            close = suggestion(word, list(known))
            raise ValueError(f"there is no {what} `{word}`" + (f"; {close}" if close else ""))
        return by_word[word.lower()]

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(known)})


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"`{value}` is no day such as 2027-01-31") from error


def _seconds(value: object) -> int:
    try:
        return read_duration(value)
    except InvalidValue as error:
        raise ValueError(error.message) from error


FindingId = Annotated[str, *_one_of(sorted(RULE_OF), "finding")]
VersionName = Annotated[str, *_one_of(list(LABELS), "protocol version")]
SuiteName = Annotated[str, *_one_of([one.name for one in all_suites().values()], "cipher suite")]
GroupName = Annotated[str, *_one_of([group_name(code) for code in GROUPS_13], "group")]
GradeName = Annotated[str, *_one_of([one.value for one in Letter if one.rank <= Letter.F.rank], "grade")]
SeverityName = Annotated[str, *_one_of([one.value for one in Severity], "severity")]
BaselineName = Annotated[
    str,
    *_one_of([*(one.id for one in BASELINES), *dict.fromkeys(one.family for one in BASELINES)], "baseline"),
]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class ToleranceForm(Form):
    finding: FindingId | None = None
    requirement: str | None = None
    """As `baseline.key`; `port443 explain BASELINE` names the keys."""
    reason: str
    until: Annotated[date | None, BeforeValidator(_day)] = None
    """The last day, as 2027-01-31; for good without it."""


class PolicyForm(Form):
    """The whole file; a key that is left out demands nothing."""

    name: str = "policy"
    baselines: list[BaselineName] = []
    versions: list[VersionName] = []
    suites: list[SuiteName] = []
    groups: list[GroupName] = []
    keys: list[str] = []
    signatures: list[str] = []
    certificate_days: Annotated[int | None, Field(ge=1, le=36500)] = None
    hsts: Annotated[
        int | None,
        BeforeValidator(_seconds),
        WithJsonSchema({"type": ["string", "integer", "null"], "description": "As 180d or 1y."}),
    ] = None
    findings: list[FindingId] = []
    """None of these may be found."""
    min_grade: GradeName | None = None
    fail_on: SeverityName | None = None
    tolerate: list[ToleranceForm] = []


def read_policy_file(path: str | os.PathLike[str], day: date) -> Policy:
    """Read a policy; raises one SettingsError that holds every mistake with its place."""
    source = decoded(content_of(path), str(path))
    root, diagnostics = document.read(source)
    if root is None or not isinstance(root.value, dict):
        empty = Diagnostic(
            error_kinds.NOT_A_MAPPING,
            source.place(0),
            "a policy is written as `name: value`",
            "port443 explain policy",
        )
        raise SettingsInvalid(source, diagnostics or [empty])
    try:
        form = PolicyForm.model_validate(root.value)
    except ValidationError as error:
        found = (locate(one, root, source) for one in _problems(error))
        raise SettingsInvalid(source, [*diagnostics, *(one for one in found if one)]) from error
    if diagnostics:
        raise SettingsInvalid(source, diagnostics)
    if late := _not_in_force(form, day):
        raise SettingsInvalid(source, [one for one in (locate(late, root, source),) if one])
    return _policy(form, FilePath(path), day)


def _problems(error: ValidationError) -> Iterator[Problem]:
    for one in error.errors(include_url=False):
        path = tuple(one["loc"])
        name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the file")
        if one["type"] == "extra_forbidden":
            known = list((ToleranceForm if "tolerate" in path else PolicyForm).model_fields)
            hint = suggestion(name, known) or f"possible here: {', '.join(known)}"
            yield Problem(error_kinds.KEY_UNKNOWN, path, f"a policy has no `{name}`", hint, at_key=True)
        elif one["type"] == "missing":
            yield Problem(error_kinds.KEY_MISSING, path[:-1], f"`{name}` is missing", f"add `{name}:`")
        else:
            cause = one.get("ctx", {}).get("error")
            yield Problem(
                error_kinds.TYPE_WRONG, path, f"`{name}`: {cause or one['msg']}", "port443 explain policy"
            )


def _not_in_force(form: PolicyForm, day: date) -> Problem | None:
    for place, name in enumerate(form.baselines):
        if find_baseline(name, day) is None:
            editions = ", ".join(one.id for one in BASELINES if one.family == name)
            text = f"no edition of `{name}` is in force on {day}"
            return Problem(error_kinds.CHOICE_UNKNOWN, ("baselines", place), text, f"there is {editions}")
    return None


def _policy(form: PolicyForm, path: FilePath, day: date) -> Policy:
    found = (find_baseline(name, day) for name in form.baselines)
    own = _own(form, path, day)
    return Policy(
        baselines=(*filter(None, found), *((own,) if own.requirements else ())),
        tolerances=tuple(_tolerances(form)),
        min_grade=None if form.min_grade is None else Letter.parse(form.min_grade),
        fail_on=None if form.fail_on is None else Severity(form.fail_on),
    )


def _tolerances(form: PolicyForm) -> Iterator[Tolerance]:
    for one in form.tolerate:
        for subject in filter(None, (one.finding, one.requirement)):
            yield Tolerance(subject, one.reason, one.until)


def _own(form: PolicyForm, path: FilePath, day: date) -> Baseline:
    """Make a baseline of the policy's own demands."""
    versions = frozenset(LABELS[one] for one in form.versions)
    demands: dict[str, tuple[str, Judge | None]] = {
        "versions": ("These versions and no others", VersionsOnly(versions, versions) if versions else None),
        "suites": ("These suites and no others", SuitesOnly(frozenset(form.suites)) if form.suites else None),
        "groups": ("These groups and no others", GroupsOnly(frozenset(form.groups)) if form.groups else None),
        "keys": ("Keys of these kinds", KeysOnly(tuple(form.keys)) if form.keys else None),
        "signatures": (
            "Certificates signed by these algorithms",
            SignaturesOnly(frozenset(form.signatures)) if form.signatures else None,
        ),
        "certificate_days": (
            f"Certificates live {form.certificate_days} days at most",
            LivesAtMost(form.certificate_days) if form.certificate_days else None,
        ),
        "hsts": (f"HSTS for {form.hsts} s at least", HSTSAtLeast(form.hsts) if form.hsts else None),
        "findings": ("None of these findings", NoFinding(tuple(form.findings)) if form.findings else None),
    }
    requirements = tuple(
        Requirement(key, text, key, judge) for key, (text, judge) in demands.items() if judge is not None
    )
    return Baseline(form.name, "", form.name, Source(path.name, str(path)), day, None, requirements)
