"""Which settings file is used when none is named."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from port443.settings.diagnostics import SettingsUnreadable

DEFAULT_FILES: Final = (Path("port443.yaml"), Path("/etc/port443/port443.yaml"))
"""In order: in the current directory, then in that of the machine."""


def settings_file(named: Path | None, defaults: Sequence[Path] = DEFAULT_FILES) -> Path:
    """Return `named`, else the first default that exists; raise SettingsUnreadable.

    A default that cannot be accessed counts as existing: reading it reports the reason.
    """
    if named is not None:
        return named
    for path in defaults:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return path
        return path
    tried = " nor ".join(str(path if path.is_absolute() else Path.cwd() / path) for path in defaults)
    raise SettingsUnreadable(
        f"no settings file was named, and neither {tried} exists",
        "name one, or serve a site without: port443 serve --domain app.localhost --to http://127.0.0.1:9000",
    )
