"""Progress: one moving line on a terminal, one line for each target elsewhere."""

import io

import pytest

from port443.cli.spinner import CLEAR, Spinner


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was shown is wiped before anything else is printed."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Spinner(2) as spinner:
        spinner.show("a.test:443", 7)
        spinner.show("a.test:443", 8)  # too soon for an eye
        spinner.done("a.test:443")
    shown = terminal.getvalue()
    assert shown.startswith(f"{CLEAR}0/2 done  a.test:443  7 connections")
    assert "8 connections" not in shown
    assert shown.endswith(CLEAR)


def test_a_terminal_shows_how_long_the_others_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as those that are done, on the average; nothing before the first is."""
    terminal, clock = Terminal(), iter((0.0, 1.0, 10.0, 100.0))
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("port443.cli.spinner.time.monotonic", lambda: next(clock))
    with Spinner(4) as spinner:
        spinner.show("a.test:443", 7)
        spinner.done("a.test:443")
        spinner.show("b.test:443", 8)
        spinner.show("b.test:443", 9)
    shown = terminal.getvalue().split(CLEAR)
    assert "left" not in shown[1]
    assert shown[2] == "1/4 done  b.test:443  8 connections  10.0 s  about 30 s left"
    assert shown[3].endswith("about 5 min left")


@pytest.mark.parametrize(("targets", "wanted"), [(1, ""), (2, "1/2 a.test:443\n")])
def test_a_pipe_gets_a_line_when_a_target_is_done(
    targets: int, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A single target needs none, since its report follows."""
    with Spinner(targets) as spinner:
        spinner.show("a.test:443", 7)
        spinner.done("a.test:443")
    assert capsys.readouterr().err == wanted
