"""The flags of `port443 serve` to a `Desired`, by the same rules as the file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from port443.core.names import IPName, NameInvalid
from port443.core.plan.desired import Desired
from port443.settings.diagnostics import FlagsInvalid
from port443.settings.problems import Problem
from port443.settings.schema import LOCAL
from port443.settings.validate import Context, validate

EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - a public server serves on all addresses
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80
HINTS: Final = {
    "issuer-needed": "add --issuer letsencrypt --email you@example.com --agree-tos, or --issuer local",
    "agreement-missing": "read its terms, and add --agree-tos",
    "eab-missing": "add --eab-key-id ID --eab-key-file FILE, with what it shows you",
}
"""What to write on a command line where the hint is of a settings file."""


@dataclass(frozen=True, slots=True)
class ServeFlags:
    """One site, as the flags of `port443 serve` describe it; a flag that was not given is empty or None."""

    domains: Sequence[str] = ()
    """The site's names; the first one is its id."""
    upstreams: Sequence[str] = ()
    addresses: Sequence[str] = ()
    """Where to listen; on all addresses of both families when left out."""
    https_port: int | None = None
    http_port: int | None = None
    issuer: str | None = None
    email: str | None = None
    agree_tos: bool = False
    cacert: str | None = None
    """A file with the roots to believe when speaking to the issuer."""
    eab_key_id: str | None = None
    eab_key_file: str | None = None
    workers: int | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The flags that were given."""
        values = {
            "--domain": self.domains,
            "--to": self.upstreams,
            "--bind": self.addresses,
            "--https-port": self.https_port,
            "--http-port": self.http_port,
            "--issuer": self.issuer,
            **self.of_issuer,
            "--workers": self.workers,
        }
        return tuple(flag for flag, value in values.items() if value)

    @property
    def of_issuer(self) -> dict[str, object]:
        """The flags that say how an issuer is used."""
        return {
            "--email": self.email,
            "--agree-tos": self.agree_tos,
            "--cacert": self.cacert,
            "--eab-key-id": self.eab_key_id,
            "--eab-key-file": self.eab_key_file,
        }

    def refuse_beside_file(self, file: PurePath) -> None:
        """Raise FlagsInvalid when a flag was given together with a settings file."""
        if self.given:
            text = f"{', '.join(self.given)} cannot be used with a settings file"
            raise FlagsInvalid(text, f"write it in {file}, or do not name {file}")


def from_flags(flags: ServeFlags, *, cores: int | None = None) -> Desired:
    """Return the site that the flags describe; raise FlagsWrong with everything that is wrong."""
    if not flags.domains or not flags.upstreams:
        example = "--domain app.localhost --to http://127.0.0.1:9000"
        raise FlagsInvalid("a settings file, or --domain and --to, are needed", example)
    found = validate(_raw(flags), Context(Path.cwd(), cores or len(os.sched_getaffinity(0))))
    desired, problems = found
    if desired is None:
        messages = dict.fromkeys(f"{_flag(one)}: {one.message}" for one in problems)
        raise FlagsInvalid("; ".join(messages), _hint(problems[0]))
    return desired


def _raw(flags: ServeFlags) -> dict[str, Any]:
    """Put the flags in the form of a settings file."""
    addresses = [_address(one) for one in flags.addresses or EVERYWHERE]
    https, http = flags.https_port or HTTPS_PORT, flags.http_port or HTTP_PORT
    first, *others = flags.domains
    site: dict[str, Any] = {"to": list(flags.upstreams), "aliases": others}
    if flags.issuer is not None:
        site["issuer"] = flags.issuer
    raw: dict[str, Any] = {
        "listen": {
            role: [f"{one}:{port}" for one in addresses] for role, port in (("https", https), ("http", http))
        },
        "sites": {first: site},
    }
    if flags.workers is not None:
        raw["workers"] = flags.workers
    if flags.issuer not in (None, LOCAL):
        raw["issuers"] = [_issuer(flags, str(flags.issuer))]
    elif given := [flag for flag, value in flags.of_issuer.items() if value]:
        raise FlagsInvalid(
            f"{', '.join(given)} without --issuer", "add --issuer letsencrypt, or --issuer URL"
        )
    return raw


def _issuer(flags: ServeFlags, issuer: str) -> dict[str, Any]:
    """Put the flags of an issuer in the form of an entry of `issuers`."""
    raw: dict[str, Any] = {"directory" if "://" in issuer else "name": issuer, "agree_tos": flags.agree_tos}
    if flags.email is not None:
        raw["email"] = flags.email
    if flags.cacert is not None:
        raw["trust"] = flags.cacert
    eab = {"key_id": flags.eab_key_id, "key_file": flags.eab_key_file}
    if any(eab.values()):
        raw["eab"] = {key: value for key, value in eab.items() if value}
    return raw


def _address(raw: str) -> str:
    """Return the address as it is written before a port: an IPv6 address in brackets."""
    try:
        address = IPName.parse(raw).text
    except NameInvalid as error:
        raise FlagsInvalid(f"--bind: {error.message}", "as in --bind 127.0.0.1 or --bind ::1") from error
    return f"[{address}]" if ":" in address else address


def _flag(problem: Problem) -> str:
    match problem.path:
        case ("listen", "http", *_):
            return "--http-port"
        case ("listen", *_):
            return "--https-port"
        case ("workers", *_):
            return "--workers"
        case ("sites", _, "to", *_):
            return "--to"
        case ("issuers", _, "email", *_):
            return "--email"
        case ("issuers", _, "trust", *_):
            return "--cacert"
        case ("issuers", _, "eab", *_):
            return "--eab-key-id, --eab-key-file"
        case ("issuers", *_) | ("sites", _, "issuer", *_):
            return "--issuer"
        case _:
            return "--domain"


def _hint(problem: Problem) -> str:
    return HINTS.get(problem.kind.name, problem.hint)
