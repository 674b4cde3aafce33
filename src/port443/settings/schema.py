"""The settings file as written: the values of each key. `port443 config schema` is made from this."""

from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from port443.core.contract.bounds import MAX_LISTENERS, MAX_NAMES, MAX_SERVERS, MAX_SITES, MAX_WORKERS
from port443.core.contract.rules import Range
from port443.core.contract.snapshot import (
    CONNECTIONS,
    HANDSHAKES,
    HEADER_FIELDS,
    STANDARD_POOL_LIMITS,
)
from port443.core.names import Endpoint, SiteName
from port443.core.plan.desired import (
    STANDARD_LIMITS,
    STANDARD_SITE_LIMITS,
    HstsWord,
    LogFormat,
    LogLevel,
    TlsName,
    Upstream,
)
from port443.core.plan.written import size
from port443.settings import values
from port443.settings.show import duration, request_timeout

MAX_ADDRESSES: Final = MAX_LISTENERS // 4
"""Of one kind of listener; the contract has room for further kinds."""
MAX_ISSUERS: Final = 16
WRONG_FORM: Final = "wrong_form"
"""The type of the error when a value has none of the forms that a key may have."""

MARKS: Final = frozenset({"<text>", "<list>", "<mapping>", "<given>", "<left out>", "[key]"})
"""What pydantic adds to the location of an error, beside keys and numbers."""

NAME_PATTERN: Final = r"^(\*\.)?[^\s/*_]+$"

Address = Annotated[
    Endpoint,
    PlainValidator(values.read_endpoint),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r":[0-9]{1,5}$", "examples": ["0.0.0.0:443", "[::]:443"]}),
]
Name = Annotated[
    SiteName,
    PlainValidator(values.read_name),
    WithJsonSchema(
        {"type": "string", "pattern": NAME_PATTERN, "examples": ["app.example.com", "*.example.com"]}
    ),
]
Server = Annotated[
    Upstream,
    PlainValidator(values.read_upstream),
    WithJsonSchema(
        {"type": "string", "pattern": "^http://[^/?#@]+/?$", "examples": ["http://127.0.0.1:9000"]}
    ),
]
Duration = Annotated[
    int,
    PlainValidator(values.read_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,10}[smhdy]$", "examples": ["10m", "30d", "1y"]}),
]
Timeout = Annotated[
    int,
    PlainValidator(values.read_timeout),
    PlainSerializer(duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,10}[smhd]$", "examples": ["10s", "1m", "1h"]}),
]
RequestTimeout = Annotated[
    int,
    PlainValidator(values.read_request_timeout),
    PlainSerializer(request_timeout),
    WithJsonSchema(
        {"type": "string", "pattern": "^([0-9]{1,10}[smhd]|none)$", "examples": ["none", "30s", "1h"]}
    ),
]
SIZE_SCHEMA: Final = {
    "type": "string",
    "pattern": "^[0-9]{1,16}([KMGT]i)?B$",
    "examples": ["64KiB", "10MiB", "1GiB"],
}
BodySize = Annotated[
    int, PlainValidator(values.read_size), PlainSerializer(size), WithJsonSchema(SIZE_SCHEMA)
]
HeadSize = Annotated[
    int, PlainValidator(values.read_head_size), PlainSerializer(size), WithJsonSchema(SIZE_SCHEMA)
]


def _within(bounds: Range) -> Any:
    return Field(ge=bounds.least, le=bounds.most)


Connections = Annotated[int, _within(CONNECTIONS)]
Handshakes = Annotated[int, _within(HANDSHAKES)]
FilePath = Annotated[
    str,
    PlainValidator(values.read_path),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 4096}),
]


def _form(value: object) -> str | None:
    """Discriminate the forms of one setting."""
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list):
        return "<list>"
    if value is None:
        return "<left out>"
    return "<mapping>" if isinstance(value, dict) else None


def _forms(words: str) -> Discriminator:
    return Discriminator(_form, custom_error_type=WRONG_FORM, custom_error_message=words)


