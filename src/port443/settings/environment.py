"""The one reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variables, parsed; an empty variable counts as absent."""

    debug: bool = False
    """`PORT443_DEBUG`: show the traceback of an error."""
    plain: bool = False
    """`NO_COLOR` (no-color.org), `PORT443_NO_COLOR`, or a terminal that calls itself dumb: no colour."""
    edge: Path | None = None
    """`PORT443_EDGE`: the edge program to start, instead of the installed one."""
    state: Path | None = None
    """`PORT443_STATE`: the state directory."""
    runtime: Path | None = None
    """`PORT443_RUNTIME`: the runtime directory."""
    xdg_state_home: Path | None = None
    xdg_runtime_dir: Path | None = None
    home: Path | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> "Environment":
        """Read the process's environment, or the given variables."""
        seen = os.environ if variables is None else variables
        return cls(
            debug=bool(seen.get("PORT443_DEBUG")),
            plain=bool(seen.get("NO_COLOR") or seen.get("PORT443_NO_COLOR")) or seen.get("TERM") == "dumb",
            edge=_path(seen, "PORT443_EDGE"),
            state=_path(seen, "PORT443_STATE"),
            runtime=_path(seen, "PORT443_RUNTIME"),
            xdg_state_home=_absolute(_path(seen, "XDG_STATE_HOME")),
            xdg_runtime_dir=_absolute(_path(seen, "XDG_RUNTIME_DIR")),
            home=_path(seen, "HOME"),
        )


def _path(variables: Mapping[str, str], name: str) -> Path | None:
    return Path(text) if (text := variables.get(name)) else None


def _absolute(path: Path | None) -> Path | None:
    """Drop a relative path: the XDG base directory specification calls it invalid."""
    return path if path and path.is_absolute() else None
