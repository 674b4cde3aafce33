"""Parsers of single values, from what YAML holds to the types of `core`. Errors are `InvalidValue`s."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeVar

from port443.core.contract.bounds import DAY_MS, MAX_INTEGER
from port443.core.contract.snapshot import HEAD_BYTES
from port443.core.names import Endpoint, HostName, IPName, NameInvalid, SiteName
from port443.core.plan.desired import Upstream
from port443.core.plan.written import BYTES
from port443.settings import error_kinds, guesses

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 31_536_000}
DURATION: Final = re.compile(r"([0-9]{1,10})([smhdy])")
CLOCK: Final = re.compile(r"([0-9]{1,4}):([0-5][0-9])")
MAX_DURATION_S: Final = 100 * SECONDS["y"]
MAX_TIMEOUT_S: Final = DAY_MS // 1000
SIZE: Final = re.compile(r"([0-9]{1,16})([KMGT]?i?B?)")
MAX_HEAD_BYTES: Final = HEAD_BYTES.most
URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL
)
HTTP_PORT: Final = 80
MAX_PATH: Final = 4096
MAX_LABEL: Final = 256
ISSUER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
EMAIL: Final = re.compile(r"[^\s@,;<>?&\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,253}")
DIRECTORY_EXAMPLE: Final = "as in https://ca.internal/acme/directory"
NOTHING: Final = frozenset({"no", "off", "false", "none", "null", "yes", "on", "true"})
"""Scalars that some version of YAML reads as null or a boolean: no path."""
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no path can have: control characters and lone surrogates."""


