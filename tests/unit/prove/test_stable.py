"""Runs of tests again and again: a fault of one run is found, named, and fails the whole."""

from pathlib import Path

import pytest

from prove.stable import Run, busy_cores, marked_files, one_run, report

IN_ONE_PROCESS = ("-n", "0")
SCENES = """
import pytest


def test_is_right():
    pass


def test_is_wrong():
    raise ValueError


@pytest.mark.parametrize("way", ["a|b"])
def test_leaves_wrongly(way, request):
    request.addfinalizer(lambda: 1 / 0)
"""


@pytest.mark.slow
def test_what_fails_in_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By test, for a fault in it and for one behind it."""
    scenes = tmp_path / "test_scenes.py"
    scenes.write_text(SCENES)
    run = one_run("marked", 3, [*IN_ONE_PROCESS, str(scenes)], is_loaded=False)
    assert [name.rpartition("::")[2] for name in run.failed] == ["test_is_wrong", "test_leaves_wrongly[a|b]"]
    assert "· marked, run 3: 3 tests in" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_without_tests_is_no_success(tmp_path: Path) -> None:
    scenes = tmp_path / "test_scenes.py"
    scenes.write_text("import nothing_of_that_name")
    assert one_run("all", 1, [*IN_ONE_PROCESS, str(scenes)], is_loaded=False).failed


def test_the_report_says_which_test_failed_in_which_run() -> None:
    runs = [
        Run("marked", 1, 90.0, 100, (), is_loaded=True),
        Run("marked", 2, 44.0, 100, (), is_loaded=False),
        Run("marked", 3, 80.0, 100, ("tests/unit/test_a::test_b",), is_loaded=True),
    ]
    text = report(runs, 3, 0)
    assert "| marked, 100 | none | 1 | yes | 44 |" in text
    assert "| marked, 100 | busy | 2 | **no**, 1 of 2 | 80 to 90 |" in text
    assert "- marked, run 3, under load: `tests/unit/test_a::test_b`" in text
    assert "Nothing failed" not in text
    assert "Nothing failed" in report(runs[:2], 2, 0)


def test_the_files_of_marked_tests_are_found() -> None:
    """This is one, and a file whose tests have no mark is none."""
    found = {Path(name).name for name in marked_files()}
    assert "test_stable.py" in found
    assert "test_floors.py" not in found


@pytest.mark.machine
def test_whoever_keeps_the_cores_busy_ends() -> None:
    """Also when what ran beside it fails; the watch over what tests leave behind would find it."""
    with pytest.raises(ValueError, match="as it should"), busy_cores():
        raise ValueError("as it should")
