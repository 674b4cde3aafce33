"""The state directory of one machine, and the directory for everybody beside it, whatever the store in it."""

from port443.adapters.state_directory.directory import StateDirectory
from port443.adapters.state_directory.public import public_directory, published

__all__ = ["StateDirectory", "public_directory", "published"]
