"""Show the local CA's root."""

import asyncio
from pathlib import Path
from typing import Any, Final

import click

from port443.app.trust import PublishedRoot, choose
from port443.cli import output
from port443.cli.options import json_option, state_option
from port443.wiring import find_roots

SCHEMA: Final = "port443.trust/1"


@click.group
def trust() -> None:
    """Show the local CA's root, for clients that are to trust it."""


@trust.command
@state_option()
@click.option("--unconstrained", is_flag=True, help="The root that signs for any name, if there is one.")
@json_option()
def path(state: Path | None, *, unconstrained: bool, as_json: bool) -> None:
    """Print the path of the root as a PEM file.

    The usual root signs for localhost, .localhost, .test, .internal, .home.arpa and private addresses only.

    \b
    curl --cacert $(port443 trust path) https://app.localhost/
    port443 trust path --json
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    roots = asyncio.run(find_roots(state))
    chosen = choose(roots, "any" if unconstrained else "reserved")
    if as_json:
        output.data_json(
            {"schema": SCHEMA, "path": str(chosen.path), "roots": [_document(one) for one in roots]}
        )
    else:
        output.data(str(chosen.path))


def _document(published: PublishedRoot) -> dict[str, Any]:
    root = published.root
    return {
        "path": str(published.path),
        "constrained": published.kind == "reserved",
        "subject": root.subject,
        "fingerprint": str(root.fingerprint),
        "not_before": root.not_before.isoformat(timespec="seconds"),
        "not_after": root.not_after.isoformat(timespec="seconds"),
    }