Workers = Annotated[int, Field(ge=1, le=MAX_WORKERS)]
Servers = Annotated[list[Server], Field(min_length=1, max_length=MAX_SERVERS)]
To = Annotated[
    Annotated[Server, Tag("<text>")] | Annotated[Servers, Tag("<list>")], _forms("a URL or a list of URLs")
]


T = TypeVar("T")
LeftOut = Annotated[SkipJsonSchema[None], Tag("<left out>")]
Optionally = Annotated[
    Annotated[T, Tag("<given>")] | LeftOut,
    Discriminator(lambda value: "<left out>" if value is None else "<given>"),
]
"""None, or a value whose errors do not mention that it could also be None."""


class Form(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ListenForm(Form):
    """The addresses that are listened on."""

    https: Annotated[list[Address], Field(min_length=1, max_length=MAX_ADDRESSES)] = [
        Endpoint("0.0.0.0", 443),  # noqa: S104 - a public server serves on all addresses
        Endpoint("::", 443),
    ]
    """Where TLS is spoken."""
    http: Annotated[list[Address], Field(max_length=MAX_ADDRESSES)] = [
        Endpoint("0.0.0.0", 80),  # noqa: S104 - a public server serves on all addresses
        Endpoint("::", 80),
    ]
    """Where plain HTTP is redirected to https; may be empty."""


class HstsForm(Form):
    """A Strict-Transport-Security header as written (RFC 6797)."""

    max_age: Duration
    """How long browsers shall insist on https: 1y for good, 5m to try, 0s to end it."""
    include_subdomains: bool = False
    """Whether it holds for every name below the site's, also those served elsewhere."""
    preload: bool = False
    """Consent to the browsers' built-in list; needs 1y and include_subdomains, and is slow to undo."""


class ConnectionsForm(Form):
    """The most open connections; one more is refused early."""

    per_worker: Connections = STANDARD_LIMITS.connections_per_worker
    """By one worker."""
    per_address: Connections = STANDARD_LIMITS.connections_per_address
    """By one worker for one client: an IPv4 address, or the /64 of an IPv6 one."""
    per_pool: Connections = STANDARD_POOL_LIMITS.connections_per_worker
    """By one worker to the servers behind a site, tunnels too; a request that needs one more gets 503."""


class HandshakesForm(Form):
    """New TLS connections that one worker takes from one client."""

    per_second: Handshakes = STANDARD_LIMITS.handshakes_per_second
    """In the long run."""
    burst: Handshakes = STANDARD_LIMITS.handshakes_burst
    """At once, after a rest."""


class HeaderForm(Form):
    """The header of a request; a larger one is answered with 431.

    `size` and `count` bound the header of a server's response as well, which may always have 128 fields; a
    larger one is answered with 502 (`response_too_large`).
    """

    size: HeadSize = STANDARD_LIMITS.header_bytes
    """All of it."""
    line: HeadSize = STANDARD_LIMITS.header_line_bytes
    """One line of it, or the path and query of the request."""
    count: Annotated[int, _within(HEADER_FIELDS)] = STANDARD_LIMITS.header_fields
    """Its lines."""


class TimeoutsForm(Form):
    """How long is waited, from 1s to 1d."""

    hello: Timeout = STANDARD_LIMITS.hello_timeout_ms // 1000
    """For a client's first TLS message."""
    handshake: Timeout = STANDARD_LIMITS.handshake_timeout_ms // 1000
    """For the end of a handshake."""
    header: Timeout = STANDARD_LIMITS.header_timeout_ms // 1000
    """For a whole header, from its first byte."""
    body: Timeout = STANDARD_LIMITS.body_timeout_ms // 1000
    """For the next bytes of a body, in either direction: what flows is not timed out."""
    idle: Timeout = STANDARD_LIMITS.idle_timeout_ms // 1000
    """For a client's next request."""
    tunnel: Timeout = STANDARD_LIMITS.tunnel_timeout_ms // 1000
    """For the next bytes of a WebSocket, in either direction."""
    connect: Timeout = STANDARD_POOL_LIMITS.connect_timeout_ms // 1000
    """For a connection to an upstream, the look-up of its name included."""
    first_byte: Timeout = STANDARD_POOL_LIMITS.response_timeout_ms // 1000
    """For the first byte of an upstream's response."""
    upstream_idle: Timeout = STANDARD_POOL_LIMITS.idle_timeout_ms // 1000
    """For the next request on an open connection to an upstream; shorter than the upstream waits itself."""
    request: RequestTimeout = 0
    """For all of a request and its response, even while they flow; none: they may flow for days."""
    drain: Timeout = STANDARD_LIMITS.drain_timeout_ms // 1000
    """For open connections to end, when the edge ends."""


class SiteTimeoutsForm(Form):
    """A site's own time-outs, in place of those of `limits`; before a client's hello no site is known."""

    handshake: Optionally[Timeout] = None
    """For the end of a handshake."""
    header: Optionally[Timeout] = None
    """For a whole header, from its first byte."""
    body: Optionally[Timeout] = None
    """For the next bytes of a body, in either direction: what flows is not timed out."""
    idle: Optionally[Timeout] = None
    """For a client's next request."""
    tunnel: Optionally[Timeout] = None
    """For the next bytes of a WebSocket, in either direction."""
    connect: Optionally[Timeout] = None
    """For a connection to an upstream, the look-up of its name included."""
    first_byte: Optionally[Timeout] = None
    """For the first byte of an upstream's response."""
    upstream_idle: Optionally[Timeout] = None
    """For the next request on an open connection to an upstream."""
    request: Optionally[RequestTimeout] = None
    """For all of a request and its response, even while they flow; none: without an end."""


class LimitsForm(Form):
    """Bounds on what a client may make the edge hold or wait for."""

    connections: ConnectionsForm = ConnectionsForm()
    """How many connections are held."""
    handshakes: HandshakesForm = HandshakesForm()
    """How often one client may connect."""
    header: HeaderForm = HeaderForm()
    """How large the header of a request may be."""
    timeouts: TimeoutsForm = TimeoutsForm()
    """How long is waited."""


class LogForm(Form):
    """What `port443 serve` logs; flags such as --log-level take precedence."""

    level: LogLevel = "info"
    """The lowest level that is logged; what clients cause is info, what an operator must see is higher."""
    file: Optionally[FilePath] = None
    """A file in place of standard error, readable by user and group; reopened after it was rotated."""
    format: LogFormat = "auto"
    """auto: text on a terminal, else one JSON object a line."""


class CertificateForm(Form):
    """The operator's own certificate; read again when the files change."""

    chain: FilePath
    """PEM: the site's certificate first, then its issuers without the root."""
    key: FilePath
    """PEM: the private key of the site's certificate."""


LOCAL: Final = "local"
IssuerWord = Annotated[
    str,
    PlainValidator(values.read_issuer),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([a-z0-9][a-z0-9-]*|https://.+)$",
            "examples": ["letsencrypt", "https://ca.internal/acme/directory"],
        }
    ),
]
IssuerName = Annotated[
    str,
    PlainValidator(values.read_issuer_name),
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "examples": ["letsencrypt"]}),
]
DirectoryURL = Annotated[
    str,
    PlainValidator(values.read_directory),
    WithJsonSchema(
        {"type": "string", "pattern": "^https://.+", "examples": ["https://ca.internal/acme/directory"]}
    ),
]
Email = Annotated[
    str,
    PlainValidator(values.read_email),
    WithJsonSchema({"type": "string", "pattern": "^[^@]+@[^@]+$", "examples": ["ops@example.com"]}),
]
Label = Annotated[
    str,
    PlainValidator(values.read_label),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 256}),
]


