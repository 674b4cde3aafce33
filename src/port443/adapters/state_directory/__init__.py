"""The state directory of one machine, and the public directory beside it, independent of the store."""

from port443.adapters.state_directory.directory import StateDirectory
from port443.adapters.state_directory.public import public_directory, published

__all__ = ["StateDirectory", "public_directory", "published"]
