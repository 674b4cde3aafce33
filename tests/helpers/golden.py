"""The golden documents of `contract/golden`, with the bad ones made from their bases."""

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
PLACEHOLDER = "\N{REPLACEMENT CHARACTER}"


def good() -> dict[str, str]:
    """Return the good documents by name."""
    return {path.stem: path.read_text() for path in sorted((GOLDEN / "good").glob("*.json"))}


def bad() -> dict[str, dict[str, Any]]:
    """Return the bad documents by name, each with its text under `document`."""
    cases = json.loads((GOLDEN / "bad.json").read_text())
    return {case["name"]: case | {"document": _document(case)} for case in cases}


def loose() -> list[dict[str, str]]:
    """Return the documents that are not in canonical form."""
    cases: list[dict[str, str]] = json.loads((GOLDEN / "loose.json").read_text())
    return cases


def _document(case: dict[str, Any]) -> str:
    if "document" in case:
        return str(case["document"])
    document = json.loads((GOLDEN / "good" / f"{case['base']}.json").read_text())
    for pointer, value in case.get("set", {}).items():
        _set(document, pointer, value)
    for pointer, count in case.get("repeat", {}).items():
        _set(document, pointer, _at(document, pointer)[:1] * count)
    for pointer in case.get("remove", []):
        holder, key = _holder(document, pointer)
        del holder[key]
    raw = case.get("text", {})
    for pointer in raw:
        _set(document, pointer, PLACEHOLDER)
    text = json.dumps(document, ensure_ascii=False)
    for words in raw.values():
        text = text.replace(json.dumps(PLACEHOLDER, ensure_ascii=False), words, 1)
    return text


def _at(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to."""
    for key in pointer.split("/")[1:]:
        document = document[int(key) if isinstance(document, list) else key]
    return document


def _holder(document: Any, pointer: str) -> tuple[Any, Any]:
    above, _, key = pointer.rpartition("/")
    holder = _at(document, above)
    return holder, int(key) if isinstance(holder, list) else key


def _set(document: Any, pointer: str, value: Any) -> None:
    holder, key = _holder(document, pointer)
    if isinstance(holder, list) and key == len(holder):
        holder.append(value)
    else:
        holder[key] = value