class AccountForm(Form):
    """The account at every CA that does not say otherwise at its own place."""

    email: Optionally[Email] = None
    """Where a CA writes to, about the account alone: it sends no reminders."""
    agree_tos: bool = False
    """That the operator has read the terms of service of the issuers, and agrees to them."""


class ExternalAccountForm(Form):
    """A customer's account at a CA, to which the account there is bound (RFC 8555 section 7.3.4)."""

    key_id: Label
    """The key id that the CA shows."""
    key_file: FilePath
    """A file with the MAC key that the CA shows beside it, alone."""


class IssuerForm(Form):
    """A CA that speaks ACME, and how it is used."""

    name: Optionally[IssuerName] = None
    """A public CA by its name: letsencrypt, letsencrypt-staging, google, zerossl, sslcom, actalis. Or, with a
    `directory`, what sites call this one."""
    directory: Optionally[DirectoryURL] = None
    """The URL of its ACME directory; a public CA has it by its name."""
    trust: Optionally[FilePath] = None
    """PEM: the roots to believe when speaking to it; those of the system when left out."""
    email: Optionally[Email] = None
    """Where it writes to; that of `account` when left out."""
    agree_tos: bool = False
    """That the operator agrees to its terms of service; that of `account` when left out."""
    eab: Optionally[ExternalAccountForm] = None
    """The external account binding, for CAs that ask for one."""
    profile: Optionally[Label] = None
    """The kind of certificate, by the CA's own name for it."""


