"""Which settings file is meant when none is named."""

from pathlib import Path

import pytest

from port443.cli.main import run
from port443.settings.default_file import DEFAULT_FILES, settings_file
from port443.settings.diagnostics import SettingsUnreadable
from port443.settings.load import load


def test_the_default_files() -> None:
    assert tuple(map(str, DEFAULT_FILES)) == ("port443.yaml", "/etc/port443/port443.yaml")


def test_a_named_file_is_the_one(tmp_path: Path) -> None:
    """Also when it is not there: no other one takes its place."""
    (tmp_path / "default.yaml").touch()
    named = tmp_path / "named.yaml"
    assert settings_file(named, [tmp_path / "default.yaml"]) == named


def test_the_first_default_that_is_there_is_taken(tmp_path: Path) -> None:
    first, second = tmp_path / "none" / "first.yaml", tmp_path / "second.yaml"
    second.touch()
    assert settings_file(None, [first, second]) == second
    first.parent.mkdir()
    first.symlink_to(tmp_path / "gone.yaml")
    assert settings_file(None, [first, second]) == first
    with pytest.raises(SettingsUnreadable, match="No such file"):
        load(first)


def test_without_a_default_both_are_named(tmp_path: Path) -> None:
    """The error says where was looked, and how to go on."""
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    with pytest.raises(SettingsUnreadable, match=f"neither {first} nor {second} exists") as caught:
        settings_file(None, [first, second])
    assert "port443 serve --domain" in caught.value.hint


def test_a_default_that_cannot_be_looked_at_is_not_passed_over(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(SettingsUnreadable, match="Too many levels of symbolic links"):
        load(settings_file(None, [loop / "port443.yaml"]))


def test_serve_reads_the_default_file_first_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`serve`, `serve FILE` and `serve --config FILE` read the same file by the same rules."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "port443.yaml").write_text("sites: {}\n")
    for words in ([], ["port443.yaml"], ["--config", "port443.yaml"]):
        assert run(["serve", *words]) == 2
        assert "port443.yaml:1:1: P443-E160" in capsys.readouterr().err


def test_serve_takes_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "a.yaml", "--config", "b.yaml"]) == 2
    assert "P443-E102: FILE and --config name the same thing" in capsys.readouterr().err
