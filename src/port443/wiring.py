"""The only file that names concrete adapters."""

from port443.adapters.dial import Dialler
from port443.ports import Dial


def make_dial() -> Dial:
    """Make the way to other machines."""
    return Dialler()
