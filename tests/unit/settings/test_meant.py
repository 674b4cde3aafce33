"""What was probably meant, by a value or by a whole file: the way out that a mistake names is one."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki import leaf
from port443.settings import values
from port443.settings.diagnostics import SettingsInvalid
from port443.settings.foreign import SHORTEST
from port443.settings.load import load, parse

NAMES, LISTENERS, UPSTREAMS = values.read_name, values.read_endpoint, values.read_upstream
ELSEWHERE = Path(__file__).parents[2] / "settings_bad"


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        (NAMES, "ops@example.com", "write example.com"),
        (NAMES, "https://example.com/path", "write example.com"),
        (NAMES, "example.com:8443", "write example.com; ports belong under `listen`"),
        (NAMES, ".example.com", 'write example.com, or "*.example.com" for the names below it'),
        (NAMES, "Host(`example.com`)", "write example.com"),
        (NAMES, "a.test,b.test", "write the first one, and the others under `aliases`"),
        (NAMES, "_", "`default_site` names the site that answers for those"),
        (NAMES, ":443", "write the site's name; ports belong under `listen`"),
        (NAMES, "my_app.test", "use a hyphen"),
        (LISTENERS, ":443", 'write "0.0.0.0:443" and "[::]:443" for all addresses'),
        (LISTENERS, "*:443", 'write "0.0.0.0:443" and "[::]:443" for all addresses'),
        (LISTENERS, "443/tcp", 'write "0.0.0.0:443" and "[::]:443" for all addresses'),
        (LISTENERS, 443, 'write "0.0.0.0:443" and "[::]:443"'),
        (LISTENERS, "localhost:8443", 'write "127.0.0.1:8443" and "[::1]:8443"'),
        (LISTENERS, "https://192.0.2.1:443/", 'write "192.0.2.1:443"'),
        (LISTENERS, "192.0.2.1:443/udp", 'write "192.0.2.1:443"'),
        (LISTENERS, "192.0.2.1", 'write "192.0.2.1:443"'),
        (LISTENERS, "[2001:db8::1]", 'write "[2001:db8::1]:443"'),
        (LISTENERS, "192.0.2.1:0443", "write 443"),
        (LISTENERS, "192.0.2.1:70000", "a port is a number from 1 to 65535"),
        (LISTENERS, "web.internal:443", 'write an address of this machine, or "0.0.0.0:443" for all of them'),
        (UPSTREAMS, "127.0.0.1:9000", "write http://127.0.0.1:9000"),
        (UPSTREAMS, ":9000", "write http://127.0.0.1:9000"),
        (UPSTREAMS, "9000", "write http://127.0.0.1:9000"),
        (UPSTREAMS, "http:/app:9000", "write http://app:9000"),
        (UPSTREAMS, "ws://app:9000", "write http://app:9000"),
        (UPSTREAMS, "tcp://app:9000", "write http://app:9000"),
        (UPSTREAMS, "htpp://app:9000", "write http://app:9000"),
        (UPSTREAMS, "http://app:9000/path?query", "write http://app:9000"),
        (UPSTREAMS, "http://user:secret@app:9000", "write http://app:9000"),
        (UPSTREAMS, "http://app:09000", "write 9000"),
        (UPSTREAMS, "http://app:70000", "a port is a number from 1 to 65535"),
        (
            UPSTREAMS,
            "http://my_app",
            "give it a name without one (in Docker a network alias), or write its address",
        ),
        (UPSTREAMS, "unix:/run/app.sock", "let the server listen on a port, as in http://127.0.0.1:9000"),
        (UPSTREAMS, "http://unix:/run/app", "let the server listen on a port, as in http://127.0.0.1:9000"),
        (UPSTREAMS, "/run/app.sock", "let the server listen on a port, as in http://127.0.0.1:9000"),
        (
            UPSTREAMS,
            "/var/www",
            "let a web server serve them, and write where it listens, as in http://127.0.0.1:9000",
        ),
        (UPSTREAMS, "to:http://app", "write `to: http://app`"),
        (UPSTREAMS, "-http://app", "write `- http://app`"),
    ],
)
def test_the_hint_names_what_was_meant(read: Callable[[object], object], text: object, hint: str) -> None:
    """And what it says to write can be read."""
    with pytest.raises(values.InvalidValue) as wrong:
        read(text)
    assert hint == wrong.value.hint
    if written := re.fullmatch(r"write (\S+)", hint):
        if not written[1].isdecimal():
            read(written[1].strip('"'))
    elif quoted := re.findall(r'"([^"*]+)"', hint):
        for one in quoted:
            read(one)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('listen:{https: ["127.0.0.1:8443"]}\nsites: {a.test: http://h}\n', '{https: ["127.0.0.1:8443"]}'),
        ("log:{\n  level: debug\n}\nsites: {a.test: http://h}\n", "log: {"),
        ("sites:{a.test: http://h}\n", "sites: {a.test: http://h}"),
        ("sites:\n  a.test:{to: http://h, tls: modern}\n", "a.test: {to: http://h, tls: modern}"),
        ("sites:\n  a.test:\n    to:http://h\n    tls:modern\n", "to: http://h"),
        ("sites:\n  a.test:\n    to:\n      -http://h\n      -http://i\n", "- http://h"),
        ("sites:\n  a.test:\n    to: http://h\n    aliases:[b.test]\n", "aliases: [b.test]"),
        ('sites:\n  "a.test":http://h\n', "a.test: http://h"),
        ("sites:\n  a.test :http://h\n", "a.test: http://h"),
    ],
)
def test_a_missing_space_is_all_that_is_told(text: str, written: str) -> None:
    """One mistake, with the line as it is written, whatever YAML makes of it."""
    with pytest.raises(SettingsInvalid) as wrong:
        parse(text)
    (mistake,) = wrong.value.diagnostics
    assert written in mistake.hint


@pytest.mark.parametrize(
    ("name", "told", "first_site"),
    [
        ("other_nginx.conf", "an nginx configuration", "example.com: http://127.0.0.1:8000"),
        ("other_nginx_site.conf", "an nginx configuration", "example.com: http://127.0.0.1:8000"),
        ("other_caddy.caddyfile", "a Caddyfile", "example.com: http://localhost:9000"),
        ("other_caddy_one_site.caddyfile", "a Caddyfile", "example.com: http://localhost:9000"),
        ("other_caddy_names.caddyfile", "a Caddyfile", "example.com: http://localhost:9000"),
        ("other_apache.conf", "an Apache configuration", "example.com: http://127.0.0.1:8000"),
        ("other_haproxy.cfg", "an HAProxy configuration", None),
        ("other_traefik.yaml", "a Traefik configuration", None),
        ("other_traefik_routers.yaml", "a Traefik configuration", None),
        ("other_traefik.toml", "TOML or an INI file", None),
        ("other_settings.toml", "TOML or an INI file", None),
        ("other_compose.yaml", "a Docker Compose file", None),
    ],
)
def test_the_configuration_of_another_program_is_named(name: str, told: str, first_site: str | None) -> None:
    """One mistake, and the first site in our words where it can be found."""
    with pytest.raises(SettingsInvalid) as wrong:
        load(ELSEWHERE / name)
    (diagnostic,) = wrong.value.diagnostics
    assert diagnostic.message == f"this is {told}, not settings"
    shown = f"its first site is written here: `sites: {{{first_site}}}`" if first_site else SHORTEST
    assert diagnostic.hint == shown
    settings = diagnostic.hint.partition("`")[2].removesuffix("`")
    parse(settings.replace("example.com", "a.test"))  # a public name needs an issuer, too


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            leaf().certificate.public_bytes(Encoding.DER),
            "a certificate or key in binary form (DER or PKCS#12)",
        ),
        (leaf().pem, "a certificate or another PEM file"),
        (leaf().key_pem, "a private key"),
        (b"\x1f\x8b\x08\x00\xff\xff", "a compressed file"),
        (b'{"apps": {"http": {}}}', "a Caddy configuration"),
        (b"#!/bin/sh\nexec port443 serve\n", "a script"),
        (b"<!DOCTYPE html>\n<p>: </p>\n", "a web page or XML"),
        (b"[Unit]\nDescription=x\n", "TOML or an INI file"),
    ],
    ids=["DER", "certificate", "key", "gzip", "Caddy's JSON", "script", "HTML", "unit"],
)
def test_a_file_of_another_kind_is_named(content: bytes, told: str) -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        parse(content)
    assert [f"this is {told}, not settings"] == [one.message for one in wrong.value.diagnostics]


def test_a_private_key_is_not_shown() -> None:
    """The report holds its first line, which every key has, and nothing of the rest."""
    key = leaf().key_pem
    with pytest.raises(SettingsInvalid) as wrong:
        parse(key)
    told = wrong.value.report() + json.dumps(wrong.value.facts())
    assert not [line for line in key.decode().splitlines()[1:] if line in told]


@pytest.mark.parametrize("indent", [None, 2, "\t"], ids=["one line", "spaces", "tabs"])
def test_json_is_yaml(indent: str | int | None) -> None:
    """Settings that a program has written as JSON are read."""
    written = {"workers": 2, "sites": {"a.test": {"to": ["http://h"], "hsts": "none"}}}
    assert parse(json.dumps(written, indent=indent)) == parse(
        "workers: 2\nsites:\n  a.test:\n    to: [http://h]\n    hsts: none\n"
    )


def test_a_file_with_sites_is_ours() -> None:
    """Whatever else is wrong in it: a line that looks like another program's is shown as a line."""
    with pytest.raises(SettingsInvalid) as wrong:
        parse("sites:\n  a.test: http://h\nserver {\n")
    assert [one.kind.name for one in wrong.value.diagnostics] == ["yaml-syntax"]


def test_dollars_and_braces_alone_are_no_variables() -> None:
    text = 'sites: {"a.test": {to: http://h, client_ca: "/etc/100%/a$/b{c}.pem"}}'
    assert str(parse(text).sites[0].client_ca) == "/etc/100%/a$/b{c}.pem"
