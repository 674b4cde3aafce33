"""Write what all know of the contract from its one source, Python: `make contract`.

JSON Schemas of documents, scans and policies, error codes for every reader, and the edge's half of the
documents in Rust.
"""

import json
import sys
from pathlib import Path
from typing import Any

from json_schema import schemas
from port443.edge.errors import REFUSALS
from rust_source import rust_documents, rust_messages, rust_values
from scan_schema import scan_schemas

TOP = Path(__file__).parents[1]
RUST = TOP / "edge" / "crates" / "edge-contract" / "src"


def files() -> dict[Path, str]:
    """Return the text of every file that is written."""
    documents = {**schemas(), **scan_schemas(), "errors.json": errors()}
    return {
        **{TOP / "contract" / name: _json(document) for name, document in documents.items()},
        RUST / "generated_values.rs": rust_values(),
        RUST / "generated_documents.rs": rust_documents(),
        RUST / "generated_messages.rs": rust_messages(),
    }


def errors() -> dict[str, Any]:
    """Return the edge's refusals by code, with the text of `port443 explain`."""
    return {
        code: {"name": vars(refusal)["name"], "explain": " ".join((refusal.__doc__ or "").split())}
        for code, refusal in REFUSALS.items()
    }


def main() -> None:
    """Write what is not fresh, and name it."""
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(TOP)}\n")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
