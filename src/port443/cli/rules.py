"""List every rule of the scanner, and write the page of one."""

import textwrap
from collections.abc import Iterator
from typing import Final

import click

from port443 import __version__
from port443.cli import output
from port443.cli.options import json_option
from port443.core.grade.baselines import BASELINES
from port443.core.grade.catalogue import RULES
from port443.core.grade.rule import Rule
from port443.core.grade.rules_document import rules_document
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R

WIDTH: Final = 100
SERVER: Final = 9
"""The column of a server's name in the fixes of a page."""


@click.command
@json_option()
def rules(*, as_json: bool) -> int:
    """List what a scan checks, and the effect of each finding.

    \b
    port443 rules
    port443 rules --json
    port443 explain P443-TLS-003
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    if as_json:
        output.data_json(rules_document(__version__))
    else:
        for line in _table():
            output.data(line)
    return 0


def _table() -> Iterator[str]:
    severity = max(len(rule.severity) for rule in RULES)
    for rule in RULES:
        cost = SSL_LABS_2009R.cost(rule.id)
        yield f"{rule.id:<14}  {rule.severity:<{severity}}  {cost or '':<4}  {rule.title}"
    yield ""
    yield f"The third column is the best letter that the finding leaves by {SSL_LABS_2009R.id}."
    yield output.hint(f"port443 explain {RULES[0].id}")


def rule_page(rule: Rule) -> str:
    """Write the page of a rule: finding, effect, reason, remedy, source."""
    cost = SSL_LABS_2009R.cost(rule.id)
    effect = f" (no {SSL_LABS_2009R.id} grade better than {cost})" if cost else ""
    fixes = "\n".join(_fix(server, text) for server, text in rule.remedy.fixes.items())
    return "\n\n".join(
        (
            f"{rule.id}  {rule.title}.",
            f"Severity: {rule.severity}{effect}",
            textwrap.fill(rule.why, WIDTH),
            f"To do: {rule.remedy.what}.\n{fixes}",
            f"References: {', '.join(rule.references)}",
            *_demands(rule),
        )
    )


def _demands(rule: Rule) -> Iterator[str]:
    """Name the baselines with a requirement that the rule checks."""
    clauses = [f"{SSL_LABS_2009R.id}: {one.text}" for one in SSL_LABS_2009R.clauses_on(rule.id)]
    clauses += [
        f"{baseline.id}: {one.text}"
        for baseline in BASELINES
        for one in baseline.requirements
        if rule.id in one.test.judged_by
    ]
    if clauses:
        wrapped = [line for one in clauses for line in textwrap.wrap(one, WIDTH - 4, subsequent_indent="  ")]
        yield "\n  ".join(("Judges:", *wrapped))


def _fix(server: str, text: str) -> str:
    first, *rest = textwrap.wrap(text, WIDTH - SERVER - 2, break_on_hyphens=False, break_long_words=False)
    return "\n".join((f"  {server:<{SERVER}}{first}", *(f"  {'':<{SERVER}}{line}" for line in rest)))
