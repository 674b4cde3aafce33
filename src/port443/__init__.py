"""Serve port 443, keep it certified, and prove that both are right."""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
BUILT = "2026-11-23"
"""No clock is before this day; it is moved forward with each release."""

__all__ = ["BUILT", "Policy", "ScanOptions", "ScanResult", "__version__", "read_policy", "scan", "scan_async"]
_LAZY = {"Policy", "ScanOptions", "ScanResult", "read_policy", "scan", "scan_async"}

if TYPE_CHECKING:
    from port443.api import Policy, ScanOptions, ScanResult, read_policy, scan, scan_async


def __getattr__(name: str) -> object:
    """Import the scanner on first use: importing the package is cheap."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("port443.api"), name)
