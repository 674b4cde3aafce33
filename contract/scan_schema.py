"""Make the JSON Schemas of what a scan prints and of policy files; closed sets come from the code."""

import json
from pathlib import Path
from typing import Any

from port443.cli import exits
from port443.core.grade.baseline import Letter
from port443.core.grade.remedies import Effort
from port443.core.grade.requirement import Level, Standing
from port443.core.grade.severity import Severity
from port443.core.probe.facts import TRAITS
from port443.core.probe.verdict import Standing as Known
from port443.core.wire.versions import Version
from port443.settings.policy_file import PolicyForm

DRAFT = "https://json-schema.org/draft/2020-12/schema"
STRUCTURE = Path(__file__).with_name("scan_structure.json")
"""The document field by field; `{"set": NAME}` stands for one of the sets here."""
SETS: dict[str, list[Any]] = {
    "exit_code": [exits.DONE, exits.FINDINGS, exits.USAGE, exits.UNDETERMINED, exits.DEFECT],
    "letter": [one.value for one in Letter],
    "verdict": [one.value for one in Known],
    "severity": [one.value for one in Severity],
    "effort": [one.name.lower() for one in Effort],
    "level": [one.value for one in Level],
    "standing": [one.value for one in Standing],
    "verdict_of_baseline": [Standing.MET.value, Standing.BROKEN.value, Standing.UNKNOWN.value],
    "version": [one.label for one in Version],
    "trait": list(TRAITS),
}


def scan_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by their file names."""
    return {
        "scan.schema.json": _filled(json.loads(STRUCTURE.read_text())),
        "policy.schema.json": policy_schema(),
    }


def policy_schema() -> dict[str, Any]:
    """Describe a policy file, for editors that complete and check while one types."""
    made = PolicyForm.model_json_schema()
    return {"$schema": DRAFT, **made, "title": "port443 policy"}


def _filled(part: Any) -> Any:
    if isinstance(part, dict):
        return SETS[part["set"]] if set(part) == {"set"} else {key: _filled(one) for key, one in part.items()}
    return [_filled(one) for one in part] if isinstance(part, list) else part
