"""What was probably intended by a name, a listener or an upstream that cannot be read."""

import re
from collections.abc import Sequence
from typing import Final

Guess = tuple[str, str, str]
"""A pattern, the message for a text that matches it, and the hint."""

ON_A_PORT: Final = "let the server listen on a port, as in http://127.0.0.1:9000"
NAMES: Final[Sequence[Guess]] = (
    (r"[^\s@]+@(?P<name>[^\s@]+)", "`{text}` is an e-mail address", "write {name}"),
    (r"_", "`_` is any other name in nginx", "`default_site` names the site that answers for those"),
    (
        r"(\*|0\.0\.0\.0|\[::\])?:[0-9]+",
        "`{text}` is a port, not a name",
        "write the site's name; ports belong under `listen`",
    ),
    (r"Host(SNI)?\(`(?P<name>[^`]+)`\).*", "`{text}` is a rule of Traefik", "write {name}"),
    (
        r"~.*|.*[\^$\\(|].*",
        "`{text}` is a pattern",
        'write the names one by one; a wildcard is as in "*.example.com"',
    ),
    (r".*[\s,].*", "`{text}` is more than one name", "write the first one, and the others under `aliases`"),
    (
        r"\.(?P<name>[^.].*)",
        "`{text}` starts with a dot",
        'write {name}, or "*.{name}" for the names below it',
    ),
    (r".*\.\..*", "`{text}` has two dots in a row", "remove one"),
)
UPSTREAMS: Final[Sequence[Guess]] = (
    (
        r"(https?://)?unix:.*|https?\+unix:.*|.*\.sock(et)?(:.*)?",
        "`{text}` is a Unix socket, and upstreams are reached over TCP",
        ON_A_PORT,
    ),
    (r":?(?P<port>[0-9]{1,5})/?", "`{text}` is a port without a host", "write http://127.0.0.1:{port}"),
    (r"-(?P<rest>\S.*)", "a space is missing behind the dash", "write `- {rest}`"),
    (r"to:(?P<rest>.+)", "a space is missing behind the colon", "write `to: {rest}`"),
    (
        r".*[\s,].*",
        "`{text}` is more than one server",
        "write a list: [http://10.0.0.2:80, http://10.0.0.3:80]",
    ),
    (
        r"(wss?)://(?P<rest>[^/]+)/?",
        "WebSockets are passed on to http:// servers",
        "write http://{rest}",
    ),
    (
        r"(h2c|tcp|grpc|htpp|htp|ttp)://?(?P<rest>[\w.-]+(:[0-9]+)?)/?",
        "`{text}` is not http://",
        "write http://{rest}",
    ),
    (r"https?:/?(?P<rest>[\w.-]+(:[0-9]+)?)/?", "`{text}` has too few slashes", "write http://{rest}"),
    (
        r"(\.{0,2}/|~|[A-Za-z]:\\).*",
        "`{text}` is a path, and port443 serves no files",
        "let a web server serve them, and write where it listens, as in http://127.0.0.1:9000",
    ),
    (r"https?:/*", "`{text}` names no server", "as in http://127.0.0.1:9000"),
)
LISTENERS: Final[Sequence[Guess]] = (
    (r"unix:.*|/.*", "`{text}` is a Unix socket, and clients come over TCP", 'as in "0.0.0.0:443"'),
    (r"[a-z]+://(?P<rest>[^/]+:[0-9]+)/*", "`{text}` is a URL", 'write "{rest}"'),
    (r"(?P<rest>[^/]+:[0-9]+)/(tcp|udp)", "`{text}` names a protocol", 'write "{rest}"'),
    (
        r"(\*?:)?(?P<port>[0-9]+)(/tcp|/udp)?",
        "`{text}` names no address",
        'write "0.0.0.0:{port}" and "[::]:{port}" for all addresses',
    ),
    (
        r"localhost:(?P<port>[0-9]+)",
        "`{text}` has a name, and a listener is an address",
        'write "127.0.0.1:{port}" and "[::1]:{port}"',
    ),
    (
        r"(?P<name>[A-Za-z][\w.-]*):(?P<port>[0-9]+)",
        "`{text}` has a name, and a listener is an address",
        'write an address of this machine, or "0.0.0.0:{port}" for all of them',
    ),
    (r"(?P<rest>[0-9]+(\.[0-9]+){3}|\[[0-9a-fA-F:]+\])", "`{text}` has no port", 'write "{rest}:443"'),
)


def guess(text: str, guesses: Sequence[Guess]) -> tuple[str, str] | None:
    """Return message and hint of the first pattern that matches the whole text."""
    for pattern, message, hint in guesses:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            words = {"text": text, **found.groupdict()}
            return message.format(**words), hint.format(**words)
    return None


SPACELESS: Final = re.compile(r"[\"']?([A-Za-z*][\w.*-]*)[\"']?\s*:((?!//)\S.*)")
DASH: Final = re.compile(r"-((?!-)\S.*)")


def spaced(text: str) -> str:
    """Return what to write for `name:value` or `-entry`, else an empty string."""
    if entry := DASH.fullmatch(text):
        return f"write `- {entry[1]}`"
    found = SPACELESS.fullmatch(text)
    return f"write `{found[1]}: {found[2]}`" if found else ""


def spaced_bracket(text: str) -> str:
    """Return what to write for `name:{` or `name:[`, which YAML takes for one name; else an empty string."""
    found = SPACELESS.fullmatch(text)
    return spaced(text) if found and found[2][0] in "{[" else ""
