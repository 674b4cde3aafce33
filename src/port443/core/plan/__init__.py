"""Desired state to Snapshot, and the difference of two."""
