"""The JSON Schema of the settings file, which lets editors complete and check it."""

import ast
import inspect
from typing import Any, Final

from port443.settings import schema as settings_schema
from port443.settings.schema import Form, SettingsFile

SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file, for editors."""
    schema: dict[str, Any] = _without_noise(SettingsFile.model_json_schema())
    schema["properties"]["sites"]["additionalProperties"] = False
    _write_defaults(schema)
    _describe(schema, _docstrings())
    return {"$schema": SCHEMA_DIALECT, "title": "port443 settings", **schema}


def _without_noise(value: Any) -> Any:
    """Leave out titles that repeat the key, and defaults that only mean "left out"."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if (key, one) != ("default", None)}
        if isinstance(kept.get("title"), str):
            del kept["title"]
        if len(kept.get("oneOf", ())) == 1:
            kept |= kept.pop("oneOf")[0]
        return {key: _without_noise(one) for key, one in kept.items()}
    return [_without_noise(one) for one in value] if isinstance(value, list) else value


def _write_defaults(schema: dict[str, Any]) -> None:
    """Put defaults in as they are written in a file; pydantic has some as they are held in memory."""
    for form in Form.__subclasses__():
        place = schema if form is SettingsFile else schema["$defs"][form.__name__]
        for key, value in form.model_construct().model_dump(mode="json", exclude_none=True).items():
            if "default" in place["properties"][key]:
                place["properties"][key]["default"] = value


def _describe(schema: dict[str, Any], words: dict[str, dict[str, str]]) -> None:
    """Add the description of each field; pydantic could, but would do so at every start."""
    for name, form in {"SettingsFile": schema, **schema["$defs"]}.items():
        for key, one in form["properties"].items():
            one["description"] = words[name][key]


def _docstrings() -> dict[str, dict[str, str]]:
    """Return, for every form, its fields and the text below each."""
    tree = ast.parse(inspect.getsource(settings_schema))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        one.name: {
            field.target.id: inspect.cleandoc(str(text.value.value))
            for field, text in zip(one.body, one.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        }
        for one in classes
    }
