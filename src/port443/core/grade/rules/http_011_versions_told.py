"""The response reveals software versions.

It saves an attacker the search for known vulnerabilities. It is not a fault itself, and hiding it fixes none.

References: RFC 9110 §10.2.4, RFC 9110 §17.12
"""

import re

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HIDDEN_VERSIONS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure

TALKATIVE = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator")
VERSION = re.compile(r"[0-9]+\.[0-9]")
SHOWN = 60


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    told = [
        f"{name}: {value[:SHOWN]}"
        for name in TALKATIVE
        for value in facts.web.values(name)
        if VERSION.search(value)
    ]
    return Found("; ".join(told)) if told else None


RULE = Rule("P443-HTTP-011", Severity.INFO, check, __doc__, HIDDEN_VERSIONS)