IssuerWritten = Annotated[
    Annotated[IssuerWord, Tag("<text>")] | Annotated[IssuerForm, Tag("<mapping>")],
    _forms("a name such as letsencrypt, a URL, or a mapping with `directory`"),
]
IssuerWords = Annotated[
    Annotated[IssuerWord, Tag("<text>")]
    | Annotated[Annotated[list[IssuerWord], Field(min_length=1, max_length=MAX_ISSUERS)], Tag("<list>")]
    | LeftOut,
    _forms("local, the name of an issuer, or a list of names"),
]

HstsText = Annotated[
    HstsWord,
    BeforeValidator(values.read_hsts_word),
    WithJsonSchema({"anyOf": [{"enum": list(get_args(HstsWord))}, {"const": "off", "deprecated": True}]}),
]
"""`off`, the former word for none, is a boolean for tools that read YAML 1.1."""
Hsts = Annotated[
    Annotated[HstsText, Tag("<text>")] | Annotated[HstsForm, Tag("<mapping>")],
    _forms("ladder, none, or a mapping such as {max_age: 1y}"),
]


class SiteForm(Form):
    """One site in long form."""

    to: To
    """The plain HTTP server behind the site, or several that share its requests."""
    aliases: Annotated[list[Name], Field(max_length=MAX_NAMES - 1)] = []
    """Further names of the site: host names, wildcards, IP addresses."""
    tls: TlsName = "intermediate"
    """intermediate: TLS 1.3 and 1.2, forward-secret AEAD suites only. modern: TLS 1.3 only."""
    hsts: Hsts = "ladder"
    """ladder: grows from 5 minutes to a year while proofs hold (port443 explain hsts). none: not sent."""
    issuer: IssuerWords = None
    """local: the built-in CA, which names use by themselves that no public CA certifies. Else a name or URL
    of an issuer, or several in order of preference. All of `issuers` when left out."""
    certificate: Optionally[CertificateForm] = None
    """The site's own certificate, in place of an issuer."""
    client_ca: Optionally[FilePath] = None
    """PEM: the CAs of which every client of the site must show a certificate."""
    body: BodySize = STANDARD_SITE_LIMITS.body_bytes
    """The longest request body; a longer one is answered with 413, and is not sent on to the server."""
    requests: Optionally[Connections] = None
    """The most concurrent requests, without WebSockets; one more is answered with 503. Default: no limit."""
    timeouts: SiteTimeoutsForm = SiteTimeoutsForm()
    """The timeouts of this site; one that is left out is as in `limits.timeouts`."""

    def names(self, key: str) -> tuple[SiteName, ...]:
        """Return all names of the site that stands under `key`."""
        return (values.read_name(key), *self.aliases)


