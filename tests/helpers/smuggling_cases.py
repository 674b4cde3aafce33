"""Messages that two readers may read differently, from `tests/smuggling`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[1] / "smuggling"


def smuggling_cases(file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and fields of each case, those of families one by one."""
    document = tomllib.loads((DIRECTORY / file).read_text())
    for case in document["case"]:
        yield case["name"], case
    for family in document["family"]:
        for name, value in family["with"].items():
            own = value if isinstance(value, dict) else {"put": value}
            send = family["send"].replace("{}", own["put"])
            yield f"{family['name']}-{name}", {**family, **own, "send": send}
