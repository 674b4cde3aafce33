"""All rules as a JSON document: `port443.rules/1`. Fields are only ever added within /1."""

from port443.core.grade.baseline import Guide
from port443.core.grade.baselines import BASELINES
from port443.core.grade.catalogue import RULES
from port443.core.grade.document import Document, baseline_document
from port443.core.grade.rule import Rule
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R

SCHEMA = "port443.rules/1"


def rules_document(version: str) -> Document:
    """Make the document of `port443 rules --json`."""
    return {
        "schema": SCHEMA,
        "tool": f"port443 {version}",
        "rules": [_rule(rule) for rule in RULES],
        "guide": _guide(SSL_LABS_2009R),
        "baselines": [baseline_document(one) for one in BASELINES],
    }


def _rule(rule: Rule) -> Document:
    return {
        "id": rule.id,
        "severity": rule.severity.value,
        "title": rule.title,
        "why": rule.why,
        "remedy": {
            "what": rule.remedy.what,
            "effort": rule.remedy.effort.name.lower(),
            "fix": dict(rule.remedy.fixes),
        },
        "references": list(rule.references),
        "grade_effect": SSL_LABS_2009R.cost(rule.id),
    }


def _guide(guide: Guide) -> Document:
    return {
        "id": guide.id,
        "title": guide.title,
        "as_of": guide.as_of.isoformat(),
        "clauses": [
            {
                "text": clause.text,
                "rules": list(clause.rules),
                "letter": None if clause.effect is None else clause.effect.value,
                "unseen": clause.unseen,
                "source": {
                    "title": clause.source.title,
                    "address": clause.source.address,
                    "first_hand": clause.source.is_first_hand,
                },
            }
            for clause in guide.clauses
        ],
    }
