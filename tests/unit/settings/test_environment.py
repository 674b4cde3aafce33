"""The environment."""

from pathlib import Path

import pytest

from port443.settings.environment import Environment


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1"}, {"PORT443_NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str
)
def test_colour_can_be_refused(variables: dict[str, str]) -> None:
    """By the common variable, by our own, and by a terminal that has none."""
    assert Environment.read(variables).plain


def test_an_empty_variable_says_nothing() -> None:
    """no-color.org: only a value that is not empty counts."""
    empty = {"NO_COLOR": "", "PORT443_DEBUG": "", "PORT443_EDGE": "", "HOME": "", "TERM": "xterm"}
    assert Environment.read(empty) == Environment()


def test_paths_are_read() -> None:
    """A relative XDG directory counts as absent; its specification calls it invalid."""
    read = Environment.read(
        {"PORT443_EDGE": "/opt/edge", "XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "/run/user/1"}
    )
    assert read.edge == Path("/opt/edge")
    assert read.xdg_state_home is None
    assert read.xdg_runtime_dir == Path("/run/user/1")
