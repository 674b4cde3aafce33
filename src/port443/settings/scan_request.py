"""The arguments of a scan, parsed: targets, baselines and policies."""

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from port443.core.errors import SettingsError
from port443.core.grade.policy import Policy
from port443.core.grade.report import ScanTarget
from port443.core.names import Endpoint, HostName, IPName, NameInvalid, parse_site_name

if TYPE_CHECKING:
    from port443.core.grade.requirement import Baseline

HTTPS: Final = 443
URL: Final = re.compile(
    r"(?:(?:(?P<scheme>[a-z][a-z0-9+.-]*):)?//)?(?P<authority>[^/?#\\]*)(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
"""A URL, or a host with or without a path."""
HALF_URL: Final = re.compile(r"(https?|wss):/?(?![0-9]{1,5}\Z|/)([^@]+)", re.IGNORECASE | re.DOTALL)
"""A URL without one of its slashes or both; `https:443` is a host and a port."""
SCHEMES: Final = frozenset({"", "https", "wss", "http"})
PORT_AT_END: Final = re.compile(r":[0-9]+\Z")


class TargetInvalid(SettingsError):
    """The target of a scan is not a host.

    A target is a host name or an address, with a port when it is not 443, or the URL of a site:
    `example.com`, `localhost:8443`, `192.0.2.1`, `[2001:db8::1]:8443`, `https://example.com/`. Of a URL
    only host and port count; the scan requests `/`.
    """

    code = "P443-E171"


class PolicyUnknown(SettingsError):
    """There is no baseline of that name, or none that was in force on the day.

    `port443 explain --list` names them all. A name without an edition means the one in force: today, or on
    the day of `--at`.
    """

    code = "P443-E173"


def read_policies(names: Sequence[str], day: date) -> Policy:
    """Join what is named: baselines by their names, policies by their files."""
    read = [_policy_of_file(one, day) if _is_file(one) else Policy((_policy(one, day),)) for one in names]
    grades = [one.min_grade for one in read if one.min_grade is not None]
    severities = [one.fail_on for one in read if one.fail_on is not None]
    return Policy(
        tuple(dict.fromkeys(baseline for one in read for baseline in one.baselines)),
        tuple(tolerance for one in read for tolerance in one.tolerances),
        min(grades, key=lambda letter: letter.rank, default=None),
        max(severities, key=lambda severity: severity.rank, default=None),
    )


def _policy_of_file(path: str, day: date) -> Policy:
    from port443.settings.policy_file import read_policy_file  # noqa: PLC0415 - the readers of YAML are slow to load

    return read_policy_file(path, day)


def _is_file(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _policy(name: str, day: date) -> "Baseline":
    import difflib  # noqa: PLC0415 - most scans name no baseline

    from port443.core.grade.baselines import BASELINES, find_baseline  # noqa: PLC0415 - likewise

    found = find_baseline(name, day)
    if found is None:
        wanted = name.strip().lower().replace(":", "-")
        editions = [one.id for one in BASELINES if one.family == wanted]
        known = [one.id for one in BASELINES]
        close = editions or difflib.get_close_matches(wanted, known, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"
        raise PolicyUnknown(f"no baseline {name!r} is in force on {day}", hint)
    return found


def read_target(host: str, connect: str | None, servername: str | None) -> ScanTarget:
    """Read one target; a wildcard is none."""
    name, port = _host_and_port(host)
    asked = parse_site_name(servername) if servername else None
    where = _endpoint(connect, port) if connect else None
    target = ScanTarget(name, port, asked, where)
    if isinstance(target.name, HostName) and target.name.is_wildcard:
        raise TargetInvalid(f"{target.name} is a wildcard, not a host", "name one host of it")
    return target


def _host_and_port(text: str) -> tuple[HostName | IPName, int]:
    bare = _authority(text.strip())
    try:
        return IPName.parse(bare), HTTPS
    except NameInvalid:
        if bare.endswith("]"):
            raise  # an address in brackets, but a wrong one
        if bare.startswith("[") and "]" not in bare:
            raise TargetInvalid(f"{text!r} has no closing bracket", "for example [::1]:8443") from None
        host, colon, port = bare.rpartition(":")
        if not colon:
            return parse_site_name(bare), HTTPS
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) <= 65535):
            raise TargetInvalid(
                f"{port!r} in {text!r} is no port", "a port is a number from 1 to 65535"
            ) from None
        if not host:
            raise TargetInvalid(f"{text!r} names no host", f"for example localhost:{port}") from None
        return parse_site_name(host), int(port)


def _authority(text: str) -> str:
    """Return host and port of what may be a URL (RFC 3986 §3.2)."""
    if half := HALF_URL.fullmatch(text):
        scheme, rest = half.groups()
        raise TargetInvalid(f"// is missing behind {scheme}: in {text!r}", f"write {scheme}://{rest}")
    parts = URL.fullmatch(text)
    if parts is None:
        return text
    scheme, authority = (parts["scheme"] or "").lower(), parts["authority"]
    if "@" in authority:
        # A password may be in it: the error does not repeat it.
        host = authority.rpartition("@")[2]
        raise TargetInvalid("there is a user name before the host", f"give the host alone: {host}")
    if scheme not in SCHEMES:
        raise TargetInvalid(
            f"{scheme}:// in {text!r} does not start with TLS", f"give HOST:PORT: {authority}"
        )
    if not authority:
        raise TargetInvalid(f"{text!r} names no host", "for example https://example.com/")
    if scheme == "http" and PORT_AT_END.search(authority):
        raise TargetInvalid(
            f"{text!r} is a port in clear", "give HOST:PORT of TLS, and the port in clear as --http-port PORT"
        )
    return authority.removesuffix(":") if scheme else authority


def _endpoint(text: str, port: int) -> Endpoint:
    try:
        return Endpoint(IPName.parse(text).text, port)
    except NameInvalid:
        return Endpoint.parse(text)
