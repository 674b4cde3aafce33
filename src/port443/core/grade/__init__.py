"""Findings folded to a grade."""
