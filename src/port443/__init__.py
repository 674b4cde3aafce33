"""Serve port 443, keep it certified, and prove that both are right."""

__version__ = "0.1.0"
BUILT = "2026-11-23"
"""No clock is before this day; it is moved forward with each release."""
