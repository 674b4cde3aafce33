"""The errors of a pydantic validation, as problems with messages of our own."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from port443.settings import error_kinds, schema
from port443.settings.guesses import spaced
from port443.settings.problems import Path, Problem, suggestion
from port443.settings.values import InvalidValue

QUOTED: Final = re.compile(r"'([^']*)'")
YAML_1_1: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
SYNONYMS: Final = {
    **dict.fromkeys(("upstream", "upstreams", "backend", "backends", "server", "servers"), "to"),
    **dict.fromkeys(("target", "targets", "proxy", "proxy_pass", "reverse_proxy", "forward", "url"), "to"),
    **dict.fromkeys(("site", "domain", "domains", "host", "hosts", "vhosts", "virtual_hosts"), "sites"),
    **dict.fromkeys(("server_name", "server_names", "names", "alias", "san", "sans"), "aliases"),
    **dict.fromkeys(("cert", "certs", "certificates", "ssl_certificate", "tls_certificate"), "certificate"),
    **dict.fromkeys(("ssl", "ssl_protocols", "tls_policy", "policy"), "tls"),
    **dict.fromkeys(("port", "ports", "bind", "address", "addresses", "listeners"), "listen"),
    **dict.fromkeys(("threads", "worker_processes", "processes"), "workers"),
    **dict.fromkeys(("default", "default_server", "fallback"), "default_site"),
    **dict.fromkeys(("mtls", "client_auth", "ssl_client_certificate"), "client_ca"),
    **dict.fromkeys(("max_body", "body_size", "client_max_body_size"), "body"),
    **dict.fromkeys(("strict_transport_security",), "hsts"),
    **dict.fromkeys(("acme", "ca", "cas", "certificate_authorities", "certresolver", "acme_ca"), "issuers"),
    **dict.fromkeys(("mail", "contact", "acme_email"), "email"),
    **dict.fromkeys(("agree", "accept_tos", "tos", "terms_of_service_agreed"), "agree_tos"),
    **dict.fromkeys(("ca_server", "acme_server", "directory_url"), "directory"),
    **dict.fromkeys(("external_account", "external_account_binding"), "eab"),
    **dict.fromkeys(("kid",), "key_id"),
    **dict.fromkeys(("hmac_key_file", "mac_key_file"), "key_file"),
    **dict.fromkeys(("chain_file", "cert_file", "fullchain"), "chain"),
    **dict.fromkeys(("key_file", "private_key", "privkey", "ssl_certificate_key"), "key"),
}
"""What other programs call these settings."""
WANTED: Final = {
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list such as [a, b]",
    "dict_type": "a mapping such as {name: value}",
    "model_type": "a mapping such as {name: value}",
    "model_attributes_type": "a mapping such as {name: value}",
}
RANGES: Final = {"greater_than_equal": "at least {ge}", "less_than_equal": "at most {le}"}


def problems(error: ValidationError) -> list[Problem]:
    """Return the problems of one validation; a key that is only misspelt is not also missing."""
    found = [_problem(one) for one in error.errors(include_url=False)]
    unknown = [one for one in found if one.kind is error_kinds.KEY_UNKNOWN]
    return [one for one in found if one.kind is not error_kinds.KEY_MISSING or not _is_misspelt(one, unknown)]


def _is_misspelt(missing: Problem, unknown: list[Problem]) -> bool:
    *group, key = missing.path
    return any(list(one.path[:-1]) == group and f"`{key}`" in one.hint for one in unknown)


def _problem(error: Any) -> Problem:
    kind = error["type"]
    path = _path(error["loc"], ends_in_key=kind == "extra_forbidden")
    at_key = error["loc"][2:] == ("[key]",)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InvalidValue):
        return Problem(cause.kind, path, cause.message, cause.hint, at_key=at_key)
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "missing":
        return _missing(path)
    if kind == "literal_error":
        return _choice(path, error["input"], QUOTED.findall(error["ctx"]["expected"]))
    if kind in RANGES:
        text = f"{error['input']} is out of range: {RANGES[kind].format(**error['ctx'])}"
        return Problem(error_kinds.NUMBER_RANGE, path, text)
    if kind == "too_short":
        return Problem(error_kinds.LIST_EMPTY, path, f"`{_name(path)}` needs at least one entry")
    if kind == "too_long":
        return Problem(
            error_kinds.TOO_MANY, path, f"`{_name(path)}` has more than {error['ctx']['max_length']} entries"
        )
    wanted = error["msg"] if kind == schema.WRONG_FORM else WANTED.get(kind, error["msg"])
    return _wrong_type(path, wanted, error["input"])


def _path(loc: Path, *, ends_in_key: bool) -> Path:
    """Leave out the marks that pydantic adds for forms and keys, but not keys that look like them."""
    first = 2 if loc[:1] == ("sites",) else 1
    last = max(len(loc) - ends_in_key, first)
    return (*loc[:first], *(one for one in loc[first:last] if one not in schema.MARKS), *loc[last:])


def _name(path: Path) -> str:
    return next((str(one) for one in reversed(path) if isinstance(one, str)), "the file")


def _unknown(path: Path) -> Problem:
    key = str(path[-1])
    known = schema.fields_at(path[:-1])
    synonym = SYNONYMS.get(key.lower().replace("-", "_"), "")
    hint = _synonym(synonym, known) or suggestion(key, list(known)) or _elsewhere(key, path)
    return Problem(
        error_kinds.KEY_UNKNOWN,
        path,
        f"there is no setting `{key}` {_where(path)}",
        hint or f"possible here: {', '.join(known)}",
        at_key=True,
    )


def _synonym(key: str, known: Sequence[str]) -> str:
    """Return a hint with the name of the setting, and the group it belongs to if that is another one."""
    if not key or key in known:
        return f"it is called `{key}`" if key else ""
    homes = schema.homes_of(key)
    return f"it is called `{key}`, and belongs to {homes[0] if homes else 'the top'}"


def _elsewhere(key: str, path: Path) -> str:
    if len(path) == 1 and ("." in key or key == "localhost"):
        return "sites belong under `sites`"
    homes = schema.homes_of(key)
    return f"`{key}` belongs to {homes[0]}" if homes else ""


def _where(path: Path) -> str:
    match path:
        case (_,):
            return "at the top"
        case ("sites", _, _):
            return "in a site"
        case _:
            return f"in `{_name(path[:-1])}`"


def _missing(path: Path) -> Problem:
    key = str(path[-1])
    hint = f"add `{key}:`, as in `{schema.example_of(key)}`"
    where = f"`{_name(path[:-1])}` has no `{key}`" if path[:-1] else f"the file has no `{key}`"
    return Problem(error_kinds.KEY_MISSING, path, where, hint, at_key=True)


def _choice(path: Path, value: object, known: list[str]) -> Problem:
    possible = " or ".join([", ".join(known[:-1]), known[-1]] if known[1:] else known)
    name = _name(path)
    if isinstance(value, dict | list):
        hint = "for your own certificate: `certificate: {chain: FILE, key: FILE}`" if name == "tls" else ""
        return Problem(error_kinds.TYPE_WRONG, path, f"`{name}` must be {possible}, not {_form(value)}", hint)
    shown = str(value).lower() if isinstance(value, bool) else value
    hint = suggestion(str(shown), known) or f"possible: {possible}"
    return Problem(error_kinds.CHOICE_UNKNOWN, path, f"`{name}` cannot be `{shown}`", hint)


def _wrong_type(path: Path, wanted: str, value: object) -> Problem:
    name = _name(path)
    if wanted == WANTED["bool_type"] and isinstance(value, str) and value.lower() in YAML_1_1:
        text = f"`{value}` is a string in YAML 1.2; `{name}` is true or false"
        return Problem(error_kinds.NOT_YES_OR_NO, path, text, f"write {YAML_1_1[value.lower()]}")
    message = f"`{name}` must be {wanted}, not {_form(value)}"
    return Problem(error_kinds.TYPE_WRONG, path, message, _example(name, value) or _cure(wanted, value))


def _example(name: str, value: object) -> str:
    """Return how a value of another form is written for the settings where that is plain."""
    match name, value:
        case "listen", int() | str() | list():
            return 'as in {https: ["0.0.0.0:443", "[::]:443"]}'
        case "https" | "http", int():
            return f'write ["0.0.0.0:{value}", "[::]:{value}"]'
        case "certificate", str():
            return f"write {{chain: {value}, key: FILE}}"
        case _:
            return ""


def _form(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "nothing"


def _cure(wanted: str, value: object) -> str:
    if wanted == WANTED["int_type"] and isinstance(value, str):
        if value.isdecimal():
            return f"write {value} without quotes"
        digits = value.replace("_", "")  # which YAML 1.1 allows between digits
        return f"write {digits}" if digits.isdecimal() else ""
    if wanted == WANTED["list_type"] and isinstance(value, str):
        return f"write [{json.dumps(value, ensure_ascii=False)}]" if value else "write []"
    if "URL" in wanted and isinstance(value, int) and 0 < value <= 65535:
        return f"write http://127.0.0.1:{value}"
    if "mapping" in wanted and isinstance(value, str):
        return spaced(value)
    if wanted.startswith("ladder") and isinstance(value, bool):
        return "write ladder" if value else "write none"
    return ""