def _checked_name(raw: str) -> str:
    values.read_name(raw)
    return raw


SiteKey = Annotated[
    str, AfterValidator(_checked_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})
]
SiteWritten = Annotated[
    Annotated[Server, Tag("<text>")]
    | Annotated[Servers, Tag("<list>")]
    | Annotated[SiteForm, Tag("<mapping>")],
    _forms("a URL, a list of URLs, or a mapping with `to`"),
]


class SettingsFile(Form):
    """What port443 serves, and where."""

    listen: ListenForm = ListenForm()
    """The addresses that are listened on."""
    account: AccountForm = AccountForm()
    """The account at every CA that does not say otherwise at its own place."""
    issuers: Annotated[list[IssuerWritten], Field(max_length=MAX_ISSUERS)] = []
    """CAs that certificates are ordered from, in order of preference: the next one is used while one does
    not answer, refuses or limits."""
    workers: Optionally[Workers] = None
    """Threads of the edge that accept connections; one per core when left out."""
    default_site: Optionally[Name] = None
    """The site that answers clients which name none, or an unknown one; refused when left out."""
    limits: LimitsForm = LimitsForm()
    """Bounds on what a client may make the edge hold or wait for."""
    log: LogForm = LogForm()
    """What is logged, where to, and in which form."""
    sites: Annotated[dict[SiteKey, SiteWritten], Field(max_length=MAX_SITES)]
    """Each site by its first name. `NAME: URL` is short for `NAME: {to: URL}`."""


LIMIT_GROUPS: Final[dict[str, type[Form]]] = {
    "connections": ConnectionsForm,
    "handshakes": HandshakesForm,
    "header": HeaderForm,
    "timeouts": TimeoutsForm,
}


def fields_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the keys that are possible in the group at `path`."""
    return tuple(_group_at(path).model_fields)


def homes_of(key: str) -> list[str]:
    """Return the names of the groups that have a setting `key`."""
    homes: dict[str, type[Form]] = {
        "`listen`": ListenForm,
        "a site": SiteForm,
        "`hsts`": HstsForm,
        "`timeouts` of a site": SiteTimeoutsForm,
        "`limits`": LimitsForm,
        "`log`": LogForm,
        "`account`": AccountForm,
        "an issuer": IssuerForm,
        "`eab`": ExternalAccountForm,
        **{f"`limits.{name}`": form for name, form in LIMIT_GROUPS.items()},
    }
    return [name for name, form in homes.items() if key in form.model_fields]


def example_of(key: str) -> str:
    """Return a short example for a key that is needed."""
    return {
        "to": "to: http://127.0.0.1:9000",
        "sites": "sites: {app.localhost: http://127.0.0.1:9000}",
        "max_age": "max_age: 1y",
        "chain": "chain: site.pem",
        "key": "key: site.key",
        "key_id": "key_id: kid-1",
        "key_file": "key_file: /etc/port443/eab.key",
    }[key]


def _group_at(path: tuple[str | int, ...]) -> type[Form]:
    match path:
        case ("listen", *_):
            return ListenForm
        case ("log", *_):
            return LogForm
        case ("account", *_):
            return AccountForm
        case ("issuers", _, "eab", *_):
            return ExternalAccountForm
        case ("issuers", _, *_):
            return IssuerForm
        case ("limits", str(group), *_) if group in LIMIT_GROUPS:
            return LIMIT_GROUPS[group]
        case ("limits", *_):
            return LimitsForm
        case ("sites", _, "hsts", *_):
            return HstsForm
        case ("sites", _, "timeouts", *_):
            return SiteTimeoutsForm
        case ("sites", _, "certificate", *_):
            return CertificateForm
        case ("sites", _, *_):
            return SiteForm
        case _:
            return SettingsFile
