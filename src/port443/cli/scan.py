"""The command `scan`: its options, and nothing that a scan itself needs."""

from datetime import datetime
from pathlib import Path
from typing import Final, get_args

import click

from port443.cli.options import json_option
from port443.cli.scan_options import Duration, Form, LetterGrade
from port443.core.grade.baseline import Letter
from port443.core.grade.severity import Severity

NEVER: Final = "never"


@click.command
@click.argument("hosts", nargs=-1, metavar="HOST[:PORT]|URL...")
@click.option(
    "--targets", "listed", metavar="FILE", help="Scan what this file names too, one a line; - is stdin."
)
@click.option("--connect", metavar="ADDRESS[:PORT]", help="Connect there, without the resolver.")
@click.option("--servername", metavar="NAME", help="Send this name, in TLS and in HTTP.")
@click.option(
    "--cacert",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trust the roots in this PEM file, and no others. [default: the system's]",
)
@click.option(
    "--all-addresses", is_flag=True, help="Scan every address of a name, not only the first that answers."
)
@click.option(
    "--light", is_flag=True, help="Look at versions, certificates and first choices only: a few connections."
)
@click.option(
    "--revocation", is_flag=True, help="Ask the CA whether the certificate is revoked: OCSP, then its list."
)
@click.option("--format", "form", type=click.Choice(get_args(Form)), default="text", show_default=True)
@json_option()
@click.option(
    "--min-grade",
    type=LetterGrade(),
    metavar="GRADE",
    help="End with 1 when a grade is below this: A+, A, B …",
)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in Severity), NEVER]),
    help="End with 1 when a finding is as grave as this, or graver. [default: high]",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME|FILE",
    help="End with 1 when this is not met: a baseline (mozilla-intermediate, bcp195 …) or a policy.yaml.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Evaluate the rules of this day, as 2029-03-15. [default: today]",
)
@click.option(
    "--http-port", type=click.IntRange(1, 65535), default=80, show_default=True, help="Where plain HTTP is."
)
@click.option(
    "--timeout", type=Duration(), default=60.0, metavar="TIME", help="For one host: 30s, 2m. [default: 60s]"
)
def scan(  # noqa: PLR0913, PLR0917 - one for each option
    hosts: tuple[str, ...],
    connect: str | None,
    servername: str | None,
    cacert: Path | None,
    listed: str | None,
    form: Form,
    min_grade: Letter | None,
    fail_on: str | None,
    policies: tuple[str, ...],
    at: datetime | None,
    http_port: int,
    timeout: float,
    *,
    all_addresses: bool,
    light: bool,
    revocation: bool,
    as_json: bool,
) -> int:
    """Scan each host as a client would, and grade it.

    Ends with 0 when nothing grave was found and the required grade is met, with 1 when not, and with 3
    when that is unknown.

    \b
    port443 scan example.com
    port443 scan https://localhost:8443/ --cacert root.pem --min-grade A
    port443 scan example.com --connect 192.0.2.7 --format json
    port443 scan --targets hosts.txt --format sarif --min-grade A > scan.sarif
    port443 scan example.com --policy mozilla-intermediate --policy bcp195
    port443 scan example.com --policy ca-browser-forum --at 2029-03-15
    port443 scan example.com --policy ./policy.yaml
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    # The modules of a scan are imported by a scan, not for the help.
    from port443.cli.scan_run import Wish, run_scan  # noqa: PLC0415

    return run_scan(
        Wish(
            hosts=hosts,
            listed=listed,
            connect=connect,
            servername=servername,
            cacert=cacert,
            form="json" if as_json else form,
            min_grade=min_grade,
            fail_on=Severity(fail_on) if fail_on and fail_on != NEVER else None,
            never_fails=fail_on == NEVER,
            policies=policies,
            at=at.date() if at else None,
            http_port=http_port,
            timeout_s=timeout,
            all_addresses=all_addresses,
            light=light,
            revocation=revocation,
        )
    )
