"""The JSON Schema for editors."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from port443.settings.editor import json_schema

TOP = Path(__file__).parents[3]
EXAMPLES = sorted((TOP / "examples").glob("*.yaml"))
SEEN_BY_EDITORS = [
    "key_misspelt", "key_at_top_misspelt", "key_of_another_group", "to_missing", "choice_misspelt",
    "workers_wrong", "workers_quoted", "sites_a_list", "site_a_number", "durations", "a_list",
    "certificate_without_key",
]  # fmt: skip
VALIDATOR = Draft202012Validator(json_schema())


def plain(path: Path) -> object:
    return YAML(typ="safe", pure=True).load(path)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_please_an_editor(path: Path) -> None:
    """No editor underlines what port443 accepts."""
    VALIDATOR.validate(plain(path))


@pytest.mark.parametrize("name", SEEN_BY_EDITORS)
def test_an_editor_sees_plain_mistakes(name: str) -> None:
    """Keys, words and types are already checked while somebody types."""
    assert not VALIDATOR.is_valid(plain(TOP / "tests" / "settings_bad" / f"{name}.yaml"))


def test_every_key_is_described() -> None:
    """What stands below a field in the source is what an editor shows for it."""
    schema = json_schema()
    for form in (schema, *schema["$defs"].values()):
        for key, one in form["properties"].items():
            assert one.get("description"), key