class InvalidValue(ValueError):
    """A value that cannot be parsed: its kind of error, a message and a hint."""

    def __init__(self, kind: error_kinds.ErrorKind, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


def read_name(raw: object) -> SiteName:
    """Read a host name, a wildcard or an IP address."""
    return _or_meant(_read_name, _text(raw), guesses.NAMES)


T = TypeVar("T")


def _or_meant(read: Callable[[str], T], text: str, known: Sequence[guesses.Guess]) -> T:
    """Read a text; where that fails and the intention is clear, raise a message that names it."""
    try:
        return read(text)
    except InvalidValue as error:
        if meant := guesses.guess(text, known):
            raise InvalidValue(error.kind, *meant) from error
        raise


@lru_cache(maxsize=16384)
def _read_name(text: str) -> SiteName:
    if "://" in text or "/" in text:
        host = text.partition("://")[2] or text
        raise InvalidValue(
            error_kinds.NAME_INVALID, f"`{text}` is more than a name", f"write {host.partition('/')[0]}"
        )
    if _looks_like_address(text):
        return _read_address(text)
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal():
        hint = f"write {host}; ports belong under `listen`"
        raise InvalidValue(error_kinds.NAME_INVALID, f"`{text}` has a port, and a name has none", hint)
    try:
        name = HostName.parse(text)
    except NameInvalid as error:
        raise _invalid_name(text, error) from error
    if name.is_wildcard and name.text.count(".") < 2:
        raise InvalidValue(
            error_kinds.WILDCARD_INVALID,
            f"`{text}` is a wildcard for a whole top-level domain",
            'as in "*.example.com"',
        )
    return name


def _invalid_name(text: str, error: NameInvalid) -> InvalidValue:
    if text == "*":
        return InvalidValue(
            error_kinds.WILDCARD_INVALID, "`*` is a wildcard for every name", 'as in "*.example.com"'
        )
    if "*" in text:
        message = f"in `{text}` the * is not the whole first label"
        return InvalidValue(error_kinds.WILDCARD_INVALID, message, 'as in "*.example.com"')
    if "_" in text:
        return InvalidValue(
            error_kinds.NAME_INVALID, f"`{text}` has an underscore, which host names do not", "use a hyphen"
        )
    return InvalidValue(error_kinds.NAME_INVALID, error.message, error.hint)


def _looks_like_address(text: str) -> bool:
    return text.count(":") > 1 or text.startswith("[") or text.rpartition(".")[2].isdecimal()


def _read_address(text: str) -> IPName:
    if "%" in text:
        raise InvalidValue(
            error_kinds.NAME_INVALID, f"`{text}` has a zone, which only means something on one machine"
        )
    try:
        name = IPName.parse(text)
    except NameInvalid as error:
        raise InvalidValue(
            error_kinds.NAME_INVALID, error.message, "for example 192.0.2.1 or 2001:db8::1"
        ) from error
    if mapped := _mapped(name.text):
        raise InvalidValue(
            error_kinds.NAME_INVALID, f"`{text}` is an IPv4 address in IPv6 form", f"write {mapped}"
        )
    return name


def _mapped(address: str) -> str | None:
    """Return the IPv4 address that is hidden in an IPv6 one: it has no spelling that all agree on."""
    read = ip_address(address)
    return str(read.ipv4_mapped) if isinstance(read, IPv6Address) and read.ipv4_mapped else None


def read_endpoint(raw: object) -> Endpoint:
    """Read `192.0.2.1:443` or `[2001:db8::1]:443`."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        hint = f'write "0.0.0.0:{raw}" and "[::]:{raw}"'
        raise InvalidValue(error_kinds.ADDRESS_INVALID, f"{raw} is a port without an address", hint)
    return _or_meant(_read_endpoint, _text(raw), guesses.LISTENERS)


def _read_endpoint(text: str) -> Endpoint:
    if "%" in text or not text.isascii():
        raise InvalidValue(
            error_kinds.ADDRESS_INVALID, f"`{text}` is not ADDRESS:PORT", 'as in "0.0.0.0:443" or "[::]:443"'
        )
    _, colon, port = text.rpartition(":")
    if colon and port.isdecimal():
        _read_port(port, error_kinds.ADDRESS_INVALID)
    try:
        endpoint = Endpoint.parse(text)
    except NameInvalid as error:
        hint = error.hint or 'as in "0.0.0.0:443" or "[::]:443"'
        raise InvalidValue(error_kinds.ADDRESS_INVALID, error.message, hint) from error
    if mapped := _mapped(endpoint.address):
        message = f"`{text}` is an IPv4 address in IPv6 form"
        raise InvalidValue(error_kinds.ADDRESS_INVALID, message, f'write "{mapped}:{endpoint.port}"')
    return endpoint


def read_upstream(raw: object) -> Upstream:
    """Read `http://HOST` or `http://HOST:PORT`."""
    return _or_meant(_read_upstream, _text(raw), guesses.UPSTREAMS)


def _read_upstream(text: str) -> Upstream:
    url = URL.fullmatch(text)
    if url is None:
        hint = f"write http://{text}" if _is_upstream(f"http://{text}") else "as in http://127.0.0.1:9000"
        raise InvalidValue(error_kinds.UPSTREAM_INVALID, f"`{text}` is not a URL", hint)
    if url["scheme"].lower() != "http":
        message = f"`{url['scheme']}` is not possible; upstreams are reached by plain http"
        raise InvalidValue(error_kinds.UPSTREAM_SCHEME, message, "as in http://127.0.0.1:9000")
    user, _, authority = url["authority"].rpartition("@")
    if user or url["rest"] not in {"", "/"}:
        part = "a user" if user else f"`{url['rest']}`"
        message = f"an upstream is a server, without {part}"
        raise InvalidValue(error_kinds.UPSTREAM_PATH, message, f"write http://{authority}")
    return _read_authority(authority)


def _is_upstream(text: str) -> bool:
    try:
        read_upstream(text)
    except InvalidValue:
        return False
    return True


def _read_authority(authority: str) -> Upstream:
    if authority.count(":") > 1 and not authority.startswith("["):
        message = f"`{authority}` has an IPv6 address without brackets"
        raise InvalidValue(error_kinds.UPSTREAM_INVALID, message, f"as in http://[{authority}]:9000")
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, str(HTTP_PORT)
    return Upstream(_read_host(host), _read_port(port, error_kinds.UPSTREAM_INVALID))


def _read_port(text: str, kind: error_kinds.ErrorKind) -> int:
    if not text.isascii() or not text.isdecimal() or not text.strip("0") or len(text.lstrip("0")) > 5:
        raise InvalidValue(kind, f"`{text}` is not a port", "a port is a number from 1 to 65535")
    number = int(text)
    if text.startswith("0"):
        raise InvalidValue(error_kinds.NUMBER_AMBIGUOUS, f"port {text} starts with a zero", f"write {number}")
    if number > 65535:
        raise InvalidValue(kind, f"{text} is not a port", "a port is a number from 1 to 65535")
    return number


def _read_host(host: str) -> str:
    if "*" in host:
        raise InvalidValue(
            error_kinds.UPSTREAM_INVALID,
            f"`{host}` is a wildcard",
            "an upstream is one server: write its name",
        )
    try:
        name = _read_name(host)
    except InvalidValue as error:
        hint = "give it a name without one (in Docker a network alias), or write its address"
        raise InvalidValue(
            error_kinds.UPSTREAM_INVALID, error.message, hint if "_" in host else error.hint
        ) from error
    if isinstance(name, IPName) and ":" in name.text and not host.startswith("["):
        raise InvalidValue(
            error_kinds.UPSTREAM_INVALID, f"`{host}` has no brackets", f"as in http://[{host}]:9000"
        )
    return name.text


def read_duration(raw: object) -> int:
    """Read `5s 10m 2h 30d 2y` as seconds; a year has 365 days."""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raise InvalidValue(
            error_kinds.DURATION_INVALID, f"{raw} has no unit", f"as in {raw}s, or 5s 10m 2h 30d 2y"
        )
    text = _text(raw)
    match = DURATION.fullmatch(text)
    if match is None:
        raise InvalidValue(error_kinds.DURATION_INVALID, f"`{text}` is not a duration", _duration_hint(text))
    seconds = int(match[1]) * SECONDS[match[2]]
    if seconds > MAX_DURATION_S:
        raise InvalidValue(error_kinds.DURATION_INVALID, f"`{text}` is longer than 100y")
    return seconds


def _duration_hint(text: str) -> str:
    """Return how a clock time such as 1:30, which YAML 1.1 reads as the number 90, is written."""
    if clock := CLOCK.fullmatch(text):
        count = int(clock[1]) * 60 + int(clock[2])
        return f"write {count}m for hours and minutes, {count}s for minutes and seconds"
    return "as in 5s 10m 2h 30d 2y"


def read_timeout(raw: object) -> int:
    """Read a timeout, as seconds."""
    seconds = read_duration(raw)
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise InvalidValue(
            error_kinds.DURATION_INVALID, f"`{raw}` is no timeout", "a timeout is from 1s to 1d"
        )
    return seconds


def read_request_timeout(raw: object) -> int:
    """Read a wait, or `none` for one without an end, which is 0."""
    try:
        return 0 if raw == "none" else read_timeout(raw)
    except InvalidValue as wrong:
        raise InvalidValue(wrong.kind, wrong.message, "from 1s to 1d, or none") from None


def read_size(raw: object) -> int:
    """Read `512B 64KiB 10MiB 1GiB` as bytes."""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raise InvalidValue(
            error_kinds.SIZE_INVALID, f"{raw} has no unit", f"as in {raw}B, or 64KiB 10MiB 1GiB"
        )
    text = _text(raw)
    match = SIZE.fullmatch(text)
    if match is None or match[2] not in BYTES:
        meant = f"{match[2][:1]}iB" if match else ""
        hint = f"write {match[1]}{meant}" if match and meant in BYTES else "as in 64KiB 10MiB 1GiB"
        raise InvalidValue(error_kinds.SIZE_INVALID, f"`{text}` is not a size", hint)
    size = int(match[1]) * BYTES[match[2]]
    if size > MAX_INTEGER:
        raise InvalidValue(error_kinds.SIZE_INVALID, f"`{text}` is larger than 8191TiB")
    return size


def read_head_size(raw: object) -> int:
    """Read a size of what is buffered in memory."""
    size = read_size(raw)
    if not 1 <= size <= MAX_HEAD_BYTES:
        raise InvalidValue(
            error_kinds.SIZE_INVALID, f"`{raw}` is out of range", "a header has from 1B to 16MiB"
        )
    return size


def read_hsts_word(raw: object) -> object:
    """Read `off`, the former spelling, as `none`."""
    return "none" if raw == "off" else raw


def read_path(raw: object) -> str:
    """Read the path of a file."""
    if (word := str(raw).lower()) in NOTHING:
        hint = f"remove the setting to have none, or write ./{word} for a file of that name"
        raise InvalidValue(error_kinds.PATH_INVALID, f"`{word}` is not the path of a file", hint)
    text = _text(raw)
    if not text or len(text) > MAX_PATH or CONTROL.search(text):
        raise InvalidValue(error_kinds.PATH_INVALID, "this is not the path of a file")
    if text.startswith("~"):
        raise InvalidValue(error_kinds.PATH_INVALID, "~ is not expanded here", "write the whole path")
    return text


def read_issuer(raw: object) -> str:
    """Read the name of an issuer, or the URL of its directory."""
    text = _text(raw)
    return read_directory(text) if "://" in text else read_issuer_name(text)


def read_issuer_name(raw: object) -> str:
    """Read the name of an issuer."""
    text = _text(raw)
    if not ISSUER_NAME.fullmatch(text):
        hint = "as in letsencrypt; a CA of your own is named by its directory: https://HOST/PATH"
        raise InvalidValue(error_kinds.ISSUER_UNKNOWN, f"`{text}` is not the name of an issuer", hint)
    return text


def read_directory(raw: object) -> str:
    """Read the URL of an ACME directory."""
    text = _text(raw)
    found = URL.fullmatch(text)
    if found is None or CONTROL.search(text) or " " in text or not found["authority"]:
        raise InvalidValue(error_kinds.DIRECTORY_INVALID, f"`{text}` is not a URL", DIRECTORY_EXAMPLE)
    if found["scheme"].lower() != "https":
        text = f"`{text}` is not https, and CAs are spoken to over TLS alone"
        raise InvalidValue(error_kinds.DIRECTORY_INVALID, text, DIRECTORY_EXAMPLE)
    if "@" in found["authority"]:
        raise InvalidValue(error_kinds.DIRECTORY_INVALID, f"`{text}` has a user", "leave it out")
    return text


def read_email(raw: object) -> str:
    """Read an e-mail address, as far as CAs have to understand it (RFC 8555 §7.3)."""
    text = _text(raw).removeprefix("mailto:")
    if not EMAIL.fullmatch(text):
        hint = "one address, as in ops@example.com"
        raise InvalidValue(error_kinds.EMAIL_INVALID, f"`{text}` is not an e-mail address", hint)
    return text


def read_label(raw: object) -> str:
    """Read a text of somebody else's, such as the name of a profile."""
    text = _text(raw)
    if not text or len(text) > MAX_LABEL or CONTROL.search(text):
        raise InvalidValue(error_kinds.TYPE_WRONG, f"a text of 1 to {MAX_LABEL} characters is needed")
    return text


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float):
        shown = str(raw).lower()
        raise InvalidValue(
            error_kinds.TYPE_WRONG, f"{shown} is not a string here", f'write "{shown}" for a string'
        )
    form = "a list" if isinstance(raw, list) else "a mapping" if isinstance(raw, dict) else "nothing"
    raise InvalidValue(error_kinds.TYPE_WRONG, f"must be a string, not {form}")
