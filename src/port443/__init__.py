"""Serve port 443, keep it certified, and prove that both are right."""

__version__ = "0.1.0"
