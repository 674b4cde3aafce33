"""The JSON Schema for editors, and what YAML readers of both versions make of our files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from plan_samples import file_text
from port443.app.demo import DemoPlace, demo_settings
from port443.settings.editor import json_schema
from port443.settings.error_kinds import ERROR_KINDS
from port443.settings.load import parse

TOP = Path(__file__).parents[3]
EXAMPLES = sorted((TOP / "examples").glob("*.yaml"))
SEEN_BY_EDITORS = [
    "key_misspelt", "key_at_top_misspelt", "key_of_another_group", "to_missing", "choice_misspelt",
    "workers_wrong", "workers_quoted", "sites_a_list", "site_a_number", "durations", "a_list",
    "certificate_without_key",
]  # fmt: skip
VALIDATOR = Draft202012Validator(json_schema())


def snippets() -> Iterator[tuple[str, str]]:
    """Yield every settings file that a user is shown: its place and its text."""
    for path in EXAMPLES:
        yield path.name, path.read_text()
    for page in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]:
        for at, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)):
            yield f"{page.name}-{at}", block
    for kind in ERROR_KINDS.values():
        if "\n\n  sites:" in kind.explanation:
            yield kind.code, kind.explanation.partition("\n\n")[2]
    demo = demo_settings(DemoPlace(("127.0.0.1", "::1"), 8443, 8080), ["http://127.0.0.1:9001"])
    yield "demo", demo
    yield "demo-shown", file_text(parse(demo))


SNIPPETS = dict(snippets())


def plain(text: str | Path, version: tuple[int, int] = (1, 2)) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml.load(text)


def defaults(schema: Any) -> Iterator[Any]:
    """Yield every part of a schema that has a default."""
    if isinstance(schema, dict):
        if "default" in schema:
            yield schema
        for part in schema.values():
            yield from defaults(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from defaults(part)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_every_default_is_of_its_own_type() -> None:
    """A default is shown as it would be written, not as it is held in memory."""
    schema = json_schema()
    found = list(defaults(schema))
    assert len(found) > 20
    for part in found:
        Draft202012Validator({**part, "$defs": schema["$defs"]}).validate(part["default"])


@pytest.mark.parametrize("name", SNIPPETS)
@pytest.mark.parametrize("version", [(1, 1), (1, 2)], ids=["YAML 1.1", "YAML 1.2"])
def test_examples_please_an_editor(name: str, version: tuple[int, int]) -> None:
    """No editor underlines what port443 accepts, whichever YAML it reads."""
    VALIDATOR.validate(plain(SNIPPETS[name], version))
    parse(SNIPPETS[name])


@pytest.mark.parametrize("name", SNIPPETS)
def test_both_versions_of_yaml_read_the_same(name: str) -> None:
    """What we write down means one thing: no octal, no base 60, no `off` that is false."""
    assert plain(SNIPPETS[name], (1, 1)) == plain(SNIPPETS[name])


def test_what_port443_writes_is_quoted_for_both_versions() -> None:
    """Names such as `on` and addresses such as 1:2:3:4:5:6:7:8 are text for everybody."""
    text = 'sites: {"on": {to: http://h, issuer: local, aliases: ["no", y, "1:2:3:4:5:6:7:8"]}}'
    shown = file_text(parse(text))
    assert plain(shown, (1, 1)) == plain(shown)
    assert parse(shown) == parse(text)


@pytest.mark.parametrize("word", ["ladder", "none", "off"])
def test_an_editor_takes_every_word_for_hsts(word: str) -> None:
    VALIDATOR.validate({"sites": {"a.test": {"to": "http://h", "hsts": word}}})


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
