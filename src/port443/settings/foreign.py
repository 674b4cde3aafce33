"""Files that were written for another program: which one, and how their first site is written here."""

import re
from collections.abc import Iterator
from typing import Any, Final

from port443.settings import error_kinds, values
from port443.settings.diagnostics import Diagnostic
from port443.settings.source import Source

OURS: Final = re.compile(r"^[\"']?sites[\"']?\s*:", re.MULTILINE)
PRIVATE_KEY, CERTIFICATE = "a private key", "a certificate or another PEM file"
NGINX_BLOCKS = r"http|events|server|stream|location\s+\S+|upstream\s+\S+"
NGINX_DIRECTIVES = "server_name|proxy_pass|listen|worker_processes|ssl_certificate|user|include|pid"
SIGNS: Final = tuple(
    (name, re.compile(sign, re.MULTILINE))
    for name, sign in (
        (PRIVATE_KEY, r"^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"),
        (CERTIFICATE, r"^-----BEGIN [A-Z0-9 ]+-----"),
        ("a web page or XML", r"^\s*<(\?xml|!DOCTYPE|!doctype|html)"),
        ("a script", r"\A#!.*"),
        (
            "an nginx configuration",
            rf"^[ \t]*(({NGINX_BLOCKS})\s*\{{|({NGINX_DIRECTIVES})\s[^\n:#]*;)",
        ),
        (
            "an Apache configuration",
            r"^[ \t]*(<(VirtualHost|IfModule|Location|Directory)\b.*|(ServerName|ProxyPass|SSLEngine)\s.*)",
        ),
        (
            "an HAProxy configuration",
            r"^((global|defaults)[ \t]*$|(frontend|backend|listen)[ \t]+\S+[ \t]*$)",
        ),
        (
            "a Caddyfile",
            r"^[ \t]*((reverse_proxy|file_server|php_fastcgi)\b.*|[^\s:#{}=\[]+(:[0-9]+)?[ \t]*\{[ \t]*$)",
        ),
        ("TOML or an INI file", r"^[ \t]*(\[+[\"\w. -]+\]+[ \t]*(#.*)?$|[\"\w.-]+[ \t]*=[ \t]*\S.*)"),
    )
)
KEYS: Final = {
    "entryPoints": "a Traefik configuration",
    "certificatesResolvers": "a Traefik configuration",
    "providers": "a Traefik configuration",
    "apps": "a Caddy configuration",
    "static_resources": "an Envoy configuration",
    "services": "a Docker Compose file",
    "apiVersion": "a Kubernetes manifest",
}
TRAEFIK_PARTS: Final = {"routers", "middlewares", "services"}
SITE_NAME: Final = re.compile(
    r"^[ \t]*(?:server_name|ServerName)\s+([^\s;]+)"
    r"|Host(?:SNI)?\(`([^`]+)`\)"
    r"|^(?:https?://)?([^\s:#{},/]+\.[^\s:#{},/]+)(?::[0-9]+)?(?:,[^{\n]*)?(?:[ \t]*\{)?[ \t]*$",
    re.MULTILINE,
)
"""Of nginx and Apache, of Traefik, of Caddy."""
SERVER: Final = re.compile(
    r"(?:proxy_pass|reverse_proxy|ProxyPass\s+\S+|server\s+\S+|url[\"']?:)\s+[\"']?(?:http://)?"
    r"([\w.-]+:[0-9]+)"
)
MAGIC: Final = {
    b"\x30\x82": "a certificate or key in binary form (DER or PKCS#12)",
    b"\x1f\x8b": "a compressed file",
    b"PK": "a ZIP archive",
    b"\x7fELF": "a program",
    b"SQLite": "a database",
}
SHORTEST: Final = "the shortest settings file is `sites: {app.localhost: http://127.0.0.1:9000}`"


def recognised(source: Source, raw: object) -> Diagnostic | None:
    """Return the format of a file that is not settings, given its YAML value; None when it is unknown."""
    if OURS.search(source.text):
        return None
    for name, start, end in _found(source.text, raw):
        hint = _hint(name, source.text)
        return Diagnostic(
            error_kinds.OTHER_FORMAT, source.place(start, end), f"this is {name}, not settings", hint
        )
    return None


def recognised_binary(raw: bytes) -> str:
    """Return the format of a binary file, or an empty string."""
    return next((name for magic, name in MAGIC.items() if raw.startswith(magic)), "")


def _found(text: str, raw: object) -> Iterator[tuple[str, int, int]]:
    """Yield each format that the text could be, with the place of the sign for it."""
    if isinstance(raw, dict):
        for name, key in _by_keys(raw):
            at = max(text.find(key), 0)
            yield name, at, at + len(key)
        return
    for name, sign in SIGNS:
        if found := sign.search(text):
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            yield name, start, found.end()


def _by_keys(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in raw.items():
        if key in KEYS:
            yield KEYS[key], key
        elif key == "http" and isinstance(value, dict) and TRAEFIK_PARTS & set(value):
            yield "a Traefik configuration", key


def _hint(name: str, text: str) -> str:
    if name in {PRIVATE_KEY, CERTIFICATE}:
        return "a site names its files: `certificate: {chain: FILE, key: FILE}`"
    site, server = SITE_NAME.search(text), SERVER.search(text)
    if site and server:
        host, to = next(filter(None, site.groups())), f"http://{server[1]}"
        try:
            values.read_name(host)
            values.read_upstream(to)
        except values.InvalidValue:
            return SHORTEST
        return f"its first site is written here: `sites: {{{host}: {to}}}`"
    return SHORTEST
