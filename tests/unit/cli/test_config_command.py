"""`port443 config`."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pki import leaf, root
from port443.adapters.clock import SystemClock
from port443.cli.main import run
from port443.settings.error_kinds import ERROR_KINDS

GOOD = "sites:\n  app.localhost: http://127.0.0.1:9000\n"
BAD = "sites:\n  app.localhost:\n    to: http://127.0.0.1:9000\n    tls: moderm\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "port443.yaml"
    path.write_text(GOOD)
    return path


def test_a_right_file_is_called_right(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"✓ {file} is right: 1 site\n"


def test_a_wrong_file_is_shown_where_it_is_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Place, code, line, caret and suggestion stand on stderr; stdout stays empty."""
    file.write_text(BAD)
    assert run(["config", "check", str(file)]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == (
        f"{file}:4:10: P443-E135 choice-unknown: `tls` cannot be `moderm`\n"
        "    4 |     tls: moderm\n"
        "      |          ^^^^^^\n"
        "      = did you mean `modern`?\n"
        f"error: P443-E101: {file} has 1 mistake\n"
        "hint: port443 explain P443-E135\n"
    )


def test_mistakes_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine gets the same as data: one object, every mistake with its setting."""
    file.write_text(BAD)
    assert run(["config", "check", "--json", str(file)]) == 2
    seen = capsys.readouterr()
    assert seen.err == ""
    assert json.loads(seen.out) == {
        "schema": "port443.config-check/1",
        "valid": False,
        "sites": None,
        "warnings": [],
        "file": str(file),
        "count": 1,
        "mistakes": [
            {
                "code": "P443-E135",
                "name": "choice-unknown",
                "line": 4,
                "column": 10,
                "setting": "sites.app.localhost.tls",
                "message": "`tls` cannot be `moderm`",
                "hint": "did you mean `modern`?",
                "earlier": None,
            }
        ],
    }


def test_right_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--json", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "port443.config-check/1",
        "valid": True,
        "sites": 1,
        "file": str(file),
        "warnings": [],
        "count": 0,
        "mistakes": [],
    }


def test_check_opens_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up and no socket is made, whatever the file names."""

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr("socket.socket", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    file.write_text(
        "sites:\n  shop.example.com:\n    to: http://backend.example.net\n"
        "    certificate: {chain: none.pem, key: none.key}\n"
    )
    assert run(["config", "check", str(file)]) == 0


NAMED = """\
sites:
  Shop.example.com:
    to: http://127.0.0.1:9000
    certificate: {chain: shop.pem, key: shop.key}
  team.internal:
    to: http://127.0.0.1:9000
    client_ca: clients.pem
"""


@pytest.fixture
def named(file: Path) -> Path:
    """Return a settings file with all the files that it names, beside it."""
    now = SystemClock().now()
    clients = root(not_after=now + timedelta(days=300))
    shop = leaf(clients, "shop.example.com", not_before=now, not_after=now + timedelta(days=90))
    file.write_text(NAMED)
    (file.parent / "shop.pem").write_bytes(shop.pem)
    (file.parent / "clients.pem").write_bytes(clients.pem)
    (file.parent / "shop.key").touch(mode=0o600)
    (file.parent / "shop.key").write_bytes(shop.key_pem)
    return file


def test_the_files_that_sites_name_are_judged_on_request(
    named: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A right pair and a right client CA are right; what serve would warn of is said."""
    assert run(["config", "check", "--files", str(named)]) == 0
    assert capsys.readouterr().out.endswith(f"✓ {named} is right: 2 sites, files too\n")
    (named.parent / "shop.key").chmod(0o644)
    assert run(["config", "check", "--files", "--json", str(named)]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert (
        f"shop.example.com: {named.parent}/shop.key: every user of this machine can read the key" in warnings
    )


@pytest.mark.parametrize(
    ("spoilt", "content", "told"),
    [
        ("shop.pem", None, "4:26: P443-E220 named-file: {directory}/shop.pem cannot be read: No such file"),
        ("shop.key", None, "4:41: P443-E220 named-file: {directory}/shop.key cannot be read: No such file"),
        ("shop.key", leaf().key_pem, "4:41: P443-E222 named-file: the key {directory}/shop.key fits none"),
        ("clients.pem", None, "7:16: P443-E220 named-file: {directory}/clients.pem cannot be read"),
        ("clients.pem", b"", "7:16: P443-E227 named-file: {directory}/clients.pem"),
    ],
    ids=["no chain", "no key", "another key", "no client CA", "an empty client CA"],
)
def test_a_wrong_file_is_told_where_it_is_named(
    named: Path, spoilt: str, content: bytes | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What serve would put a site aside for is an error, with the line and column of the setting."""
    path = named.parent / spoilt
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert run(["config", "check", "--files", str(named)]) == 2
    assert f"{named}:{told.format(directory=named.parent)}" in capsys.readouterr().err
    assert run(["config", "check", str(named)]) == 0


LIMITS = """\
limits:
  connections:
    per_worker: 16384
    per_address: 4096
    per_pool: 4096
  handshakes:
    per_second: 200
    burst: 2000
  header:
    size: 64KiB
    line: 16KiB
    count: 128
  timeouts:
    hello: 5s
    handshake: 10s
    header: 10s
    body: 1m
    idle: 75s
    tunnel: 1h
    connect: 5s
    first_byte: 1m
    upstream_idle: 30s
    request: none
    drain: 10s
log:
  level: info
  format: auto
"""


def test_show_writes_every_default_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"workers: 2\n{GOOD}")
    assert run(["config", "show", str(file)]) == 0
    assert capsys.readouterr().out == (
        "listen:\n"
        '  https: ["0.0.0.0:443", "[::]:443"]\n'
        '  http: ["0.0.0.0:80", "[::]:80"]\n'
        "workers: 2\n"
        f"{LIMITS}"
        "sites:\n"
        "  app.localhost:\n"
        "    to: [http://127.0.0.1:9000]\n"
        "    aliases: []\n"
        "    tls: intermediate\n"
        "    hsts: ladder\n"
        "    body: 100MiB\n"
        "    issuer: local\n"
    )


def test_show_says_where_a_value_comes_from(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value has its line of the file beside it, or that it is a default; and it is still YAML."""
    assert run(["config", "show", "--origin", str(file)]) == 0
    shown = capsys.readouterr().out
    assert f"    to: [http://127.0.0.1:9000]{'':<31}# {file}:2\n" in shown
    assert f"    tls: intermediate{'':<41}# default\n" in shown
    file.write_text(shown)
    assert run(["config", "check", str(file)]) == 0


def test_show_refuses_what_is_wrong(file: Path) -> None:
    file.write_text(BAD)
    assert run(["config", "show", str(file)]) == 2


def test_schema_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("command", ["check", "show"])
def test_the_default_file_is_that_of_the_directory(
    command: str, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever names no file means ./port443.yaml."""
    monkeypatch.chdir(file.parent)
    assert run(["config", command]) == 0
    file.write_text(BAD)
    assert run(["config", command]) == 2
    assert "port443.yaml:4:10: P443-E135" in capsys.readouterr().err


def test_a_missing_file_is_a_settings_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", str(tmp_path / "none.yaml")]) == 2
    assert "P443-E104" in capsys.readouterr().err


def test_every_mistake_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The code beside a mistake leads to a page with its cause and the way out."""
    for kind in ERROR_KINDS.values():
        assert run(["explain", kind.code]) == 0
        assert kind.explanation in capsys.readouterr().out
